-- visit.lua: what some visitors ask about themselves: where they stand, to enter, to leave, to stay longer. One call
-- for all of them.
-- ARGV  VISIT_ITEMS... per visitor VISIT_ITEM_*: VISIT_STAND, VISIT_ENTER, VISIT_LEAVE or VISIT_RENEW; generation,
--       number and issue time (ms) of the ticket; for VISIT_RENEW the end of the pass that is shown (ms, whole seconds)
-- Returns VISIT_REPLY_*, then per visitor VISIT_RESULT_*: code, time; codes WAITING (time = the place in the line: the
--   number, or behind everybody), CALLED (time = deadline of the call, ms), ENTERED (time = pass expiry, ms), RENEWABLE
--   (as ENTERED; the pass may be renewed), LEFT, EXPIRED, RETRY (time = ms until it is worth asking again), FENCED
--   (ticket of an ended generation), MOVED (the worker
--   has yet to learn of the draw). Positions come from the worker's mirror.
-- Atomic because a call, an entry token and an active place change hands together. A visitor costs O(epochs of the
-- grace), at most 64, and O(chunks) when coming back; the worker sends at most 128.

local changed = false

local function unwait(at)
  local chunk = math.floor(at / CHUNK)
  redis.call('SETBIT', prefix .. 'waiting:' .. chunk, at % CHUNK, 0)
  touch(chunk)
  S.waiting = S.waiting - 1
end

-- When a called visitor who was refused is to come again, in ms from now. At the next token all would come in a rush,
-- and a bucket of one token that is full loses what flows in until somebody comes. So some visitors have a turn at each
-- of the next few tokens: one of them takes it, and the others are early for the token after it. Those beyond come
-- within half of the time that the bucket needs for all who are called.
local function retry_ms(has_place, hold_ms)
  if P.rate_milli == 0 then return 1000 end
  local function until_token(nth) return hold_ms + math.ceil((nth * MICRO - S.entry_micro) / P.rate_milli) end
  local least, last = hold_ms + PLACE_RETRY_MS, turn_tokens()
  if has_place then
    local given = {}
    for _, at in ipairs(turns) do
      -- A token is late by what others were late before: its turns are up to three quarters of the way before it.
      local nth = 1 + math.floor((4 * (at - now - until_token(1)) * P.rate_milli + 3 * MICRO) / (4 * MICRO))
      given[nth] = (given[nth] or 0) + 1
    end
    for nth = 1, #turns < TURNS_MAX and last or 0 do
      if (given[nth] or 0) < TURNS_PER_TOKEN then
        local turn = math.max(TURN_MS_MIN, until_token(nth))
        turns[#turns + 1] = now + turn
        turns_changed = true
        return turn
      end
    end
    least = until_token(last)
  end
  return math.max(least, until_token(1),
    math.min(math.floor(S.called * MICRO / (2 * P.rate_milli)), math.floor(P.claim_ms / 2)))
end

-- Enters a called visitor. Repeating it returns the same pass expiry and consumes nothing.
local function enter_called(generation, number, issued_ms)
  local code, time = standing(generation, number, issued_ms)
  if P.mode == BYPASS and (code == WAITING or code == CALLED) then
    if code == WAITING then unwait(spot(number)) else uncall(number, true) end
    changed = true
    return ENTERED, enter(number, number)
  end
  if code ~= CALLED then return code, time end
  changed = true
  local has_place = not redis.call('ZSCORE', recalled_key, number) or vacancies() >= 1
  if S.entry_micro >= MICRO and has_place then
    S.entry_micro = S.entry_micro - MICRO
    if uncall(number, false) then
      if call_tokens() >= 1 then take_tokens(1) else S.owed = math.max(S.owed - 1, -math.floor(call_full / MICRO)) end
    end
    return ENTERED, enter(number, number)
  end
  -- The visitor did claim in time: the call must not lapse while the bucket refills, or admission is held, or nobody
  -- has gone yet.
  local hold_ms = math.max(0, S.refilled_ms - now)
  redis.call('ZADD', KEYS[4], math.max(time, now + hold_ms + P.claim_ms), number)
  return RETRY, retry_ms(has_place, hold_ms)
end

-- Gives a place up for good. Idempotent. A call's token returns; an active place is free at once.
local function leave(generation, number)
  if is_fenced(generation) then return FENCED, 0 end
  if bit_of('left', number) then return LEFT, 0 end
  if has_moved(number) then return MOVED, 0 end
  if redis.call('ZSCORE', KEYS[4], number) then uncall(number, true) end
  local expires = end_of_pass(number)
  if expires then
    redis.call('ZREM', KEYS[5], number)
    cut_brought(number)
    S.active = S.active - 1
    -- The pass goes on: a person may not have another one beside it (join.lua).
    local left_ms = expires - now
    if left_ms > 0 then redis.call('SET', prefix .. 'spent:' .. number, 1, 'PX', left_ms) end
  end
  local at = spot(number)
  if bit_of('waiting', at) then unwait(at) end
  if number >= S.next then S.next = first_number(now, number + 1 + GAP) end
  mark_done(number, number)
  mark('left', number, number, done_ms)
  S.left = S.left + 1
  changed = true
  return LEFT, 0
end

-- When an entry ends whatever is renewed. Its begin is kept from the first renewal on.
local function end_of_entry(number, expires)
  local since = redis.call('GET', prefix .. 'since:' .. number)
  return (tonumber(since) or math.min(now, expires - P.pass_ms)) + P.pass_max_ms
end

-- Lengthens an entry: as if it began now, up to pass_max after it began. Of several requests with one pass the first
-- does it. Not while admission is held: another server may know that the visitor has left.
local function renew(generation, number, shown_ms)
  if is_fenced(generation) then return FENCED, 0 end
  local expires = end_of_pass(number) or 0
  if expires <= now then return EXPIRED, 0 end
  local last = end_of_entry(number, expires)
  local longer = math.min(now + P.pass_ms, last)
  if longer <= expires or expires >= shown_ms + 1000 or S.refilled_ms > now then return ENTERED, expires end
  redis.call('SET', prefix .. 'since:' .. number, last - P.pass_max_ms, 'PX', last - now)
  cut_brought(number)
  redis.call('ZADD', KEYS[5], longer, number)
  changed = true
  return ENTERED, longer
end

local ACTIONS = {[VISIT_STAND] = standing, [VISIT_ENTER] = enter_called, [VISIT_LEAVE] = leave,
  [VISIT_RENEW] = renew}
local before, reply = S.returned, {}
reply[VISIT_REPLY_NOW], reply[VISIT_REPLY_WAITING] = now, 0
for i = VISIT_ITEMS, #ARGV, VISIT_ITEM_SIZE do
  local number = tonumber(ARGV[i + VISIT_ITEM_NUMBER])
  local action = ACTIONS[ARGV[i + VISIT_ITEM_ACTION]]
  local code, time = action(tonumber(ARGV[i + VISIT_ITEM_GENERATION]), number, tonumber(ARGV[i + VISIT_ITEM_ISSUED_MS]))
  if code == ENTERED and time < end_of_entry(number, time) then code = RENEWABLE end
  local at = #reply
  reply[at + VISIT_RESULT_CODE], reply[at + VISIT_RESULT_TIME] = code, time
end
if changed or touched or S.returned > before then save() end
reply[VISIT_REPLY_WAITING] = S.waiting
return reply
