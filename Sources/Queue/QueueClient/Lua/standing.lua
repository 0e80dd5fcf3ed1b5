-- standing.lua: finds where one visitor stands, and lets a visitor who was away come back. ScriptCatalog puts it
-- between the prelude and visit.lua or join.lua, and it uses the words of the prelude. No visitor gets two places.
-- ARGV: see the script after it.
-- Returns nothing by itself: it defines standing() and place(), which the script after it calls.

-- Whether nobody waits before this place in the line. Looks at the bitmaps only where `head` may be out of date.
local function is_first(at)
  if S.waiting == 0 or at <= S.head then return true end
  for _, chunk in ipairs(redis.call('HKEYS', KEYS[3])) do
    local first = tonumber(chunk) * CHUNK
    local lowest = first <= at and redis.call('BITPOS', prefix .. 'waiting:' .. chunk, 1) or -1
    if lowest >= 0 and first + lowest < at then return false end
  end
  return true
end

-- Calls a visitor who was away, at the look itself, if it is the visitor's turn. A hidden tab looks once a minute, and
-- would miss every call that comes between two looks. A visitor who lapsed before needs no token of the call bucket
-- (recalled).
local function call_at_once(number, at)
  if P.mode == PAUSED or is_held or S.refilled_ms > now or not is_first(at) then return nil end
  local is_recalled = P.mode == BYPASS or bit_of('lapsed1', number)
  if P.mode ~= BYPASS then
    -- The called visitors are owed their entries. Where tokens are scarce none of theirs is given away.
    local tokens = math.floor(S.entry_micro / MICRO)
    local spare = tokens - S.called + redis.call('ZCARD', recalled_key)
    local is_scarce = P.rate_milli * P.claim_ms < RECALL_TOKENS * MICRO
    if tokens < 1 or is_scarce and spare < 1 or vacancies() < 1 then return nil end
    if not is_recalled then
      if call_tokens() < 1 then return nil end
      take_tokens(1)
    end
  end
  if is_recalled then redis.call('ZADD', recalled_key, 0, number) end
  local deadline = now + P.claim_ms
  redis.call('ZADD', KEYS[4], deadline, number)
  S.called = S.called + 1
  return deadline
end

-- Puts a visitor back in the line, or calls the visitor if it is the visitor's turn. The next sweep keeps the visitor.
local function come_back(number)
  S.returned = S.returned + 1
  local at = spot(number)
  local deadline = call_at_once(number, at)
  if deadline then return CALLED, deadline end
  local chunk = math.floor(at / CHUNK)
  redis.call('SETBIT', bitmap('waiting', chunk), at % CHUNK, 1)
  touch(chunk)
  mark_seen(at, at)
  if S.waiting == 0 then S.line_ms = now end
  S.head = S.waiting == 0 and at or math.min(S.head, at)
  S.waiting = S.waiting + 1
  return WAITING, at
end

-- Whether the visitor gave a heartbeat within return_grace: polls of the epochs that the sweep looks at, and the marks
-- of those who lost their place. Precision: half of abandon_after, in the visitor's favour.
-- For as long after the room was made or restored its record of heartbeats is incomplete, and the ticket is believed:
-- every ticket after a total loss, those of the last numbers after a failover, but for those older than TICKET_MS.
local function seen_within_grace(number, issued_ms)
  local from = now - P.grace_ms
  if issued_ms >= from then return true end
  if S.restored_ms >= from and number >= S.doubt_from and now - issued_ms <= TICKET_MS then return true end
  local at = spot(number)
  for e = epoch, math.max(math.floor(from / epoch_ms), epoch - EPOCHS_KEPT + 1), -1 do
    if bit_of('seen:' .. e, at) then return true end
  end
  -- A lapsed call is noted at the number, silence at the place in the line.
  for span = math.floor(now / gone_ms), math.max(0, math.floor(from / gone_ms)), -1 do
    if bit_of('gone:' .. span, at) or at ~= number and bit_of('gone:' .. span, number) then return true end
  end
  return false
end

-- Where a number of this generation stands: a code and its time (claim deadline or pass expiry, ms; the place in the
-- line of a visitor who waits; 0 otherwise). MOVED: the number was registered for a draw, and names no place any more.
-- The code AWAY: swept, or a call has lapsed, but its visitor may come back.
local AWAY = 0
local function place(number, issued_ms)
  if has_moved(number) then return bit_of('left', number) and LEFT or MOVED, 0 end
  local deadline = redis.call('ZSCORE', KEYS[4], number)
  if deadline then return CALLED, tonumber(deadline) end
  local expires = end_of_pass(number)
  if expires and expires > now then return ENTERED, expires end
  local at = spot(number)
  if bit_of('waiting', at) then return WAITING, at end
  if bit_of('done', number) then return bit_of('left', number) and LEFT or EXPIRED, 0 end
  if number >= S.next or seen_within_grace(number, issued_ms) then return AWAY, 0 end
  return EXPIRED, 0
end

-- Whether a reset has ended the ticket's generation. A ticket of a higher one proves a reset that this Redis has lost,
-- and that the workers who restored the room had not seen: it holds from now on. Visitors of that generation whose bit
-- goes with the others come back at their next look.
local function is_fenced(generation)
  if generation > S.generation then begin_generation(generation) end
  return generation < S.generation
end

-- Where the visitor stands. One who is away comes back, to the original number or behind the others.
local function standing(generation, number, issued_ms)
  if is_fenced(generation) then return FENCED, 0 end
  local code, time = place(number, issued_ms)
  -- The list of chunks was evicted, or removed by hand: without it nobody of this chunk would be called.
  if code == WAITING and redis.call('HEXISTS', KEYS[3], math.floor(time / CHUNK)) == 0 then
    touch(math.floor(time / CHUNK))
    S.head = math.min(S.head, time)
  end
  if code ~= AWAY then return code, time end
  -- Signed by us, unknown here: this Redis has gone back. No number may be issued twice, so jump past it.
  if number >= S.next then S.next = first_number(now, number + 1 + GAP) end
  return come_back(number)
end
