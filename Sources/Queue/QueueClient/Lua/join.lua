-- join.lua: takes numbers for the joins of one loop turn, and admits at once those for whom there is room.
-- ARGV  10 generation, 11 next and 12 incarnation the worker knows (0 = nothing)
--       13... pairs: kind ('join', or 'gate': take a number only if admitted at once), idempotency key ('' = none);
--       kinds 'person' and 'person_gate' are the same with the key of a person, who has one place at a time
-- Error ROLLBACK: see tick.lua.
-- Returns {now, generation, waiting, then per item: code, number, time}
--   code 1 waiting (time = position)   2 admitted (time = pass expiry ms)
--        3 known key (time = issue time ms of its ticket)
--        4 room closed   5 room full   6 no room at once (gate)   7 bypass (gate)
-- Atomic because the numbers, the buckets and the bitmaps must agree, and a person's joins at several workers.
-- O(items); a person's item costs up to O(epochs of the grace), at most 64. The worker sends at most 512.

if knows_less(tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])) then
  return redis.error_reply('ROLLBACK the room went back')
end

local JOIN_KEY_MS = 300000
local PERSON_MS = 86400000             -- since the last use; a key forgotten, or lost with Redis, is a second place
local ADMITTED, KNOWN, SHUT, FULL, NO_ROOM, PASS_BY = 2, 3, 4, 5, 6, 7
local reply = {now, S.generation, 0}
local function answer(code, number, time)
  reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = code, number, time
end

local admissible = 0
if P.mode == BYPASS then
  admissible = math.huge
elseif P.mode == OPEN and S.waiting == 0 then
  admissible = math.min(math.floor(S.call_micro / MICRO), math.floor(S.entry_micro / MICRO), vacancies())
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

for i = 13, #ARGV, 2 do
  local kind, key = ARGV[i], ARGV[i + 1]
  local is_person, is_gate = kind == 'person' or kind == 'person_gate', kind == 'gate' or kind == 'person_gate'
  local name = key ~= '' and prefix .. (is_person and 'person:' or 'join:') .. key
  local number, issued_ms
  if name then number, issued_ms = ticket_of(name, is_person) end
  if number then
    answer(KNOWN, number, issued_ms)
  elseif is_gate and P.mode == BYPASS then
    answer(PASS_BY, 0, 0)
  elseif P.mode == CLOSED then
    answer(SHUT, 0, 0)
  elseif is_gate and admissible < 1 then
    answer(NO_ROOM, 0, 0)
  elseif admissible < 1 and S.waiting + waiting >= P.capacity then
    answer(FULL, 0, 0)
  else
    number = S.next
    S.next = number + 1
    if name then
      fresh[name] = number
      redis.call('SET', name, number .. ':' .. now .. ':' .. S.generation, 'PX', is_person and PERSON_MS or JOIN_KEY_MS)
    end
    if admissible >= 1 then
      admissible, admitted = admissible - 1, admitted + 1
      answer(ADMITTED, number, expires)
    else
      waiting = waiting + 1
      answer(WAITING, number, S.waiting + waiting)
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
    S.call_micro = S.call_micro - admitted * MICRO
    S.entry_micro = S.entry_micro - admitted * MICRO
  end
end
if waiting > 0 then
  local from = first + admitted
  mark('waiting', from, S.next - 1)
  mark_seen(from, S.next - 1)
  for chunk = math.floor(from / CHUNK), math.floor((S.next - 1) / CHUNK) do touch(chunk) end
  if S.waiting == 0 then S.head = from end
  S.waiting = S.waiting + waiting
end
save()
reply[3] = S.waiting
return reply
