-- constants.lua: put in front of every script. What all of them agree on, and QueueModel and RoomMemory with them.
-- ARGV: see the script after it.
-- Returns nothing by itself.

local MICRO = 1000000                  -- a token of a bucket
-- Numbers in a bitmap: with what Redis puts around 8,176 bytes, exactly the allocator's 8 KiB. At 8,192 bytes it would
-- take 10 KiB.
local CHUNK = 65408
local EPOCHS_KEPT = 4                  -- abandon_after is cut into four epochs
-- More numbers than can have been issued since a worker's last look (a tick is at most 500 ms).
local BEHIND = 65536
-- Nothing is admitted for so long after a Redis was found that had not written the state itself: longer than any worker
-- goes on speaking to the old one (a sentinel learns of a failover within 2 s, a worker asks it twice a second), and
-- than the slowest reconnection and tick, with which a worker brings what it remembers (2.5 s).
local HOLD_MS = 4000
-- A room begins at a number made from the clock, 131,072 numbers for each second since 2026: if every memory of a room
-- is lost, the numbers that tickets still carry lie below, and none is issued again, since nobody issues so many. That
-- is two gaps a second, so that the numbers of a young room which was lost once do not run ahead of the clock. To the
-- millisecond: it may be lost again within the second.
local EPOCH_2026, PER_SECOND = 1767225600, 131072
local function first_number(clock)
  local ms = math.floor(tonumber(clock[2]) / 1000)
  return (tonumber(clock[1]) - EPOCH_2026) * PER_SECOND + math.floor(ms * PER_SECOND / 1000) + 1
end
