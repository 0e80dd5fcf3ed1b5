-- rooms.lua: the list of rooms made at run time: a room of a template is made by its first join, and ends by itself.
-- KEYS  1 the list (hash: room -> "revision limits"; #revision, #begun), see RoomList.swift
-- ARGV  1 make, end or remove   2 the room   3 its template   4 the limits of a new one   5 rooms of the template at
--       most   6 rooms at all at most   7 1 if a list that is not there may be begun
-- Returns the code, and how long ago the room was made (ms). make: 1 made, 0 is there, -1 too many, -2 no list.
--   end: 1 marked; from then on a join makes the room anew. remove: 1 gone; 0 a join has made it anew meanwhile.
-- Bounds: O(rooms in the list), at most the sixth argument; a worker that knows a full template does not ask.

local call, id, template, limits, template_max, rooms_max, may_begin = unpack(ARGV)
local ENDING, OURS = ' ending', ' template=' .. template
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local text = redis.call('HGET', KEYS[1], id)
local is_ending = text and string.sub(text, -#ENDING) == ENDING
local function put(value)
  redis.call('HSET', KEYS[1], id, value)
  redis.call('HINCRBY', KEYS[1], '#revision', 1)
end
local function is_of_template(value) return string.find(value .. ' ', OURS .. ' ', 1, true) end

if call == 'end' then
  if not text or is_ending or not is_of_template(text) then return {0, 0} end
  put(text .. ENDING)
  return {1, 0}
elseif call == 'remove' then
  if not is_ending then return {0, 0} end
  redis.call('HDEL', KEYS[1], id)
  redis.call('HINCRBY', KEYS[1], '#revision', 1)
  return {1, 0}
end
if text then
  if is_ending then put(string.sub(text, 1, -#ENDING - 1)) end
  return {0, math.max(0, now - (tonumber(string.match(text, '^%d+')) or 0))}
end
if redis.call('HEXISTS', KEYS[1], '#begun') == 0 then
  if may_begin ~= '1' then return {-2, 0} end
  redis.call('HSET', KEYS[1], '#begun', now)
end
local all, count = redis.call('HGETALL', KEYS[1]), 0
for i = 2, #all, 2 do if is_of_template(all[i]) then count = count + 1 end end
if count >= tonumber(template_max) or #all / 2 - 2 >= tonumber(rooms_max) then return {-1, 0} end
put(now .. ' ' .. limits .. OURS)
return {1, 0}
