-- restore.lua: makes a room that is not in this Redis, or mends one that went back, from what a worker remembers.
-- KEYS  1 state   2 config   3 chunks
-- ARGV  1 generation (1 for a new room)   2 next the worker knows (0 = nothing)   3 opened_ms   4 burst
--       5 epoch length (ms)   6 rate (thousandths a second)   7... pairs: chunk, waiting bitmap
-- Returns {generation, next}. Running it twice, or from several workers, changes nothing more.
--
-- A new room begins at a number made from the clock, 4,096 numbers for each second since 2026: if every memory of a
-- room is lost, the numbers that tickets still carry lie below, and none is issued again.

local MICRO, CHUNK, GAP, EPOCH_2026, PER_SECOND = 1000000, 65536, 1000, 1767225600, 4096
local prefix = string.sub(KEYS[1], 1, -6)
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local known = redis.call('HMGET', KEYS[1], 'generation', 'next', 'version', 'head')
local generation, known_next = tonumber(ARGV[1]), tonumber(ARGV[2])
local epoch_ms = tonumber(ARGV[5])

if known[1] and (tonumber(known[1]) > generation or tonumber(known[2]) >= known_next) then
  return {tonumber(known[1]), tonumber(known[2])}
end

-- Microseconds: beyond every version a worker can know from before the loss, so that each takes the restored bitmaps.
local version = math.max((tonumber(known[3]) or 0) + 1, tonumber(clock[1]) * 1000000 + tonumber(clock[2]))
local head = tonumber(known[4]) or math.huge
for i = 7, #ARGV, 2 do
  local chunk = ARGV[i]
  local key, scratch = prefix .. 'waiting:' .. chunk, prefix .. 'scratch'
  redis.call('SET', scratch, ARGV[i + 1])
  redis.call('BITOP', 'OR', key, key, scratch)
  -- Whoever entered or left in the meantime must not wait again: key AND NOT done = key XOR (key AND done).
  redis.call('BITOP', 'AND', scratch, key, prefix .. 'done:' .. chunk)
  redis.call('BITOP', 'XOR', key, key, scratch)
  redis.call('DEL', scratch)
  redis.call('HSET', KEYS[3], chunk, version)
  local at = redis.call('BITPOS', key, 1)
  if at >= 0 then head = math.min(head, tonumber(chunk) * CHUNK + at) end
end
local waiting = 0
for _, chunk in ipairs(redis.call('HKEYS', KEYS[3])) do
  waiting = waiting + redis.call('BITCOUNT', prefix .. 'waiting:' .. chunk)
end

local next_number = known_next > 0 and known_next + GAP or (tonumber(clock[1]) - EPOCH_2026) * PER_SECOND + 1
-- A room we remember starts with empty buckets: what was admitted just before the loss still counts against the bound.
local micro = known_next > 0 and 0 or tonumber(ARGV[4]) * MICRO
redis.call('HSET', KEYS[1], 'generation', generation, 'next', next_number, 'version', version, 'waiting', waiting,
  'head', math.min(head, next_number), 'call_micro', micro, 'entry_micro', micro, 'refilled_ms', now, 'clock_ms', now,
  'ticked_ms', now, 'epoch', math.floor(now / epoch_ms), 'epoch_ms', epoch_ms,
  'hold_epoch', known_next > 0 and math.floor(now / epoch_ms) + 4 or 0, 'opened_ms', ARGV[3],
  'flow_second', tonumber(clock[1]), 'restored_ms', now)
return {generation, next_number}
