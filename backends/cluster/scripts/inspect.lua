-- Where a user is. With a floor it is a fence: unless the user is in that lesson, the version rises to the floor, and every
-- commit that was prepared at a lower one fails. Without UNLESS_LESSON ('') it rises wherever the user is.
--
--   KEYS  the user record, its helper
--   ARGV  the helper's ms to live, UNLESS_LESSON, FLOOR ('' for none)
--
-- Replies LESSON ('' for none), VERSION, the last operation, COURSE, SESSION, SESSION_LESSON, OWNER, JOINED_MS.
-- include adopt.lua
if ARGV[3] ~= '' and (ARGV[2] == '' or lesson ~= ARGV[2]) and version < tonumber(ARGV[3]) then
    version, is_changed = tonumber(ARGV[3]), true
end
-- include keep.lua
return {lesson, digits(version), last, found[2], found[3], found[4], found[5], found[6]}
