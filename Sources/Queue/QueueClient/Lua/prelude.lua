-- prelude.lua: put in front of every script that works on a room that exists (ScriptCatalog joins the two).
-- It reads the clock, the policy and the state, refills the buckets, and defines the words the scripts share.
--
-- KEYS  1 state (hash)   2 config (hash)   3 chunks (hash: chunk -> version of its last change)
--       4 called (zset)  5 active (zset)   6 flow (hash: second -> entries)
--       7 a key that never exists, named at:<run id of this server>; see KeySchema.here
--       8 the index of rooms, see index.lua
--       The bitmaps waiting/done/left/lapsed1/lapsed2:<chunk>, seen:<epoch>:<chunk> (polled in that epoch) and
--       gone:<span>:<chunk> (lost the place by silence or a lapsed call; last heartbeat in that span), and the zset
--       recalled are named from the prefix of KEYS[1]: they share the room's hash tag, so they are in the same Redis
--       Cluster slot. So are the entries that a restore has brought, which are inside beside those in KEYS[5]
--       (brought.lua).
-- ARGV  1...#POLICY the limits of the caller's configuration file, in the order of POLICY; REVISION_ARG the file's
--       revision (ms of its last change; below 0: a caller without a file)
-- Error NOSTATE: the room is not in this Redis (new, restarted empty, flushed). The worker restores it and asks again.
--
-- A server that did not write the state (after a restart, a failover, or the move of a slot) may know less than the
-- workers: replication and the append-only file lag, and nobody can know how much. So, once: nothing is admitted
-- for HOLD_MS, while some worker may still be speaking to the old server; the buckets begin empty, since what was
-- admitted last may be unknown here; numbers go on behind all that can have been issued; nobody is swept for
-- abandon_after; and a new incarnation makes every worker bring what it remembers (restore.lua).
--
-- Time is Redis TIME and never goes back, but for a step of more than STEP_BACK_MS. Buckets count in millionths of a
-- token, so every sum is an exact integer.
--
-- Lapses: a call that is not claimed lapses, and the visitor may come back. The visitors who lapsed must not stop the
-- others, so
--   lapsed1, lapsed2   hold a bit for each visitor whose calls lapsed at least once, at least twice. A third lapse
--                      ends the place.
--   recalled           holds the called visitors whose earlier call lapsed: they took no token when they were called
--                      and hold no place of max_active; they take both when they enter
--   owed               tokens that lapsed calls gave back, kept beyond the bucket's capacity while people wait. Below
--                      zero: tokens that the entries of recalled visitors have still to take from the call bucket
--   LATE               a visitor who lapsed twice waits at the own number plus LATE, which is behind every number. So
--                      the other scripts, the mirror and the sweep treat both parts of the line alike
-- head is at most the lowest waiting bit, or calling forward would delete places.

local FIELDS = {'generation', 'next', 'head', 'waiting', 'called', 'active', 'call_micro', 'entry_micro', 'refilled_ms',
  'clock_ms', 'ticked_ms', 'epoch', 'epoch_ms', 'hold_epoch', 'version', 'opened_ms', 'flow_second', 'joined',
  'entered', 'left', 'abandoned', 'lapsed', 'returned', 'restored_ms', 'doubt_from', 'incarnation',
  'remembered', 'owed', 'brought', 'patience', 'line_ms', 'draw_state', 'draw_first', 'draw_behind'}
local DONE_MS_EXTRA = 86400000         -- done bits outlive the last possible return by a day

