-- reset.lua: ends the room's generation: everybody who waits or was called loses the place; passes stay valid.
-- ARGV  the policy, see prelude.lua
-- Returns the new generation. Numbers go on, so none is ever issued twice; tickets of older generations are fenced.

begin_generation(math.max(S.generation + 1, second))
save()
return S.generation
