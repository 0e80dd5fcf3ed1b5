-- standing.lua: put between the prelude and visit.lua or join.lua.
-- ARGV: see the script after it.
-- Returns nothing by itself: it defines standing() and place(), which the script after it calls.

-- Puts a visitor (back) at the original number and keeps it through the next sweep.
local function wait_again(number)
  local chunk = math.floor(number / CHUNK)
  redis.call('SETBIT', bitmap('waiting', chunk), number % CHUNK, 1)
  touch(chunk)
  mark_seen(number, number)
  S.waiting = S.waiting + 1
  S.head = math.min(S.head, number)
  S.returned = S.returned + 1
  return WAITING, 0
end

-- Whether the visitor gave a sign of life within return_grace: polls of the epochs that the sweep looks at, and the
-- marks of those who lost their place. Precision: half of abandon_after, in the visitor's favour.
-- For as long after the room was made or restored its memory of signs is incomplete, and the ticket is believed: every
-- ticket after a total loss, those of the last numbers after a failover.
local function seen_within_grace(number, issued_ms)
  local from = now - P.grace_ms
  if issued_ms >= from or S.restored_ms >= from and number >= S.doubt_from then return true end
  for e = epoch, math.max(math.floor(from / epoch_ms), epoch - EPOCHS_KEPT + 1), -1 do
    if bit_of('seen:' .. e, number) then return true end
  end
  for span = math.floor(now / gone_ms), math.max(0, math.floor(from / gone_ms)), -1 do
    if bit_of('gone:' .. span, number) then return true end
  end
  return false
end

-- People ahead plus one, exact; for the few who ask before their worker's mirror knows them.
local function position(number)
  local chunk, ahead = math.floor(number / CHUNK), 0
  for _, other in ipairs(redis.call('HKEYS', KEYS[3])) do
    other = tonumber(other)
    if other < chunk then ahead = ahead + redis.call('BITCOUNT', prefix .. 'waiting:' .. other) end
  end
  local at = number % CHUNK
  if at > 0 then ahead = ahead + redis.call('BITCOUNT', prefix .. 'waiting:' .. chunk, 0, at - 1, 'BIT') end
  return ahead + 1
end

-- Where a number of this generation stands: a code and its time (claim deadline or pass expiry, ms; 0 otherwise). The
-- code AWAY: swept, or a call has lapsed, but its visitor may come back.
local AWAY = 0
local function place(number, issued_ms)
  local deadline = redis.call('ZSCORE', KEYS[4], number)
  if deadline then return CALLED, tonumber(deadline) end
  local expires = redis.call('ZSCORE', KEYS[5], number)
  if expires and tonumber(expires) > now then return ENTERED, tonumber(expires) end
  if bit_of('waiting', number) then return WAITING, 0 end
  if bit_of('done', number) then return bit_of('left', number) and LEFT or EXPIRED, 0 end
  if number >= S.next or seen_within_grace(number, issued_ms) then return AWAY, 0 end
  return EXPIRED, 0
end

-- Where the visitor stands. One who is away returns to the original number.
local function standing(generation, number, issued_ms)
  -- A lower generation was ended by a reset. A higher one was issued before this Redis lost its memory: honour it.
  if generation < S.generation then return FENCED, 0 end
  local code, time = place(number, issued_ms)
  if code ~= AWAY then return code, time end
  -- Signed by us, unknown here: this Redis has gone back. No number may be issued twice, so jump past it.
  if number >= S.next then S.next = number + 1 + GAP end
  return wait_again(number)
end
