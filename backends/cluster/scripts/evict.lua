-- Takes a user out of a lesson if the user has been there since this version. As if the record had run out: the version
-- stays.
--
--   KEYS  the user record, its helper
--   ARGV  the helper's ms to live, LESSON, VERSION
--
-- Replies the lesson now, the version now, and 1 if the user was taken out.
-- include adopt.lua
local done = 0
if lesson == ARGV[2] and version == ARGV[3] then
    call('DEL', record)
    lesson, is_changed, done = '', true, 1
end
-- include keep.lua
return {lesson, version, done}
