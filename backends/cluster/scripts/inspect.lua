-- Where a user is. With a floor it is a fence: unless the user is in that lesson, the version rises to the floor, and
-- every commit that was prepared at a lower one fails. Without UNLESS_LESSON ('') it rises wherever the user is.
--
--   KEYS  the user record, its helper
--   ARGV  the helper's ms to live, UNLESS_LESSON, FLOOR ('' for none), DETAILS ('1' or '')
--
-- Replies LESSON ('' for none), VERSION, the last operation, and with DETAILS also COURSE, SESSION, SESSION_LESSON, OWNER,
-- JOINED_MS.
-- include adopt.lua
local unless, floor = ARGV[2], ARGV[3]
if floor ~= '' and (unless == '' or lesson ~= unless) and tonumber(version) < tonumber(floor) then
    version, is_changed = floor, true
end
-- include keep.lua
if ARGV[4] == '' then
    return {lesson, version, last}
end
local found = call('HMGET', record, 'course_id', 'session', 'session_lesson_id', 'owner', 'joined_ms')
return {lesson, version, last, found[1], found[2], found[3], found[4], found[5]}