local prefix = string.sub(KEYS[1], 1, -6)
local P, S = {}, {}
local raw = redis.call('HMGET', KEYS[1], 'server', 'turns', unpack(FIELDS))
local server = string.sub(KEYS[7] or '', #prefix + 4)
if not raw[3] then return redis.error_reply(NOSTATE .. ' the room has no state here') end
for i, field in ipairs(FIELDS) do S[field] = tonumber(raw[i + 2]) or 0 end

-- Whether anything was changed that a mirror shows besides the limits; every bitmap that changes raises the version.
local has_news
do
  local shown, before = {'generation', 'version', 'next', 'waiting', 'called', 'active', 'opened_ms', 'joined',
    'entered', 'left', 'abandoned', 'lapsed', 'returned', 'incarnation', 'draw_state'}, {}
  for i, field in ipairs(shown) do before[i] = S[field] end
  has_news = function()
    for i, field in ipairs(shown) do if S[field] ~= before[i] then return true end end
    return false
  end
end
local room = string.match(prefix, '{(.*)}:$')

-- The limits stand in config: what the newest file says (file:<field>, revision), and over it what an operator has set
-- (<field>). So callers whose files differ work with the same limits, and none can change the bound.
local in_config = {'revision'}
for _, field in ipairs(POLICY) do in_config[#in_config + 1] = 'file:' .. field end
for _, field in ipairs(POLICY) do in_config[#in_config + 1] = field end
in_config[#in_config + 1] = 'notice'  -- an operator's message to visitors
local config = redis.call('HMGET', KEYS[2], unpack(in_config))
local overrides = {unpack(config, #POLICY + 2, 2 * #POLICY + 1)}
local notice = config[2 * #POLICY + 2] or ''
local function take_limits()
  for i, field in ipairs(POLICY) do P[field] = tonumber(overrides[i] or config[i + 1] or ARGV[i]) end
  -- File and overrides may not fit each other: one bitmap is kept for each epoch of the grace.
  P.grace_ms = math.min(P.grace_ms, GRACE_PER_ABANDON * P.abandon_ms)
  -- While a large crowd waits everybody may be silent for longer (tick.lua), or the signs of life would be too many.
  S.patience, S.asked_abandon_ms = math.max(1, S.patience), P.abandon_ms
  P.abandon_ms = math.min(PATIENCE_MS_MAX, P.abandon_ms * S.patience)
end
take_limits()

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
-- A clock that was ahead and was set right is as another server: waiting for the old time would freeze the room.
local went_back = now < S.clock_ms - STEP_BACK_MS
-- A connection that has not asked for the server's identity gives none.
local is_elsewhere = went_back or server ~= '' and raw[1] ~= server
-- Another server has a clock of its own; its buckets begin empty.
if not is_elsewhere then now = math.max(now, S.clock_ms) end
local second = math.floor(now / 1000)
S.clock_ms = now

-- Calls come with the ticks: a call bucket smaller than what flows in between would overflow and lose calls. So it
-- holds at least a second of the rate beside a token that is not whole yet; the entry bucket alone bounds the entries.
local full, call_full
local function set_capacities()
  full = P.burst * MICRO
  call_full = math.max(full, P.rate_milli * 1000 + MICRO)
end
set_capacities()

-- Turns: the times, yet to come, at which visitors who found no token of the entry bucket will ask again (visit.lua).
-- As long as every turn is given the call bucket gains nothing: more called visitors could only wait for the same
-- tokens.
local turns, turns_changed = {}, is_elsewhere
for at in string.gmatch(not is_elsewhere and raw[2] or '', '%d+') do
  if tonumber(at) > now then turns[#turns + 1] = tonumber(at) end
end
-- For how many of the next tokens there are turns: those of half a claim window, or the calls would lapse.
local function turn_tokens()
  return math.max(1, math.min(TURN_TOKENS, math.floor(P.claim_ms * P.rate_milli / (2 * MICRO))))
end
local function is_crowded()
  if P.rate_milli == 0 then return false end
  -- Those given at a lower rate than now are not at these tokens.
  local last = now + math.max(0, S.refilled_ms - now) + math.ceil(turn_tokens() * MICRO / P.rate_milli)
  local count = 0
  for _, at in ipairs(turns) do count = count + (at <= last and 1 or 0) end
  return count >= TURNS_PER_TOKEN * turn_tokens()
end
local function refill(gained)
  if not is_crowded() then S.call_micro = S.call_micro + gained end
  S.call_micro, S.entry_micro = math.min(call_full, S.call_micro), math.min(full, S.entry_micro + gained)
end
refill(math.max(0, math.min(now - S.refilled_ms, REFILL_MS_MAX)) * P.rate_milli)
S.refilled_ms = math.max(now, S.refilled_ms)  -- later than now: held

-- A newer file is taken over once, after the old limits have filled the buckets up to now.
S.revision = tonumber(config[1]) or -1
if tonumber(ARGV[REVISION_ARG]) > S.revision then
  S.revision = tonumber(ARGV[REVISION_ARG])
  local words = {'revision', ARGV[REVISION_ARG]}
  for i, field in ipairs(POLICY) do
    config[i + 1] = ARGV[i]
    words[#words + 1] = 'file:' .. field
    words[#words + 1] = ARGV[i]
  end
  redis.call('HSET', KEYS[2], unpack(words))
  take_limits()
  set_capacities()
  refill(0)
  note_change(room)
end

-- Behind its end an open room takes no joins.
if P.mode == OPEN and P.closes_ms > 0 and now >= P.closes_ms then P.mode = CLOSED end

local epoch_ms = math.max(1, math.floor(P.abandon_ms / EPOCHS_KEPT))
local epoch = math.floor(now / epoch_ms)
-- Heartbeats are noted by epoch. Since the last sweep some may have been noted in epochs of another length, also when
-- the limits are back by now: the next sweep finds out by a length of 0.
if S.epoch_ms > 0 and S.epoch_ms ~= epoch_ms then
  S.epoch_ms = 0
  redis.call('HSET', KEYS[1], 'epoch_ms', 0)
end

-- Whether this Redis knows less of the room than a worker does: it went back to an older state (a lagging replica), or
-- lost everything and somebody without a memory of the room has made it anew.
local function knows_less(known_generation, known_next, known_incarnation)
  if known_next == 0 or S.generation > known_generation then return false end
  return S.generation < known_generation or S.incarnation ~= known_incarnation or S.next < known_next
end

local recalled_key = prefix .. 'recalled'

-- A script works on many numbers of few chunks: what is done once a chunk is remembered here.
local touched, touched_chunks, known_bitmaps = false, {}, {}
-- Marks a chunk of the waiting bitmap as changed, so that the next tick sends it to every worker.
local function touch(chunk)
  touched = true
  if touched_chunks[chunk] then return end
  touched_chunks[chunk] = true
  redis.call('HSET', KEYS[3], chunk, S.version + 1)
end

local function save()
  if touched then S.version = S.version + 1 end
  local out = {}
  for _, field in ipairs(FIELDS) do
    out[#out + 1] = field
    out[#out + 1] = S[field]
  end
  if turns_changed then
    out[#out + 1] = 'turns'
    out[#out + 1] = table.concat(turns, ' ')
  end
  redis.call('HSET', KEYS[1], unpack(out))
  if has_news() then note_change(room) end
end

if is_elsewhere then
  S.version = math.max(S.version + 1, tonumber(clock[1]) * 1000000 + tonumber(clock[2]))
  for _, chunk in ipairs(redis.call('HKEYS', KEYS[3])) do redis.call('HSET', KEYS[3], chunk, S.version) end
  S.call_micro, S.entry_micro, S.refilled_ms, S.owed = 0, 0, now + HOLD_MS, 0
  -- What it may lack are the numbers from here on: the tickets of these are believed for a grace. So are those of all,
  -- for a grace after a Redis had lost everything.
  if S.restored_ms < now - P.grace_ms then S.doubt_from = S.next end
  S.next = first_number(now, S.next + BEHIND)
  S.incarnation, S.remembered = S.version, 1
  S.restored_ms, S.hold_epoch = now, epoch + EPOCHS_KEPT
  S.ticked_ms, S.flow_second = math.min(S.ticked_ms, now), math.min(S.flow_second, second)
  S.opened_ms, S.line_ms = math.min(S.opened_ms, now), math.min(S.line_ms, now)
  if server ~= '' then redis.call('HSET', KEYS[1], 'server', server) end
  if went_back then
    -- What is recorded of heartbeats and grace lies in the time that was taken back: tickets are believed for a grace.
    -- The keys of joins lie there too, and are forgotten.
    S.doubt_from = 0
    redis.call('HDEL', KEYS[1], 'key_pages')
    -- Calls and passes of that time end as if they began now, or they would hold their places as long as it was ahead.
    end_by(KEYS[4], now + P.claim_ms)
    end_by(KEYS[5], now + P.pass_ms)
    brought().end_by(now + P.pass_ms)
  end
  save()
end

-- The draw. Numbers from draw_first on are registered until the doors open; then as many numbers behind them are kept
-- for the places, and those who come later are behind these. draw.lua moves the registered there.
if S.draw_state == DRAW_REGISTERING and P.draw == DRAW_OFF then
  S.draw_state = DRAW_NONE
  save()
elseif S.draw_state == DRAW_REGISTERING and now >= P.opens_ms then
  -- After a loss, or a ticket from before it, the numbers have a gap of millions: nobody is registered in it.
  S.draw_state, S.draw_behind = DRAW_OPENED, math.min(S.next, S.draw_first + DRAW_MAX)
  S.next = math.max(S.next, 2 * S.draw_behind - S.draw_first)
  redis.call('HSET', prefix .. 'draw', 'opened', P.opens_ms)
  save()
end
-- Nobody is called before the doors open and the places are drawn. In bypass everybody passes.
local is_held = P.mode == ENDED or P.mode ~= BYPASS and (now < P.opens_ms or S.draw_state == DRAW_OPENED)
local function has_moved(number)
  return S.draw_state == DRAW_DRAWN and number >= S.draw_first and number < S.draw_behind
end

-- A bitmap is made at its full size at once: growing it bit by bit would make Redis reserve twice the room.
local function bitmap(kind, chunk, life_ms)
  local key = prefix .. kind .. ':' .. chunk
  if known_bitmaps[key] then return key end
  known_bitmaps[key] = true
  if redis.call('EXISTS', key) == 0 then
    redis.call('SETBIT', key, CHUNK - 1, 0)
    if life_ms then redis.call('PEXPIRE', key, life_ms) end
  elseif kind == 'done' or kind == 'left' or kind == 'lapsed1' or kind == 'lapsed2' then
    redis.call('PEXPIRE', key, life_ms)
  end
  return key
end

-- Sets the bits of the numbers from...to, or clears them: whole bytes by SETRANGE, the edges one by one.
local function mark(kind, from, to, life_ms, is_cleared)
  local bit, byte = is_cleared and 0 or 1, is_cleared and '\0' or '\255'
  while from <= to do
    local chunk = math.floor(from / CHUNK)
    local key = bitmap(kind, chunk, life_ms)
    local at, last = from % CHUNK, math.min(to - chunk * CHUNK, CHUNK - 1)
    from = chunk * CHUNK + last + 1
    while at <= last and at % 8 ~= 0 do redis.call('SETBIT', key, at, bit); at = at + 1 end
    local bytes = math.floor((last + 1 - at) / 8)
    if bytes > 0 then
      redis.call('SETRANGE', key, at / 8, string.rep(byte, bytes))
      at = at + bytes * 8
    end
    while at <= last do redis.call('SETBIT', key, at, bit); at = at + 1 end
  end
end

-- The heartbeats of an epoch are kept as long as a sweep looks at them; older ones matter only for those who lost
-- their place, and theirs are kept in spans of two epochs for the grace.
local SPARE_MS = 10000                 -- the sweep deletes what it no longer needs; this is for what it does not see
local function seen_life(of) return math.max(0, (of + EPOCHS_KEPT) * epoch_ms - now) + SPARE_MS end
local function mark_seen(from, to) mark('seen:' .. epoch, from, to, seen_life(epoch)) end
local gone_ms = 2 * epoch_ms
local function gone_life(span) return math.max(0, (span + 1) * gone_ms + P.grace_ms - now) + SPARE_MS end
local done_ms = P.grace_ms + DONE_MS_EXTRA
local function mark_done(from, to) mark('done', from, to, done_ms) end

local function bit_of(kind, number)
  return redis.call('GETBIT', prefix .. kind .. ':' .. math.floor(number / CHUNK), number % CHUNK) == 1
end

-- Where a visitor waits: at the own number, or behind every number after two lapses.
local function spot(number) return bit_of('lapsed2', number) and number + LATE or number end

-- When the pass of a number ends or has ended, as long as it is counted as inside; nil for another one.
local function end_of_pass(number)
  local expires = redis.call('ZSCORE', KEYS[5], number)
  if expires then return tonumber(expires) end
  return S.brought > 0 and brought().end_of(number) or nil
end

-- Takes a number's entry out of those that were brought back, if it is there.
local function cut_brought(number)
  if S.brought > 0 then S.brought = S.brought - brought().cut(number) end
end

-- Takes a visitor out of those who are called. A first call's token is free again, and not lost to the bucket's
-- capacity while others wait for it.
local function uncall(number, gives_back)
  redis.call('ZREM', KEYS[4], number)
  S.called = S.called - 1
  local was_recalled = redis.call('ZREM', recalled_key, number) == 1
  if gives_back and not was_recalled then S.owed = S.owed + 1 end
  return was_recalled
end

-- Tokens for calls: those of the bucket and those that came back, less those that are owed.
local function call_tokens() return math.floor(S.call_micro / MICRO) + S.owed end

-- Takes tokens for calls, those that came back first. The caller has looked at call_tokens().
local function take_tokens(count)
  local back = math.min(count, math.max(0, S.owed))
  S.owed = S.owed - back
  S.call_micro = S.call_micro - (count - back) * MICRO
end

-- Counts entries: the visitors from...to are active until now + pass_ms, may never wait again, and feed the ETA.
local function enter(from, to)
  local expires = now + P.pass_ms
  local members = {}
  for number = from, to do
    members[#members + 1] = expires
    members[#members + 1] = number
  end
  redis.call('ZADD', KEYS[5], unpack(members))
  mark_done(from, to)
  redis.call('HINCRBY', KEYS[6], second, to - from + 1)
  S.active = S.active + to - from + 1
  S.entered = S.entered + to - from + 1
  return expires
end

-- Ends the generation before: everybody who waits or was called loses the place. Passes stay, and numbers go on.
local function begin_generation(generation)
  end_places(prefix)
  S.generation = generation
  S.waiting, S.called, S.owed, S.head, S.opened_ms = 0, 0, 0, S.next, 0
  S.draw_state = DRAW_NONE
  touched, touched_chunks, known_bitmaps = true, {}, {}
  turns, turns_changed = {}, true
end

-- How many more visitors max_active lets in. Called visitors hold their place in it, but those who lapsed before.
local function vacancies()
  if P.max_active == 0 then return math.huge end
  return math.max(0, P.max_active - S.called + redis.call('ZCARD', recalled_key) - S.active)
end
