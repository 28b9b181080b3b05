-- What is missing in a lesson record, and whether bans were left behind. On request it is mended in the same step.
--
--   KEYS  the lesson record, its bans
--   ARGV  LESSON, REPAIR ('1' or '')
--
-- Replies the number of fields that were found, lesson_id, course_status, chat_status, course_id, capacity, and 1 if
-- there are bans of a record that has none.
local call = redis.call
local found = call('HMGET', KEYS[1], 'lesson_id', 'course_status', 'chat_status', 'course_id', 'capacity', 'bans')
local size, is_stale = call('HLEN', KEYS[1]), 0
for i, field in ipairs({'lesson_id', 'course_status', 'chat_status'}) do
    if ARGV[2] ~= '' and size > 0 and not found[i] then
        call('HSET', KEYS[1], field, ({ARGV[1], '3', '0'})[i])
    end
end
if not found[6] and call('EXISTS', KEYS[2]) == 1 then
    is_stale = 1
    if ARGV[2] ~= '' then
        call('UNLINK', KEYS[2])
    end
end
return {size, found[1], found[2], found[3], found[4], found[5], is_stale}
