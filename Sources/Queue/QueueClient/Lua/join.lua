-- join.lua: takes numbers for the joins of one loop turn, and admits at once those for whom there is room.
-- ARGV  JOIN_ARG_*: generation, next and incarnation that the worker knows (0 = nothing)
--       JOIN_ITEMS... per join JOIN_ITEM_*: kind ('join', or 'gate': take a number only if admitted at once) and
--       idempotency key ('' = none); kinds 'person' and 'person_gate' are the same with the key of a person, who has
--       one place at a time; 'passage' (without a key): a token for a request that is nobody's, while nobody waits
-- Error ROLLBACK: see tick.lua.
-- Returns JOIN_REPLY_*, then per join JOIN_RESULT_*: code, number, time
--   code JOIN_WAITING (time = position)   JOIN_ADMITTED (time = pass expiry ms)
--        JOIN_KNOWN key (time = issue time ms of its ticket)
--        JOIN_CLOSED   JOIN_FULL   JOIN_NO_ROOM at once (gate, passage)   JOIN_BYPASSED (gate, passage)
--        JOIN_PASSED (passage)
-- Atomic because the numbers, the buckets and the bitmaps must agree, and a person's joins at several workers.
-- O(items); an item with a key looks into up to KEY_PAGES_MAX pages, a person's item costs up to O(epochs of the
-- grace), at most 64. The worker sends at most 512.

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

local spare, admissible = 0, 0
if P.mode == BYPASS then
  admissible = math.huge
elseif P.mode == OPEN and S.waiting == 0 and not is_held then
  -- The called visitors come first: each of them is owed an entry.
  spare = math.min(call_tokens(), math.floor(S.entry_micro / MICRO) - S.called)
  admissible = math.min(spare, vacancies())
end

local expires = now + P.pass_ms
local first, admitted, passed, fresh = S.next, 0, 0, {}
local waiting = 0

