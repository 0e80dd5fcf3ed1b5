-- join.lua: takes numbers for the joins of one loop turn, and admits at once those for whom there is room.
-- ARGV  JOIN_ARG_*: generation, next and incarnation that the worker knows (0 = nothing)
--       JOIN_ITEMS... per join JOIN_ITEM_*: kind ('join', or 'gate': take a number only if admitted at once) and
--       idempotency key ('' = none); kinds 'person' and 'person_gate' are the same with the key of a person, who has
--       one place at a time
-- Error ROLLBACK: see tick.lua.
-- Returns JOIN_REPLY_*, then per join JOIN_RESULT_*: code, number, time
--   code JOIN_WAITING (time = position)   JOIN_ADMITTED (time = pass expiry ms)
--        JOIN_KNOWN key (time = issue time ms of its ticket)
--        JOIN_CLOSED   JOIN_FULL   JOIN_NO_ROOM at once (gate)   JOIN_BYPASSED (gate)
-- Atomic because the numbers, the buckets and the bitmaps must agree, and a person's joins at several workers.
-- O(items); a person's item costs up to O(epochs of the grace), at most 64. The worker sends at most 512.

if knows_less(tonumber(ARGV[JOIN_ARG_KNOWN_GENERATION]), tonumber(ARGV[JOIN_ARG_KNOWN_NEXT]),
    tonumber(ARGV[JOIN_ARG_KNOWN_INCARNATION])) then
  return redis.error_reply(ROLLBACK .. ' the room went back')
end

-- A person's key that was forgotten (PERSON_MS), or lost with Redis, is a second place.
local reply = {}
reply[JOIN_REPLY_NOW], reply[JOIN_REPLY_GENERATION], reply[JOIN_REPLY_WAITING] = now, S.generation, 0
local function answer(code, number, time)
  local at = #reply
  reply[at + JOIN_RESULT_CODE], reply[at + JOIN_RESULT_NUMBER], reply[at + JOIN_RESULT_TIME] = code, number, time
end

local admissible = 0
if P.mode == BYPASS then
  admissible = math.huge
elseif P.mode == OPEN and S.waiting == 0 then
  -- The called visitors come first: each of them is owed an entry.
  admissible = math.min(call_tokens(), math.floor(S.entry_micro / MICRO) - S.called, vacancies())
end

local expires = now + P.pass_ms
local first, admitted, fresh = S.next, 0, {}
local waiting = 0

-- Number and issue time of the ticket that a key names and that its next join gets again; nil when that takes a number.
local function ticket_of(name, is_person)
  if fresh[name] then return fresh[name], now end
  local known = is_person and redis.call('GETEX', name, 'PX', PERSON_MS) or not is_person and redis.call('GET', name)
  local number, issued_ms, generation = string.match(known or '', '^(%d+):(%d+):(%d+)$')
  -- A key from before a reset names a place that has ended.
  if not number or tonumber(generation) ~= S.generation then return nil end
  number, issued_ms = tonumber(number), tonumber(issued_ms)
  if is_person then
    local code = place(number, issued_ms)
    local is_spent = code == LEFT and redis.call('EXISTS', prefix .. 'spent:' .. number) == 1
    if code == EXPIRED or code == LEFT and not is_spent then return nil end
  end
  return number, issued_ms
end

for i = JOIN_ITEMS, #ARGV, JOIN_ITEM_SIZE do
  local kind, key = ARGV[i + JOIN_ITEM_KIND], ARGV[i + JOIN_ITEM_KEY]
  local is_person = kind == KIND_PERSON or kind == KIND_PERSON_GATE
  local is_gate = kind == KIND_GATE or kind == KIND_PERSON_GATE
  local name = key ~= '' and prefix .. (is_person and 'person:' or 'join:') .. key
  local number, issued_ms
  if name then number, issued_ms = ticket_of(name, is_person) end
  if number then
    answer(JOIN_KNOWN, number, issued_ms)
  elseif is_gate and P.mode == BYPASS then
    answer(JOIN_BYPASSED, 0, 0)
  elseif P.mode == CLOSED then
    answer(JOIN_CLOSED, 0, 0)
  elseif is_gate and admissible < 1 then
    answer(JOIN_NO_ROOM, 0, 0)
  elseif admissible < 1 and S.waiting + waiting >= P.capacity then
    answer(JOIN_FULL, 0, 0)
  else
    number = S.next
    S.next = number + 1
    if name then
      fresh[name] = number
      redis.call('SET', name, number .. ':' .. now .. ':' .. S.generation, 'PX', is_person and PERSON_MS or JOIN_KEY_MS)
    end
    if admissible >= 1 then
      admissible, admitted = admissible - 1, admitted + 1
      answer(JOIN_ADMITTED, number, expires)
    else
      waiting = waiting + 1
      answer(JOIN_WAITING, number, S.waiting + waiting)
    end
  end
end

if S.next > first then
  S.joined = S.joined + S.next - first
  if S.opened_ms == 0 then S.opened_ms = now end
end
if admitted > 0 then
  enter(first, first + admitted - 1)
  if P.mode ~= BYPASS then
    take_tokens(admitted)
    S.entry_micro = S.entry_micro - admitted * MICRO
  end
end
if waiting > 0 then
  local from = first + admitted
  mark('waiting', from, S.next - 1)
  mark_seen(from, S.next - 1)
  for chunk = math.floor(from / CHUNK), math.floor((S.next - 1) / CHUNK) do touch(chunk) end
  S.head = S.waiting == 0 and from or math.min(S.head, from)
  S.waiting = S.waiting + waiting
end
save()
reply[JOIN_REPLY_WAITING] = S.waiting
return reply
