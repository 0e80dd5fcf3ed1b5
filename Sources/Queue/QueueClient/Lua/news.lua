-- news.lua: which rooms have changed since a worker asked last, and which are due. Makes the index where there is none.
-- KEYS  1 the index, see index.lua   2 a key that never exists, named vq:at:<run id of this server>
-- ARGV  NEWS_ARG.since: the mark of the last answer (0 = none)
-- Returns NEWS_REPLY: now (ms), the mark to ask with next, 1 if what changed since then is not known: the worker looks
--   at every room; 1 if more changes follow, which the worker asks for at once; then names of rooms. A room that is due
--   is named to everybody until some worker has ticked it.
-- Bounds: INDEX.news_max rooms that changed, as many that are due. An index of more than INDEX.members_max members is
--   made anew. A room that nobody ticks, because no worker has it any more, is forgotten INDEX.due_kept_ms after it was
--   due.
-- An answer without names costs the same for any number of rooms.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
-- A connection that has not asked for the server's identity cannot tell another one.
local at = string.sub(KEYS[2], -1) ~= ':' and KEYS[2] or 'last'
local known = redis.pcall('ZMSCORE', KEYS[1], 'last', 'first', at)
if not (known[1] and known[2] and known[3]) or redis.call('ZCARD', KEYS[1]) > INDEX.members_max then
  redis.call('DEL', KEYS[1])
  local begin = -math.max(INDEX.changes_from, tonumber(clock[1]) * 1000000 + tonumber(clock[2]))
  redis.call('ZADD', KEYS[1], 0, KEYS[2], begin, 'last', begin, 'first')
  known = {begin, begin}
end

local since, mark, first = tonumber(ARGV[NEWS_ARG.since]), -known[1], -known[2]
local reply = {}
reply[NEWS_REPLY.now], reply[NEWS_REPLY.is_new], reply[NEWS_REPLY.is_cut] = now, 0, 0
if since < first or since > mark then
  reply[NEWS_REPLY.is_new] = 1
else
  local changed = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[NEWS_ARG.since], '+inf', 'LIMIT', 0, INDEX.news_max,
    'WITHSCORES')
  if #changed == 2 * INDEX.news_max then mark, reply[NEWS_REPLY.is_cut] = tonumber(changed[#changed]), 1 end
  reply[NEWS_REPLY.mark] = mark
  for i = 1, #changed, 2 do reply[#reply + 1] = string.sub(changed[i], 2) end
  local due = redis.call('ZRANGEBYSCORE', KEYS[1], 1, now, 'LIMIT', 0, INDEX.news_max, 'WITHSCORES')
  for i = 1, #due, 2 do
    reply[#reply + 1] = string.sub(due[i], 2)
    if tonumber(due[i + 1]) < now - INDEX.due_kept_ms then redis.call('ZREM', KEYS[1], due[i]) end
  end
end
reply[NEWS_REPLY.mark] = mark
return reply
