-- enter.lua: claims a call. Repeating it returns the same pass expiry and consumes nothing.
-- ARGV  10..12 see standing.lua
-- Returns {code, time, now, waiting, position}; codes as stand.lua, and 6 retry (time = ms until it is worth asking
-- again).
-- Atomic because a call, an entry token and an active place change hands together.

local before = S.returned
local code, time = standing()
if P.mode == BYPASS and (code == WAITING or code == CALLED) then
  if code == WAITING then
    local chunk = math.floor(number / CHUNK)
    redis.call('SETBIT', prefix .. 'waiting:' .. chunk, number % CHUNK, 0)
    touch(chunk)
    S.waiting = S.waiting - 1
  else
    redis.call('ZREM', KEYS[4], number)
    S.called = S.called - 1
  end
  code, time = ENTERED, enter(number, number)
  save()
elseif code == CALLED then
  if S.entry_micro >= MICRO then
    S.entry_micro = S.entry_micro - MICRO
    S.called = S.called - redis.call('ZREM', KEYS[4], number)
    code, time = ENTERED, enter(number, number)
  else
    -- The visitor did claim in time: the call must not lapse while the bucket refills.
    redis.call('ZADD', KEYS[4], math.max(time, now + P.claim_ms), number)
    code = RETRY
    -- Not the time of the next token: all who were called would ask for it at once. Half of the time in which they can
    -- all enter keeps the bucket busy without a rush.
    time = P.rate_milli > 0
      and math.max(math.ceil((MICRO - S.entry_micro) / P.rate_milli),
        math.min(math.floor(S.called * MICRO / (2 * P.rate_milli)), math.floor(P.claim_ms / 2)))
      or 1000
  end
  save()
elseif S.returned > before then
  save()
end
return {code, time, now, S.waiting, code == WAITING and position() or 0}
