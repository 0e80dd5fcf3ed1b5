-- configure.lua: changes the limits of a room at run time. They override the configuration file until set to 'default'.
-- ARGV  CONFIGURE_ITEMS... pairs: field of POLICY, value (an integer, or 'default'); or 'notice' and a message to
--       visitors ('default': none)
-- Returns the number of overrides that stand. The buckets were refilled under the old limits by the prelude.

for i = CONFIGURE_ITEMS, #ARGV, 2 do
  if ARGV[i + 1] == DEFAULT then
    redis.call('HDEL', KEYS[2], ARGV[i])
  else
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  end
end
redis.call('HINCRBY', KEYS[2], 'version', 1)
save()
note_change(room)
local standing = 0
for _, value in ipairs(redis.call('HMGET', KEYS[2], unpack(POLICY))) do
  if value then standing = standing + 1 end
end
return standing
