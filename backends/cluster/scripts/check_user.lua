-- What is missing in a user record. On request it is mended in the same step.
--
--   KEYS  the user record, its helper
--   ARGV  UID, REPAIR ('1' or '')
--
-- A record that names no lesson is removed, and a missing uid is filled in. Replies the number of fields that were found,
-- then lesson_id, uid, course_id, session, session_lesson_id, owner.
local call = redis.call
local found = call('HMGET', KEYS[1], 'lesson_id', 'uid', 'course_id', 'session', 'session_lesson_id', 'owner')
local size = call('HLEN', KEYS[1])
if ARGV[2] ~= '' and size > 0 then
    if not found[1] then
        call('DEL', KEYS[1])
    elseif not found[2] then
        call('HSET', KEYS[1], 'uid', ARGV[1])
    end
end
return {size, found[1], found[2], found[3], found[4], found[5], found[6]}
