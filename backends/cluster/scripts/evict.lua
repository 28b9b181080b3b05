-- Takes a user out of a lesson if the user has been there since that operation. As if the record had run out: the version
-- stays. The operation names the stay, not the version, which a fence of another lesson raises meanwhile.
--
--   KEYS  the user record, its helper
--   ARGV  the helper's ms to live, LESSON, LAST as INSPECT replied it
--
-- Replies the lesson now, the version now, and 1 if the user was taken out.
-- include adopt.lua
local done = 0
if lesson == ARGV[2] and last == ARGV[3] then
    call('DEL', record)
    lesson, is_changed, done = '', true, 1
end
-- include keep.lua
return {lesson, version, done}
