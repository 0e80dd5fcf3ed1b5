-- tick.lua: moves the room forward and brings one worker up to date.
-- ARGV  TICK_ARG_*: generation, version, next, entered and incarnation that the worker knows (0 = nothing); the first
--       second of flow that it lacks; tick (ms): a tick within half of this after the previous one changes nothing and
--       only reads; the epoch in which the heartbeats were collected
--       TICK_ITEMS... pairs: chunk, bitmap of the numbers that polled at this worker in that epoch since its last flush
-- Returns TICK_PART_*: {the numbers of tick_fields()}, {policy}, {second, entries, ...}, {chunk, bitmap, ...},
--   {override or '', ...}, {texts of TICK_TEXT}
-- Error ROLLBACK: this Redis knows less of the room than the worker, which restores it and asks again.
-- Bounds: LAPSES_MAX lapsed calls, CALLS_MAX calls, PASSES_MAX ended passes and BROUGHT_MAX pages of brought entries
-- per tick. A sweep costs a few bit operations per chunk. Calls that lapsed hold tokens and places until they are
-- ended: when some are left, the reply says so (lapses_left), and the worker's next tick follows at once and moves the
-- room as well.

local known_generation = tonumber(ARGV[TICK_ARG_KNOWN_GENERATION])
local known_version = tonumber(ARGV[TICK_ARG_KNOWN_VERSION])
if knows_less(known_generation, tonumber(ARGV[TICK_ARG_KNOWN_NEXT]),
    tonumber(ARGV[TICK_ARG_KNOWN_INCARNATION])) then
  return redis.error_reply(ROLLBACK .. ' the room went back')
elseif known_generation ~= S.generation or S.version < known_version then
  known_version = 0  -- Another generation, or gone back without losing a number: the worker needs every bitmap again.
end

-- A flush just after an epoch's end must not make its visitors look alive for an epoch longer.
local beat_epoch = math.max(epoch - 1, math.min(epoch, tonumber(ARGV[TICK_ARG_HEARTBEAT_EPOCH])))
for i = TICK_ITEMS, #ARGV, 2 do
  local key, scratch = prefix .. 'seen:' .. beat_epoch .. ':' .. ARGV[i], prefix .. 'scratch'
  -- One command for the first flush of an epoch; the number of commands must not grow with the people.
  if not redis.call('SET', key, ARGV[i + 1], 'NX', 'PX', seen_life(beat_epoch)) then
    redis.call('SET', scratch, ARGV[i + 1], 'PX', 1000)
    redis.call('BITOP', 'OR', key, key, scratch)
    redis.call('PEXPIRE', key, seen_life(beat_epoch))  -- BITOP has made the key anew, without its time to live
  end
end

local function live_chunks()
  local chunks = {}
  for _, chunk in ipairs(redis.call('HKEYS', KEYS[3])) do chunks[#chunks + 1] = tonumber(chunk) end
  table.sort(chunks)
  return chunks
end

-- Calls not claimed in time give their token back; the visitor may return within the grace, as if seen just now. Each
-- lapse is counted, but while everybody may pass: the third ends the place.
S.lapses_left = 0
local function lapse()
  if S.called == 0 then return end
  local late = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'LIMIT', 0, LAPSES_MAX + 1)
  if #late == 0 then return end
  if #late > LAPSES_MAX then late[#late], S.lapses_left = nil, 1 end
  local gone = 'gone:' .. math.floor(now / gone_ms)
  for _, member in ipairs(late) do
    local number = tonumber(member)
    uncall(number, true)
    if P.mode ~= BYPASS and bit_of('lapsed2', number) then
      mark_done(number, number)
    else
      if P.mode ~= BYPASS then
        mark(bit_of('lapsed1', number) and 'lapsed2' or 'lapsed1', number, number, done_ms)
      end
      mark(gone, number, number, gone_life(math.floor(now / gone_ms)))
    end
  end
  S.lapsed = S.lapsed + #late
end