-- The keys of retries. Each key is a field of a small hash: the field is a part of its digest, the value the number and
-- the issue time. Redis keeps a hash of up to 512 fields as one string (listpack), which is 15 bytes a key.
--   keys:<first>:<bucket>   a page is KEY_BUCKETS of them; a key's digest says which. A page is begun when the last one
--                           is JOIN_KEY_MS old or may be full. <first> is the lowest number in it: no two pages have
--                           the same, not even after a loss of the state, so no value is read with another base
--   key_pages               field of the state: "first:since ...", the pages that may hold a living key
local pages
local function read_pages()
  pages = {}
  for first, since in string.gmatch(redis.call('HGET', KEYS[1], 'key_pages') or '', '(%d+):(%d+)') do
    pages[#pages + 1] = {first = tonumber(first), since = tonumber(since)}
  end
end

-- The bucket, without the page, and the field of a key. Together 58 bits: two of 300,000 keys are taken for the same
-- once in six million rooms.
local function key_place(key)
  local digest = redis.sha1hex(key)
  local bytes = {}
  for at = 1, 11, 2 do bytes[#bytes + 1] = string.char(tonumber(string.sub(digest, at, at + 1), 16)) end
  return tonumber(string.sub(digest, 13, 18), 16) % KEY_BUCKETS, table.concat(bytes)
end

-- Number and issue time of the ticket of a living key, by its place; nil for another key.
local function ticket_of_key(bucket, field)
  if not pages then read_pages() end
  for i = #pages, 1, -1 do
    local value = tonumber(redis.call('HGET', prefix .. 'keys:' .. pages[i].first .. ':' .. bucket, field))
    if value then
      local issued_ms = pages[i].since + value % KEY_SECONDS * 1000
      if issued_ms + JOIN_KEY_MS <= now then return nil end
      return pages[i].first + math.floor(value / KEY_SECONDS), issued_ms
    end
  end
  return nil
end

-- Remembers the number that the key of this place was given now, for JOIN_KEY_MS.
local function remember_key(bucket, field, number)
  local page = pages[#pages]
  if not page or now - page.since >= JOIN_KEY_MS or now < page.since or number - page.first >= KEYS_PER_PAGE then
    page = {first = number, since = second * 1000}
    pages[#pages + 1] = page
    -- A page takes keys for JOIN_KEY_MS at most, and the last of them lives as long.
    while #pages > KEY_PAGES_MAX or pages[1].since + 2 * JOIN_KEY_MS <= now do table.remove(pages, 1) end
    local words = {}
    for i, each in ipairs(pages) do words[i] = string.format('%.0f:%.0f', each.first, each.since) end
    redis.call('HSET', KEYS[1], 'key_pages', table.concat(words, ' '))
  end
  local name = prefix .. 'keys:' .. page.first .. ':' .. bucket
  redis.call('HSET', name, field, (number - page.first) * KEY_SECONDS + second - page.since / 1000)
  -- Longer than the key may live by a clock that goes back by less than a step.
  redis.call('PEXPIRE', name, JOIN_KEY_MS + STEP_BACK_MS)
end

-- Number and issue time of the ticket that a person has or may come back to; nil when the next join takes a number.
local function ticket_of_person(name)
  local known = redis.call('GETEX', name, 'PX', PERSON_MS)
  local number, issued_ms, generation = string.match(known or '', '^(%d+):(%d+):(%d+)$')
  -- A key from before a reset names a place that has ended.
  if not number or tonumber(generation) ~= S.generation then return nil end
  number, issued_ms = tonumber(number), tonumber(issued_ms)
  local code = place(number, issued_ms)
  local is_spent = code == LEFT and redis.call('EXISTS', prefix .. 'spent:' .. number) == 1
  if code == EXPIRED or code == LEFT and not is_spent then return nil end
  return number, issued_ms
end

-- A ticket with the key of a retry is issued in whole seconds, so that a repeated one is the same to the byte.
local issued_now = second * 1000

for i = JOIN_ITEMS, #ARGV, JOIN_ITEM_SIZE do
  local kind, key = ARGV[i + JOIN_ITEM_KIND], ARGV[i + JOIN_ITEM_KEY]
  local is_person = kind == KIND_PERSON or kind == KIND_PERSON_GATE
  local is_passage = kind == KIND_PASSAGE
  local is_gate = kind == KIND_GATE or kind == KIND_PERSON_GATE or is_passage
  local name = key ~= '' and prefix .. (is_person and 'person:' or 'join:') .. key
  local number, issued_ms, bucket, field
  if name and fresh[name] then
    number, issued_ms = fresh[name], is_person and now or issued_now
  elseif is_person and name then
    number, issued_ms = ticket_of_person(name)
  elseif name then
    bucket, field = key_place(key)
    number, issued_ms = ticket_of_key(bucket, field)
  end
  if number then
    answer(JOIN_KNOWN, number, issued_ms)
  elseif is_gate and P.mode == BYPASS then
    answer(JOIN_BYPASSED, 0, 0)
  elseif P.mode == CLOSED or P.mode == ENDED then
    answer(JOIN_CLOSED, 0, 0)
  elseif is_passage and spare >= 1 and waiting == 0 then
    spare, passed = spare - 1, passed + 1
    admissible = math.min(admissible, spare)
    answer(JOIN_PASSED, 0, 0)
  elseif is_passage then
    answer(JOIN_NO_ROOM, 0, 0)
  elseif is_gate and admissible < 1 then
    answer(JOIN_NO_ROOM, 0, 0)
  elseif S.draw_state == DRAW_REGISTERING and S.next - S.draw_first >= DRAW_MAX then
    answer(JOIN_FULL, 0, 0)
  elseif admissible < 1 and S.waiting + waiting >= P.capacity then
    answer(JOIN_FULL, 0, 0)
  else
    number = S.next
    S.next = number + 1
    if name then
      fresh[name] = number
      if is_person then
        redis.call('SET', name, number .. ':' .. now .. ':' .. S.generation, 'PX', PERSON_MS)
      else
        remember_key(bucket, field, number)
      end
    end
    if admissible >= 1 then
      admissible, spare, admitted = admissible - 1, spare - 1, admitted + 1
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
if admitted > 0 then enter(first, first + admitted - 1) end
if P.mode ~= BYPASS then
  take_tokens(admitted + passed)
  S.entry_micro = S.entry_micro - (admitted + passed) * MICRO
end
if waiting > 0 then
  local from = first + admitted
  mark('waiting', from, S.next - 1)
  mark_seen(from, S.next - 1)
  for chunk = math.floor(from / CHUNK), math.floor((S.next - 1) / CHUNK) do touch(chunk) end
  if S.waiting == 0 then S.line_ms = now end
  S.head = S.waiting == 0 and from or math.min(S.head, from)
  S.waiting = S.waiting + waiting
end
save()
reply[JOIN_REPLY_WAITING] = S.waiting
return reply
