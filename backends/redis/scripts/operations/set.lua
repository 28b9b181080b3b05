--: set(lesson, course_status, chat_status, if_course_status, if_chat_status)
--
-- Sets the given statuses: O. X if the lesson has no record. C with the current statuses if they are not the expected
-- ones.
local record = RECORD .. lesson
-- include operations/record.lua
if size == 0 then
    answer = 'X'
    break
elseif (if_course_status ~= '' and if_course_status ~= found[1]) or
    (if_chat_status ~= '' and if_chat_status ~= found[2]) then
    answer = 'C'
    -- include operations/statuses.lua
    break
end
local done
if course_status ~= '' and chat_status ~= '' then
    done = call('HSET', record, 'course_status', course_status, 'chat_status', chat_status)
elseif course_status ~= '' then
    done = call('HSET', record, 'course_status', course_status)
elseif chat_status ~= '' then
    done = call('HSET', record, 'chat_status', chat_status)
end
if type(done) == 'table' then
    problem, key = done, record
    break
end
answer = 'O'