-- waiting := waiting AND (seen in this epoch or one of the three before it): silent for 3/4 to 4/4 of abandon_after.
local function sweep()
  local scratch, spent = prefix .. 'scratch', {prefix .. 'scratch'}
  for _, chunk in ipairs(live_chunks()) do
    local key = prefix .. 'waiting:' .. chunk
    local sources = {}
    for e = epoch, epoch - EPOCHS_KEPT + 1, -1 do sources[#sources + 1] = prefix .. 'seen:' .. e .. ':' .. chunk end
    spent[#spent + 1] = prefix .. 'seen:' .. epoch - EPOCHS_KEPT .. ':' .. chunk
    redis.call('BITOP', 'OR', scratch, unpack(sources))
    redis.call('BITOP', 'AND', scratch, key, scratch)
    local gone = redis.call('BITCOUNT', key) - redis.call('BITCOUNT', scratch)
    if gone > 0 then
      -- Those who are swept: waiting XOR kept. Their last sign came before the oldest epoch that is looked at.
      local span = math.max(0, math.floor(((epoch - EPOCHS_KEPT + 1) * epoch_ms - 1) / gone_ms))
      local silent = prefix .. 'gone:' .. span .. ':' .. chunk
      redis.call('BITOP', 'XOR', key, key, scratch)
      redis.call('BITOP', 'OR', silent, silent, key)
      redis.call('PEXPIRE', silent, gone_life(span))
      redis.call('RENAME', scratch, key)
      touch(chunk)
      S.waiting, S.abandoned = S.waiting - gone, S.abandoned + gone
    end
  end
  for from = 1, #spent, KEYS_PER_COMMAND do
    redis.call('UNLINK', unpack(spent, from, math.min(#spent, from + KEYS_PER_COMMAND - 1)))
  end
end

-- Counts again what is counted on the way, once in an epoch: a key that was evicted, or removed by hand, must not keep
-- the room from calling. Chunks in which nobody waits are removed, but the newest.
local function recount()
  local before = S.waiting
  -- Members that are called no longer would add places to max_active.
  redis.call('ZINTERSTORE', recalled_key, 2, recalled_key, KEYS[4], 'WEIGHTS', 1, 0)
  -- Pages of brought entries may be evicted, but none comes by itself: restore.lua makes them and counts them, also for
  -- a state that is made anew. So a room without such an entry asks nothing.
  S.waiting, S.called, S.brought = 0, redis.call('ZCARD', KEYS[4]), S.brought > 0 and brought().count() or 0
  S.active = redis.call('ZCARD', KEYS[5]) + S.brought
  S.head = S.next
  for _, chunk in ipairs(live_chunks()) do
    local key = prefix .. 'waiting:' .. chunk
    local count = redis.call('BITCOUNT', key)
    if count > 0 then
      if S.waiting == 0 then S.head = chunk * CHUNK + redis.call('BITPOS', key, 1) end
      S.waiting = S.waiting + count
    elseif chunk < math.floor((S.next - 1) / CHUNK) or chunk >= LATE_CHUNK then
      redis.call('DEL', key)
      redis.call('HDEL', KEYS[3], chunk)
      touched = true
    end
    redis.call('PEXPIRE', key, ROOM_MS)
  end
  -- A room that nobody runs any more, because it is in no file, must not stay for ever.
  for i = 1, 6 do redis.call('PEXPIRE', KEYS[i], ROOM_MS) end
  redis.call('PEXPIRE', recalled_key, ROOM_MS)
  -- The workers' mirrors show visitors who are not here: without a new list they would answer these for ever.
  if S.waiting ~= before then
    touched = true
    for _, chunk in ipairs(live_chunks()) do touch(chunk) end
  end
end

-- Ends the passes whose time has come, those that end first.
local function end_passes()
  for _ = 1, S.brought > 0 and BROUGHT_MAX or 0 do
    local records, fresh = brought().move(now)
    if not records then break end
    S.brought, S.active = S.brought - records, S.active - records + fresh
  end
  local over = S.active > 0 and redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now, 'LIMIT', 0, PASSES_MAX) or {}
  if #over > 0 then S.active = S.active - redis.call('ZREM', KEYS[5], unpack(over)) end
end

-- How many times longer than asked for a visitor may be silent: a power of two, so that the signs of life of all who
-- wait stay within their half of the polls. See RoomPolicy.patience.
local function be_patient()
  local needed, times = math.floor(PATIENCE_MS * S.waiting / P.poll_budget), S.patience
  while times < PATIENCE_MAX and S.asked_abandon_ms * times < needed do times = 2 * times end
  while times > 1 and S.asked_abandon_ms * times >= 4 * needed do times = times / 2 end
  if times == S.patience then return end
  -- The next tick finds epochs of another length, and keeps the silent for as long as they may be silent now. What was
  -- noted of those who went before is in epochs of the old length: tickets are believed for a grace.
  S.patience, S.restored_ms, S.doubt_from = times, now, 0
end

-- How many are called at once. A room in bypass calls those who wait without tokens, a part of them with each tick, so
-- that a crowd does not reach the backend in one second.
local function call_budget()
  if P.mode == PAUSED or is_held or S.waiting == 0 then return 0 end
  if P.mode == BYPASS then return math.max(BYPASS_CALLS_MIN, math.ceil(S.waiting / BYPASS_PARTS)) end
  return math.min(call_tokens(), vacancies())
end

-- Calls in strict number order while there are tokens and room; chunks that are used up are removed. Visitors who
-- lapsed before are called as their numbers come, and count against neither.
local function call_forward()
  local budget, first_calls = call_budget(), 0
  if budget < 1 then return end
  local calls, recalls, head = {}, {}, S.head
  for _, chunk in ipairs(live_chunks()) do
    local key, at = prefix .. 'waiting:' .. chunk, math.max(0, S.head - chunk * CHUNK)
    local lapsed = prefix .. 'lapsed1:' .. chunk % LATE_CHUNK
    local has_lapsed = redis.call('EXISTS', lapsed) == 1
    while first_calls < budget and #calls < 2 * CALLS_MAX and at < CHUNK do
      at = redis.call('BITPOS', key, 1, at, CHUNK - 1, 'BIT')
      if at < 0 then break end
      redis.call('SETBIT', key, at, 0)
      local number = chunk % LATE_CHUNK * CHUNK + at
      calls[#calls + 1] = now + P.claim_ms
      calls[#calls + 1] = number
      if P.mode == BYPASS or has_lapsed and redis.call('GETBIT', lapsed, at) == 1 then
        recalls[#recalls + 1] = 0
        recalls[#recalls + 1] = number
      end
      if P.mode == BYPASS or #recalls == 0 or recalls[#recalls] ~= number then first_calls = first_calls + 1 end
      touch(chunk)
      at = at + 1
      head = chunk * CHUNK + at
    end
    if first_calls >= budget or #calls >= 2 * CALLS_MAX then break end
    if chunk < math.floor((S.next - 1) / CHUNK) or chunk >= LATE_CHUNK then
      redis.call('DEL', key)
      redis.call('HDEL', KEYS[3], chunk)
      touched = true
    end
  end
  if #calls == 0 then return end
  in_slices('ZADD', KEYS[4], calls)
  in_slices('ZADD', recalled_key, recalls)
  S.head = head
  S.waiting, S.called = S.waiting - #calls / 2, S.called + #calls / 2
  if P.mode ~= BYPASS then take_tokens(first_calls) end
end

-- The bucket pays what is owed to it. What came back stays beyond its capacity only while somebody waits for it.
local function settle_tokens()
  if S.owed < 0 then
    local paid = math.min(-S.owed, math.floor(S.call_micro / MICRO))
    S.call_micro, S.owed = S.call_micro - paid * MICRO, S.owed + paid
  elseif S.owed > 0 and S.waiting == 0 then
    S.call_micro, S.owed = math.min(call_full, S.call_micro + S.owed * MICRO), 0
  end
end

local function prune_flow()
  if second == S.flow_second then return end
  if second - S.flow_second > 900 then
    redis.call('DEL', KEYS[6])
  else
    local old = {}
    for s = S.flow_second - 901, second - 902 do old[#old + 1] = s end
    redis.call('HDEL', KEYS[6], unpack(old))
  end
  S.flow_second = second
end

if now - S.ticked_ms >= tonumber(ARGV[TICK_ARG_TICK_MS]) / 2 then
  lapse()
  end_passes()
  if epoch ~= S.epoch then
    -- After a gap in the ticks (Redis or every worker away) heartbeats are missing: nobody is swept for abandon_after.
    -- Where nobody waited there may be no ticks, and nothing is missing.
    local gap_ms = S.waiting > 0 and now - math.max(S.ticked_ms, S.line_ms) or 0
    if epoch_ms ~= S.epoch_ms or gap_ms > math.max(epoch_ms, 5000) then
      S.hold_epoch = epoch + EPOCHS_KEPT
    end
    if epoch >= S.hold_epoch then sweep() end
    recount()
    be_patient()
    S.epoch, S.epoch_ms = epoch, epoch_ms
  end
  call_forward()
  settle_tokens()
  prune_flow()
  S.ticked_ms = S.lapses_left == 0 and now or now - tonumber(ARGV[TICK_ARG_TICK_MS])
  save()
end

-- When some worker should tick the room though no mirror asks for it. While people wait or are called, every worker
-- that knows of them does; those may all have ended. Where people are only inside, a pass ends, or an epoch with its
-- recount.
-- The rooms take their turns within an epoch: all that are due at once would be ticked by every worker.
local function turn_ms(span_ms)
  local sum = 0
  for i = 1, #room do sum = (sum * 31 + string.byte(room, i)) % INDEX.turns end
  return sum % span_ms
end
local function due_ms()
  if S.waiting + S.called > 0 then return now + INDEX.due_soon_ms end
  if S.active == 0 then return now + INDEX.due_idle_ms + turn_ms(INDEX.due_idle_ms) end
  local first = (epoch + 1) * epoch_ms + turn_ms(epoch_ms)
  for _, key in ipairs({KEYS[5], S.brought > 0 and brought().index or nil}) do
    local soonest = redis.call('ZRANGEBYSCORE', key, '-inf', '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
    first = math.min(first, tonumber(soonest or first))
  end
  return math.max(now + 1, first)
end

-- What is due sooner stays: it costs a tick. So a busy room writes this once a second, and not with each tick.
if KEYS[8] then
  local known = redis.pcall('ZMSCORE', KEYS[8], 'last', 'd' .. room)
  local at, due = tonumber(known[2]), due_ms()
  if known[1] and (not at or at <= now or at > due) then redis.call('ZADD', KEYS[8], due, 'd' .. room) end
end

S.call_tokens = math.max(0, call_tokens())
local state, policy, flow, chunks, set = {}, {}, {}, {}, {}
for i, field in ipairs(tick_fields()) do state[i] = field == 'now' and now or S[field] end
for i, field in ipairs(POLICY) do
  policy[i] = P[field]
  set[i] = overrides[i] or ''
end
if S.entered ~= tonumber(ARGV[TICK_ARG_KNOWN_ENTERED]) then
  local names = {}
  for s = math.max(tonumber(ARGV[TICK_ARG_FLOW_SECOND]), second - 900), second do names[#names + 1] = s end
  if #names > 0 then
    for i, entries in ipairs(redis.call('HMGET', KEYS[6], unpack(names))) do
      if entries then flow[#flow + 1] = names[i]; flow[#flow + 1] = tonumber(entries) end
    end
  end
end
if S.version ~= known_version then
  local versions = redis.call('HGETALL', KEYS[3])
  for i = 1, #versions, 2 do
    -- Every live chunk is named, so that the worker drops the others; only changed ones carry their bits.
    chunks[#chunks + 1] = tonumber(versions[i])
    chunks[#chunks + 1] = tonumber(versions[i + 1]) > known_version
      and (redis.call('GET', prefix .. 'waiting:' .. versions[i]) or '') or 0
  end
end
local reply = {}
reply[TICK_PART_STATE], reply[TICK_PART_POLICY], reply[TICK_PART_FLOW] = state, policy, flow
reply[TICK_PART_CHUNKS], reply[TICK_PART_OVERRIDES] = chunks, set
local texts = {notice, '', '', '', '', ''}
if S.draw_state ~= DRAW_NONE then
  for i, text in ipairs(redis.call('HMGET', prefix .. 'draw', 'commitment', 'seed', 'source', 'beacon',
    'opened')) do
    texts[i + 1] = text or ''
  end
end
reply[TICK_PART_TEXTS] = texts
return reply
