-- restore.lua: makes a room that is not in this Redis, or mends a room that went back, from what a worker remembers.
-- KEYS  1 state   2 config   3 chunks   4 called   5 active   7 names this server, see prelude.lua   8 see index.lua
-- ARGV  RESTORE_ARG_*: generation (1 for a new room), next that the worker knows (0 = nothing), opened_ms, tokens
--       that a new room begins with (its burst, or less when the host ran it just now: RunMark in Swift), epoch length,
--       claim window and life of a pass (ms), version and incarnation that the worker knows (0 = none), how many
--       override words and how many chunks of entries follow
--       RESTORE_ITEMS... pairs: field, value of the operator's overrides; the entries that the worker has granted
--       lately, see below; then pairs: chunk, waiting bitmap
--       A chunk of entries is RESTORE_CHUNK_*: chunk, 1 if they were renewed (or may have been), the first byte and the
--       bytes of the bitmap of their numbers, how many pages follow; then for each page RESTORE_PAGE_*: page, when the
--       first and the last of its passes end (ms), and its records, see brought.lua
-- Returns RESTORE_REPLY_*: generation, next, incarnation. Running it twice, or from several workers, changes nothing
-- more.
--
-- The incarnation is made with the state: a worker that meets another one knows that Redis lost its memory, and that
-- somebody, perhaps somebody without a memory of the room, made the state anew. It then merges what it remembers.

local DONE_MS = 172800000              -- the longest grace, or pass, and a day
local PAGES_PER_CHUNK = CHUNK / PAGE
local prefix = string.sub(KEYS[1], 1, -6)
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local stamp = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local known = redis.call('HMGET', KEYS[1], 'generation', 'next', 'version', 'incarnation', 'remembered', 'call_micro',
  'entry_micro', 'refilled_ms', 'brought')
local generation, known_next = tonumber(ARGV[RESTORE_ARG_GENERATION]), tonumber(ARGV[RESTORE_ARG_KNOWN_NEXT])
local epoch_ms, incarnation = tonumber(ARGV[RESTORE_ARG_EPOCH_MS]), tonumber(ARGV[RESTORE_ARG_INCARNATION])
local override_words = tonumber(ARGV[RESTORE_ARG_OVERRIDE_WORDS])
local first_micro = tonumber(ARGV[RESTORE_ARG_FIRST_TOKENS]) * MICRO
local entries_at = RESTORE_ITEMS + override_words
local function answer(generation_now, next_now, incarnation_now)
  local reply = {}
  reply[RESTORE_REPLY_GENERATION], reply[RESTORE_REPLY_NEXT] = generation_now, next_now
  reply[RESTORE_REPLY_INCARNATION] = incarnation_now
  return reply
end
local is_same = known[1] and tonumber(known[4]) == incarnation

if known[1] then
  local current = tonumber(known[1])
  local knows_all = is_same and current == generation and tonumber(known[2]) >= known_next
  -- A higher generation is a reset: what the worker remembers has ended.
  if current > generation or known_next == 0 or knows_all then
    return answer(current, tonumber(known[2]), tonumber(known[4]))
  end
end

-- Unless an operator has changed something since.
if override_words > 0 and redis.call('HEXISTS', KEYS[2], 'version') == 0 then
  redis.call('HSET', KEYS[2], 'version', 1, unpack(ARGV, RESTORE_ITEMS, entries_at - 1))
end

-- key AND NOT other = key XOR (key AND other)
local function subtract(key, other)
  redis.call('BITOP', 'AND', prefix .. 'scratch', key, other)
  redis.call('BITOP', 'XOR', key, key, prefix .. 'scratch')
end

