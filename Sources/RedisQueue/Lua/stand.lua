-- stand.lua: where one visitor stands, putting a returner back at the original number.
-- ARGV  10..12 see standing.lua
-- Returns {code, time, now, waiting, position}; codes 1 waiting, 2 called (time = claim deadline ms), 3 entered
-- (time = pass expiry ms), 4 left, 5 expired, 7 fenced (ticket of an ended generation).
-- O(epochs of the grace), at most 64, and for a visitor who waits O(chunks).

local before = S.returned
local code, time = standing()
if S.returned > before then save() end
return {code, time, now, S.waiting, code == WAITING and position() or 0}
