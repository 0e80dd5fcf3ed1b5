-- arrive.lua: the first call of every connection about a room: is this the Redis that wrote the room's state?
-- ARGV  1..9 the policy, see prelude.lua
-- Returns 1 when the state was written by another Redis, 0 when it was written by this one (or that cannot be told).
--
-- After a failover to a replica, or a restart from a file, the state may lack what was written last: numbers that
-- visitors hold already, and entries. Nobody can tell how much. So numbers go on behind every one that can have been
-- issued meanwhile, the buckets start empty (what was admitted just before still counts against the bound), nobody is
-- swept for abandon_after, and a new incarnation makes every worker bring what it remembers (restore.lua).

local BEHIND, EPOCH_2026, PER_SECOND = 65536, 1767225600, 131072  -- as in restore.lua
local info = redis.pcall('INFO', 'server')
local server = type(info) == 'string' and string.match(info, 'run_id:(%w+)')
if not server or redis.call('HGET', KEYS[1], 'server') == server then return 0 end

S.version = math.max(S.version + 1, tonumber(clock[1]) * 1000000 + tonumber(clock[2]))
for _, chunk in ipairs(redis.call('HKEYS', KEYS[3])) do redis.call('HSET', KEYS[3], chunk, S.version) end
S.next = math.max(S.next + BEHIND, (tonumber(clock[1]) - EPOCH_2026) * PER_SECOND + 1)
S.call_micro, S.entry_micro = 0, 0
S.incarnation, S.remembered = S.version, 1
S.restored_ms, S.hold_epoch = now, epoch + EPOCHS_KEPT
save()
redis.call('HSET', KEYS[1], 'server', server)
return 1