-- Gives body each chunk of the numbers, and a bitmap of its numbers. A command for each number would hold Redis up.
local function each_bitmap(numbers, body)
  local parts = {}
  for _, number in ipairs(numbers) do
    local chunk, at = math.floor(number / CHUNK), number % CHUNK
    local part = parts[chunk]
    if not part then
      part = {first = math.huge, last = 0}
      parts[chunk] = part
    end
    local index = math.floor(at / 8)
    part[index] = bit.bor(part[index] or 0, bit.rshift(128, at % 8))
    part.first, part.last = math.min(part.first, index), math.max(part.last, index)
  end
  for chunk, part in pairs(parts) do
    local bytes = {}
    for index = part.first, part.last do bytes[#bytes + 1] = string.char(part[index] or 0) end
    redis.call('SETRANGE', prefix .. 'numbers', part.first, table.concat(bytes))
    body(chunk, prefix .. 'numbers')
    redis.call('DEL', prefix .. 'numbers')
  end
end

-- Takes a bitmap of a chunk's numbers out of those who wait, at their numbers and behind everybody.
local function unwait(chunk, key)
  for _, part in ipairs({chunk, chunk + LATE_CHUNK}) do
    if redis.call('HEXISTS', KEYS[3], part) == 1 then subtract(prefix .. 'waiting:' .. part, key) end
  end
end

-- The clock by which a pass was given may have been ahead: the entry would hold its place as long.
local latest_end = now + tonumber(ARGV[RESTORE_ARG_PASS_MS])
-- A state that is gone knew no clock: calls and passes that are left may be of a clock that was ahead.
if not known[1] then
  end_by(KEYS[4], now + tonumber(ARGV[RESTORE_ARG_CLAIM_MS]))
  end_by(KEYS[5], latest_end)
  brought().end_by(latest_end)
end
local brought_count = tonumber(known[9]) or brought().count()

-- The numbers of a bitmap.
local function numbers_of(chunk, bits)
  local numbers = {}
  local at = string.find(bits, '[^%z]')
  while at do
    local byte = string.byte(bits, at)
    for i = 0, 7 do
      if bit.band(byte, bit.rshift(128, i)) ~= 0 then numbers[#numbers + 1] = chunk * CHUNK + 8 * (at - 1) + i end
    end
    at = string.find(bits, '[^%z]', at + 1)
  end
  return numbers
end

-- Marks the entered numbers of a chunk, so that they do not enter again: before the waiting are merged. Leaves those of
-- `key` that were not marked before, and returns how many there were and how many of them are left.
local function mark_entered(chunk, key)
  local done, scratch = prefix .. 'done:' .. chunk, prefix .. 'scratch'
  local all = redis.call('BITCOUNT', key)
  redis.call('BITOP', 'AND', scratch, key, done)
  local marked = redis.call('BITCOUNT', scratch)
  if marked == all then
    redis.call('DEL', key)
    return all, 0
  end
  if marked > 0 then redis.call('BITOP', 'XOR', key, key, scratch) end
  if redis.call('EXISTS', done) == 0 then redis.call('SETBIT', done, CHUNK - 1, 0) end
  redis.call('BITOP', 'OR', done, done, key)
  redis.call('PEXPIRE', done, DONE_MS)
  unwait(chunk, key)
  for _, called in ipairs({KEYS[4], prefix .. 'recalled'}) do
    if redis.call('EXISTS', called) == 1 then in_slices('ZREM', called, numbers_of(chunk, redis.call('GET', key))) end
  end
  return all, all - marked
end

-- A renewed pass of a number that had entered here: of several ends the latest holds, in any order of the workers. A
-- visitor who has left stays outside.
local function lengthen(number, ends)
  if redis.call('GETBIT', prefix .. 'left:' .. math.floor(number / CHUNK), number % CHUNK) == 1 then return end
  local present = redis.call('ZSCORE', KEYS[5], number) or brought().end_of(number)
  ends = math.min(ends, latest_end)
  if present and tonumber(present) >= ends then return end
  brought_count = brought_count - brought().cut(number)
  redis.call('ZADD', KEYS[5], ends, number)
end

-- The records of a page that are new here and whose passes go on.
--   fresh  the bitmap of the chunk's numbers that are new; nil: all are
local function new_records(page, records, first_end, last_end, fresh, is_renewed)
  if last_end <= now then return '' end
  if not fresh and first_end > now then
    if last_end <= latest_end then return records end
    if first_end >= latest_end then return brought().ending_at(records, latest_end) end
  end
  local before = page % PAGES_PER_CHUNK * PAGE
  return brought().running(records, now, latest_end, fresh and function(at, ends)
    local index = before + at
    local byte = string.byte(fresh, math.floor(index / 8) + 1) or 0
    local is_fresh = bit.band(byte, bit.rshift(128, index % 8)) ~= 0
    if is_renewed and not is_fresh then lengthen(page * PAGE + at, ends) end
    return is_fresh
  end)
end

local first_ends = {}
local function bring(page, records, first_end, last_end, fresh, is_renewed)
  local new = new_records(page, records, first_end, last_end, fresh, is_renewed)
  if new == '' then return end
  redis.call('APPEND', brought().name(page), new)
  redis.call('PEXPIRE', brought().name(page), DONE_MS)
  first_ends[#first_ends + 1] = #new == #records and math.min(first_end, latest_end) or brought().first_end(new)
  first_ends[#first_ends + 1] = page
  brought_count = brought_count + #new / brought().record
end

local at, numbers = entries_at, prefix .. 'numbers'
for _ = 1, tonumber(ARGV[RESTORE_ARG_ENTRY_CHUNKS]) do
  local chunk, pages = tonumber(ARGV[at + RESTORE_CHUNK_CHUNK]), tonumber(ARGV[at + RESTORE_CHUNK_PAGES])
  local is_renewed = ARGV[at + RESTORE_CHUNK_IS_RENEWED] == '1'
  redis.call('SETRANGE', numbers, ARGV[at + RESTORE_CHUNK_FIRST_BYTE], ARGV[at + RESTORE_CHUNK_BITS])
  local all, left = mark_entered(chunk, numbers)
  local fresh = left < all and (redis.call('GET', numbers) or '') or nil
  at = at + RESTORE_CHUNK_SIZE
  local last = at + (pages - 1) * RESTORE_PAGE_SIZE
  -- Of a number that had entered here, a worker that has seen the entry begin knows nothing new: no end is sooner.
  for from = at, (left > 0 or is_renewed) and last or 0, RESTORE_PAGE_SIZE do
    bring(tonumber(ARGV[from + RESTORE_PAGE_PAGE]), ARGV[from + RESTORE_PAGE_RECORDS],
      tonumber(ARGV[from + RESTORE_PAGE_FIRST_END]), tonumber(ARGV[from + RESTORE_PAGE_LAST_END]), fresh, is_renewed)
  end
  at = last + RESTORE_PAGE_SIZE
  redis.call('DEL', numbers)
end
in_slices('ZADD', brought().index, first_ends, 'LT')
redis.call('PEXPIRE', brought().index, ROOM_MS)
local bitmaps_at = at

-- What this Redis remembers of an older generation was ended by a reset.
if known[1] and tonumber(known[1]) < generation then end_places(prefix) end

-- Beyond what this worker knows from before the loss, so that it takes the bitmaps as they are now: all of them, also
-- those that it does not bring. The clock does not say enough: it may have been set back.
local version = math.max((tonumber(known[3]) or 0) + 1, tonumber(ARGV[RESTORE_ARG_KNOWN_VERSION]) + 1, stamp)
for i = bitmaps_at, #ARGV, 2 do
  local chunk = tonumber(ARGV[i])
  local key, scratch = prefix .. 'waiting:' .. chunk, prefix .. 'scratch'
  redis.call('SET', scratch, ARGV[i + 1])
  redis.call('BITOP', 'OR', key, key, scratch)
  local own = chunk % LATE_CHUNK
  local front, lapsed2 = prefix .. 'waiting:' .. own, prefix .. 'lapsed2:' .. own
  if chunk ~= own then
    for _, lapsed in ipairs({prefix .. 'lapsed1:' .. own, lapsed2}) do
      redis.call('BITOP', 'OR', lapsed, lapsed, scratch)
      redis.call('PEXPIRE', lapsed, DONE_MS)
    end
  end
  -- Visitors who have entered or left since must not wait again. Those who lapsed twice wait behind the others only:
  -- a worker with an older mirror may bring them at their numbers.
  subtract(key, prefix .. 'done:' .. own)
  if redis.call('HEXISTS', KEYS[3], own) == 1 or chunk == own then subtract(front, lapsed2) end
  redis.call('DEL', scratch)
  redis.call('HSET', KEYS[3], chunk, version)
end
-- Nor must the called visitors: those called last, whom an older mirror may still show.
local called = redis.call('ZREVRANGE', KEYS[4], 0, CALLED_MAX - 1)
for i, number in ipairs(called) do called[i] = tonumber(number) end
each_bitmap(called, unwait)

local waiting, head = 0, math.huge
for _, chunk in ipairs(redis.call('HKEYS', KEYS[3])) do
  local key = prefix .. 'waiting:' .. chunk
  redis.call('HSET', KEYS[3], chunk, version)
  waiting = waiting + redis.call('BITCOUNT', key)
  local at = redis.call('BITPOS', key, 1)
  if at >= 0 then head = math.min(head, tonumber(chunk) * CHUNK + at) end
end

-- From the clock also where a worker remembers: others may remember more, and come later. They find a state that began
-- so, and raise it only for numbers beyond. What is skipped is never less than BEHIND: so a worker can tell it from
-- numbers that were issued since its last look.
local next_number, there = 0, tonumber(known[2]) or 0
if known_next == 0 then
  next_number = first_number(now, 1)
elseif known[1] and not is_same and known_next + BEHIND <= there then
  next_number = there
else
  next_number = first_number(now, math.max(known_next, there) + BEHIND)
end
-- A room that was there starts with empty buckets and is held, as in prelude.lua: what was admitted just before the
-- loss still counts against the bound. Once only, though several workers bring their memories. For a room that nobody
-- remembers, the worker says what may be in them.
local call_micro, entry_micro, refilled_ms = first_micro, first_micro, now
if known_next > 0 then
  if known[5] == '1' and not is_same then
    call_micro, entry_micro = tonumber(known[6]), tonumber(known[7])
    -- This server's clock may be behind the clock of the server that wrote the state.
    refilled_ms = math.min(tonumber(known[8]), now + HOLD_MS)
    -- A memory that comes during the hold shows that others may still be on their way.
    local last_ms = math.floor(tonumber(known[4]) / 1000) + HOLD_MAX_MS
    if refilled_ms > now then refilled_ms = math.max(refilled_ms, math.min(now + REPORT_MS, last_ms)) end
  else
    call_micro, entry_micro, refilled_ms = 0, 0, now + HOLD_MS
  end
end
local epoch = math.floor(now / epoch_ms)
redis.call('DEL', prefix .. 'scratch')
redis.call('HSET', KEYS[1], 'generation', generation, 'next', next_number, 'version', version, 'waiting', waiting,
  'head', math.min(head, next_number), 'call_micro', call_micro, 'entry_micro', entry_micro,
  'owed', 0, 'turns', '',
  'refilled_ms', refilled_ms, 'clock_ms', now, 'ticked_ms', now, 'called', redis.call('ZCARD', KEYS[4]),
  'active', redis.call('ZCARD', KEYS[5]) + brought_count, 'brought', brought_count,
  'server', string.sub(KEYS[7] or '', #prefix + 4),
  'epoch', epoch, 'epoch_ms', epoch_ms,
  'hold_epoch', known_next > 0 and epoch + EPOCHS_KEPT or 0, 'opened_ms', ARGV[RESTORE_ARG_OPENED_MS],
  'flow_second', tonumber(clock[1]), 'restored_ms', now, 'incarnation', tonumber(known[4]) or stamp,
  'remembered', known_next > 0 and 1 or 0)
note_change(string.match(prefix, '{(.*)}:$'))
return answer(generation, next_number, tonumber(known[4]) or stamp)
