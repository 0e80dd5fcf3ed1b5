-- constants.lua: put behind protocol.lua, in front of every script: what all scripts share.
-- ARGV: see the script after it.
-- Returns nothing by itself.

-- HOLD_MS: after the room has moved to another Redis process, nobody is admitted for this long. It must exceed (1) the
-- longest time for which a worker may still talk to the old server: 2 s until a sentinel learns of a failover, and
-- 0.5 s until the worker asks it; (2) the slowest reconnection and tick, 2.5 s, after which every worker has brought
-- what it remembers.

-- A room begins at a number made from the clock: PER_SECOND numbers for each second since EPOCH_2026. If every memory
-- of a room is lost, the numbers that tickets still carry are lower, so none is issued twice, because no room issues
-- 131,072 per second. That is two times BEHIND per second, so that the numbers of a young room that was lost once do
-- not overtake the clock. The number is exact to the millisecond, because a room may be lost twice within a second.
local function first_number(clock)
  local ms = math.floor(tonumber(clock[2]) / 1000)
  -- A clock from before 2026 begins at 1: a number is never negative.
  return math.max(0, tonumber(clock[1]) - EPOCH_2026) * PER_SECOND + math.floor(ms * PER_SECOND / 1000) + 1
end

-- A command takes a bounded number of words.
local function in_slices(command, key, words)
  for from = 1, #words, KEYS_PER_COMMAND do
    redis.call(command, key, unpack(words, from, math.min(from + KEYS_PER_COMMAND - 1, #words)))
  end
end
