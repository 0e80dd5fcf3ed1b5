-- index.lua: the index of rooms, put behind constants.lua, in front of every script that changes a room. A worker with
-- many rooms asks it which of them have changed or are due (news.lua), in place of a tick for each.
-- KEYS 8 the index, one for all rooms of this server. It is not named on a Redis Cluster, where rooms are in different
--        slots, and then nothing is noted. A sorted set:
--   member      score
--   c<room>     number of the last change of what a mirror of the room must know. Changes of all rooms are counted
--               together, on from Redis' time in microseconds when the index was made
--   d<room>     when a worker should tick the room at the latest, in ms of Redis' time
--   last        the number of the last change, below zero
--   first       the number at which the index was made, below zero. A worker that counts from less looks at every room
--   <KEYS 2 of news.lua>  which server has made the index; another one makes it anew
-- ARGV: see the script after it.
-- Returns nothing by itself. Only news.lua makes the index: where no worker asks, nothing is kept. What stands under
-- the name and is no sorted set is left alone here.

-- Notes that workers must look at the room.
local function note_change(room)
  if not KEYS[8] or type(redis.pcall('ZSCORE', KEYS[8], 'last')) ~= 'string' then return end
  redis.call('ZADD', KEYS[8], -redis.call('ZINCRBY', KEYS[8], -1, 'last'), 'c' .. room)
end
