-- reset.lua: ends the room's generation: everybody who waits or was called loses the place; passes stay valid.
-- ARGV  the policy, see prelude.lua
-- Returns the new generation. Numbers go on, so none is ever issued twice; tickets of older generations are fenced.

for _, chunk in ipairs(redis.call('HKEYS', KEYS[3])) do redis.call('DEL', prefix .. 'waiting:' .. chunk) end
redis.call('DEL', KEYS[3], KEYS[4], recalled_key)
redis.call('HDEL', KEYS[1], 'key_pages')
S.generation = math.max(S.generation + 1, second)
S.waiting, S.called, S.owed, S.head, S.opened_ms = 0, 0, 0, S.next, 0
touched = true
save()
return S.generation
