-- leave.lua: gives a place up for good. Idempotent. A call's token returns; an active place is free at once.
-- ARGV  10..12 see standing.lua
-- Returns {code, 0, now, waiting, 0}; code 4 left, 7 fenced (ticket of an ended generation).

if generation < S.generation then return {FENCED, 0, now, S.waiting, 0} end
local chunk, at = math.floor(number / CHUNK), number % CHUNK
if not bit_of('left', number) then
  if redis.call('ZREM', KEYS[4], number) == 1 then
    S.called = S.called - 1
    S.call_micro = math.min(call_full, S.call_micro + MICRO)
  end
  S.active = S.active - redis.call('ZREM', KEYS[5], number)
  if bit_of('waiting', number) then
    redis.call('SETBIT', prefix .. 'waiting:' .. chunk, at, 0)
    touch(chunk)
    S.waiting = S.waiting - 1
  end
  if number >= S.next then S.next = number + 1 + GAP end
  mark_done(number, number)
  mark('left', number, number, P.grace_ms + DONE_MS_EXTRA)
  S.left = S.left + 1
  save()
end
return {LEFT, 0, now, S.waiting, 0}
