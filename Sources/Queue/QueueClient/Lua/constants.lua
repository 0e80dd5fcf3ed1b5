-- constants.lua: put behind protocol.lua, in front of every script: what all scripts share.
-- ARGV: see the script after it.
-- Returns nothing by itself.

-- HOLD_MS: after the room has moved to another Redis process, nobody is admitted for this long. It must exceed (1) the
-- longest time for which a worker may still talk to the old server: 2 s until a sentinel learns of a failover, and
-- 0.5 s until the worker asks it; (2) the slowest reconnection and tick, 2.5 s, after which every worker has brought
-- what it remembers. Where that takes longer, because Redis or the workers are slow, the hold goes on: each memory that
-- comes during the hold prolongs it to REPORT_MS from then, up to HOLD_MAX_MS after the incarnation began. It does not
-- end sooner when the workers that are known have come: nobody knows a worker that was started just before.

-- A room begins at a number made from the clock: PER_SECOND numbers for each second since EPOCH_2026. If every memory
-- of a room is lost, the numbers that tickets still carry are lower, so none is issued twice, because no room issues
-- 131,072 per second. That is two times BEHIND per second, so that the numbers of a young room that was lost once do
-- not overtake the clock. The number is exact to the millisecond, because a room may be lost twice within a second.
--
-- Where the clock was set back, its number is not beyond `least`, the numbers that are known. Then it is the first one
-- beyond them that differs from the clock's number by whole periods. So two memories that go on from the same numbers,
-- of which the second does not know what the first has issued, still issue different numbers: they begin at different
-- times, and stay apart as long as numbers of different times do. A period is not a whole number of minutes, as a clock
-- that was set wrong by hours or time zones is off by.
local function first_number(now, least)
  local own = (math.floor(now / 1000) - EPOCH_2026) * PER_SECOND + math.floor(now % 1000 * PER_SECOND / 1000) + 1
  return own + math.max(0, math.ceil((least - own) / NUMBERS_PERIOD)) * NUMBERS_PERIOD
end

-- The members of a sorted set by time end at `latest`: those beyond it are of a clock that was ahead. All of them,
-- once: what is left would hold its places as long as the clock was ahead.
local function end_by(key, latest)
  repeat
    local late = redis.call('ZRANGEBYSCORE', key, '(' .. latest, '+inf', 'LIMIT', 0, KEYS_PER_COMMAND)
    local words = {}
    for _, member in ipairs(late) do
      words[#words + 1] = latest
      words[#words + 1] = member
    end
    if #late > 0 then redis.call('ZADD', key, unpack(words)) end
  until #late == 0
end

-- Takes the places of all who wait or were called: a reset has ended their generation.
local function end_places(prefix)
  for _, chunk in ipairs(redis.call('HKEYS', KEYS[3])) do redis.call('DEL', prefix .. 'waiting:' .. chunk) end
  redis.call('DEL', KEYS[3], KEYS[4], prefix .. 'recalled')
  redis.call('HDEL', KEYS[1], 'key_pages')
end

-- A command takes a bounded number of words. Returns the sum of what the commands return; option: one more word in
-- front of the others.
local function in_slices(command, key, words, option)
  local sum = 0
  for from = 1, #words, KEYS_PER_COMMAND do
    local to = math.min(from + KEYS_PER_COMMAND - 1, #words)
    sum = sum + (option and redis.call(command, key, option, unpack(words, from, to))
      or redis.call(command, key, unpack(words, from, to)))
  end
  return sum
end
