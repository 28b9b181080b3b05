--: where(uid)
--
-- Answers O and the place of the user: course, lesson, session, owner. X if the user is in no lesson. (A single `where` is a
-- command and needs no script.)
local user = USER .. uid
local found
-- include operations/found.lua
answer = found[2] and 'O' or 'X'
if found[2] then
    -- include operations/place.lua
end
