-- restore.lua: makes a room that is not in this Redis, or mends a room that went back, from what a worker remembers.
-- KEYS  1 state   2 config   3 chunks   4 called   5 active   7 names this server, see prelude.lua   8 see index.lua
-- ARGV  RESTORE_ARG_*: generation (1 for a new room), next that the worker knows (0 = nothing), opened_ms, tokens
--       that a new room begins with (its burst, or less when the host ran it just now: RunMark in Swift), epoch length,
--       claim window and life of a pass (ms), version and incarnation that the worker knows (0 = none), how many
--       override words and how many entries follow
--       RESTORE_ITEMS... pairs: field, value of the operator's overrides; pairs: number, pass expiry (ms) of the
--       entries that the worker has granted lately; then pairs: chunk, waiting bitmap
-- Returns RESTORE_REPLY_*: generation, next, incarnation. Running it twice, or from several workers, changes nothing
-- more.
--
-- The incarnation is made with the state: a worker that meets another one knows that Redis lost its memory, and that
-- somebody, perhaps somebody without a memory of the room, made the state anew. It then merges what it remembers.

local DONE_MS = 172800000              -- the longest grace and a day
local prefix = string.sub(KEYS[1], 1, -6)
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local stamp = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local known = redis.call('HMGET', KEYS[1], 'generation', 'next', 'version', 'incarnation', 'remembered', 'call_micro',
  'entry_micro', 'refilled_ms')
local generation, known_next = tonumber(ARGV[RESTORE_ARG_GENERATION]), tonumber(ARGV[RESTORE_ARG_KNOWN_NEXT])
local epoch_ms, incarnation = tonumber(ARGV[RESTORE_ARG_EPOCH_MS]), tonumber(ARGV[RESTORE_ARG_INCARNATION])
local override_words = tonumber(ARGV[RESTORE_ARG_OVERRIDE_WORDS])
local first_micro = tonumber(ARGV[RESTORE_ARG_FIRST_TOKENS]) * MICRO
local entries_at = RESTORE_ITEMS + override_words
local bitmaps_at = entries_at + 2 * tonumber(ARGV[RESTORE_ARG_ENTRIES])
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

-- Gives body each chunk of the numbers, and a bitmap of its numbers. A command for each number would hold Redis up: a
-- worker remembers thousands.
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

-- A visitor who has entered holds a pass and must not enter again: these are marked before the waiting are merged.
-- Words go on as they came: to make text of a number costs as much as to add it.
local known_done, fresh, members, passes = {}, {}, {}, {}
local count, last = 0, 0
-- The clock by which the pass was given may have been ahead: the entry would hold its place as long.
local latest_end = now + tonumber(ARGV[RESTORE_ARG_PASS_MS])
for i = entries_at, bitmaps_at - 1, 2 do
  local number = tonumber(ARGV[i])
  local chunk, at = math.floor(number / CHUNK), number % CHUNK
  local done = known_done[chunk]
  if not done then
    done = redis.call('GET', prefix .. 'done:' .. chunk) or ''
    known_done[chunk] = done
  end
  if bit.band(string.byte(done, math.floor(at / 8) + 1) or 0, bit.rshift(128, at % 8)) == 0 then
    count = count + 1
    fresh[count], members[count] = number, ARGV[i]
    local expires = tonumber(ARGV[i + 1])
    if expires > now then
      passes[last + 1], passes[last + 2] = expires > latest_end and latest_end or ARGV[i + 1], ARGV[i]
      last = last + 2
    end
  end
end
each_bitmap(fresh, function(chunk, key)
  local done = prefix .. 'done:' .. chunk
  if known_done[chunk] == '' then redis.call('SETBIT', done, CHUNK - 1, 0) end
  redis.call('BITOP', 'OR', done, done, key)
  redis.call('PEXPIRE', done, DONE_MS)
  unwait(chunk, key)
end)
for _, key in ipairs({KEYS[4], prefix .. 'recalled'}) do
  if redis.call('EXISTS', key) == 1 then in_slices('ZREM', key, members) end
end
in_slices('ZADD', KEYS[5], passes)
-- A state that is gone knew no clock: calls and passes that are left may be of a clock that was ahead.
if not known[1] then
  end_by(KEYS[4], now + tonumber(ARGV[RESTORE_ARG_CLAIM_MS]))
  end_by(KEYS[5], latest_end)
end

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
  else
    call_micro, entry_micro, refilled_ms = 0, 0, now + HOLD_MS
  end
end
local epoch = math.floor(now / epoch_ms)
redis.call('HSET', KEYS[1], 'generation', generation, 'next', next_number, 'version', version, 'waiting', waiting,
  'head', math.min(head, next_number), 'call_micro', call_micro, 'entry_micro', entry_micro,
  'owed', 0, 'refilled_ms', refilled_ms, 'clock_ms', now, 'ticked_ms', now, 'called', redis.call('ZCARD', KEYS[4]),
  'active', redis.call('ZCARD', KEYS[5]), 'server', string.sub(KEYS[7] or '', #prefix + 4),
  'epoch', epoch, 'epoch_ms', epoch_ms,
  'hold_epoch', known_next > 0 and epoch + EPOCHS_KEPT or 0, 'opened_ms', ARGV[RESTORE_ARG_OPENED_MS],
  'flow_second', tonumber(clock[1]), 'restored_ms', now, 'incarnation', tonumber(known[4]) or stamp,
  'remembered', known_next > 0 and 1 or 0)
note_change(string.match(prefix, '{(.*)}:$'))
return answer(generation, next_number, tonumber(known[4]) or stamp)
