-- draw.lua: the draw of places among those who have registered before the doors opened. See DrawRecord in Swift.
-- ARGV  DRAW_ARG_*: action, and a, b, c, whose meaning depends on it:
--   'prepare'   begins the registration: a = commitment, b = seed
--   'announce'  names the source of the beacon, while people may still register: a = source
--   'beacon'    gives its value, once nobody may register any more: a = value
--   'read'      asks for what the new places are made from
--   'apply'     moves the registered: a = version, as read has answered it; then triples: chunk, bitmap of those who
--               wait, bitmap of those who have left, both by their new places
--   'bring'     a draw that a worker remembers and this Redis has lost: a = first, b = behind, c = state; then
--               commitment, seed, source, beacon, opened
-- Returns 1 when it was done, else 0; read: version, then triples as apply takes them, by the numbers of registration,
--   or 0 when there is nothing to draw now, or another worker has asked within DRAW_CLAIM_MS.
-- The hash draw: commitment, seed, source, beacon, opened (ms), claimed (ms). It lives as long as the room.
-- Atomic because no visitor may wait at two places, or at none. O(chunks of the registered), at most 16.

local draw_key = prefix .. 'draw'
local action, a, b, c = ARGV[DRAW_ARG_ACTION], ARGV[DRAW_ARG_A], ARGV[DRAW_ARG_B], ARGV[DRAW_ARG_C]
local is_drawing = S.draw_state == DRAW_OPENED
  and (P.draw ~= DRAW_BEACON or redis.call('HEXISTS', draw_key, 'beacon') == 1)

local function bits(kind, chunk) return redis.call('GET', prefix .. kind .. ':' .. chunk) or '' end
local first_chunk, last_chunk = math.floor(S.draw_first / CHUNK), math.floor((S.draw_behind - 1) / CHUNK)

local function prepare()
  if P.draw == DRAW_OFF or now >= P.opens_ms then return 0 end
  if S.draw_state == DRAW_REGISTERING or S.draw_state == DRAW_OPENED then return 0 end
  redis.call('DEL', draw_key)
  redis.call('HSET', draw_key, 'commitment', a, 'seed', b)
  S.draw_state, S.draw_first, S.draw_behind = DRAW_REGISTERING, S.next, 0
  return 1
end

local function announce()
  if S.draw_state ~= DRAW_REGISTERING then return 0 end
  redis.call('HSET', draw_key, 'source', a)
  return 1
end

local function beacon()
  if S.draw_state ~= DRAW_OPENED or P.draw ~= DRAW_BEACON then return 0 end
  return redis.call('HSETNX', draw_key, 'beacon', a)
end

local function read()
  if not is_drawing or now - tonumber(redis.call('HGET', draw_key, 'claimed') or 0) < DRAW_CLAIM_MS then return 0 end
  redis.call('HSET', draw_key, 'claimed', now)
  local out = {S.version}
  for chunk = first_chunk, last_chunk do
    out[#out + 1], out[#out + 2], out[#out + 3] = chunk, bits('waiting', chunk), bits('left', chunk)
  end
  return out
end

-- Adds the bits to those of a chunk.
local function add(kind, chunk, set, life_ms)
  local key, scratch = bitmap(kind, chunk, life_ms), prefix .. 'scratch'
  redis.call('SET', scratch, set, 'PX', 1000)
  redis.call('BITOP', 'OR', key, key, scratch)
  if life_ms then redis.call('PEXPIRE', key, life_ms) end  -- BITOP has made the key anew
end

local function apply()
  if not is_drawing or S.version ~= tonumber(a) then return 0 end
  if S.draw_behind > S.draw_first then
    mark('waiting', S.draw_first, S.draw_behind - 1, nil, true)
    for chunk = first_chunk, last_chunk do touch(chunk) end
    -- Their tickets name the new places from now on.
    mark_done(S.draw_first, S.draw_behind - 1)
  end
  for i = DRAW_ITEMS, #ARGV, 3 do
    local chunk, waiting, left = tonumber(ARGV[i]), ARGV[i + 1], ARGV[i + 2]
    if waiting ~= '' then add('waiting', chunk, waiting) end
    touch(chunk)
    if left ~= '' then
      add('done', chunk, left, done_ms)
      add('left', chunk, left, done_ms)
    end
  end
  -- What is known of signs of life is by the old numbers.
  S.hold_epoch, S.restored_ms, S.doubt_from = epoch + EPOCHS_KEPT, now, 0
  S.draw_state = DRAW_DRAWN
  return 1
end

-- How many wait in the chunks of the registered.
local function count_waiting()
  local sum = 0
  for chunk = first_chunk, last_chunk do sum = sum + redis.call('BITCOUNT', prefix .. 'waiting:' .. chunk) end
  return sum
end

-- A replica that lagged may be behind in the draw, and its registered wait at both numbers after a restore.
local function bring()
  if S.draw_state >= tonumber(c) or S.draw_state ~= DRAW_NONE and S.draw_first ~= tonumber(a) then return 0 end
  S.draw_first, S.draw_behind, S.draw_state = tonumber(a), tonumber(b), tonumber(c)
  first_chunk, last_chunk = math.floor(S.draw_first / CHUNK), math.floor((S.draw_behind - 1) / CHUNK)
  if S.draw_state == DRAW_DRAWN and S.draw_behind > S.draw_first then
    local before = count_waiting()
    mark('waiting', S.draw_first, S.draw_behind - 1, nil, true)
    mark_done(S.draw_first, S.draw_behind - 1)
    for chunk = first_chunk, last_chunk do touch(chunk) end
    S.waiting = S.waiting - before + count_waiting()
  end
  S.next = math.max(S.next, 2 * S.draw_behind - S.draw_first)
  local names = {'commitment', 'seed', 'source', 'beacon', 'opened'}
  for i, name in ipairs(names) do
    local value = ARGV[DRAW_ITEMS + i - 1]
    if value ~= '' then redis.call('HSET', draw_key, name, value) end
  end
  return 1
end

local ACTIONS = {prepare = prepare, announce = announce, beacon = beacon, read = read, apply = apply, bring = bring}
local result = ACTIONS[action]()
if result ~= 0 then
  redis.call('PEXPIRE', draw_key, ROOM_MS)
  save()
  note_change(room)
end
return result
