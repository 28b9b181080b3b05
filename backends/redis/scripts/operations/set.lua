--: set(lesson, course_status, chat_status, if_course_status, if_chat_status)
--: set_with(lesson, course_status, chat_status, if_course_status, if_chat_status, capacity)
--
-- Sets what is given: O. X if the lesson has no record. C with the current statuses if they are not the expected
-- ones.
local record = RECORD .. lesson
local found = call('HMGET', record, 'course_status', 'chat_status')
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
local fields = {}
if course_status ~= '' then
    fields[1], fields[2] = 'course_status', course_status
end
if chat_status ~= '' then
    fields[#fields + 1], fields[#fields + 2] = 'chat_status', chat_status
end
if set_with then
    fields[#fields + 1], fields[#fields + 2] = 'capacity', capacity
end
local done = call('HSET', record, unpack(fields))
if type(done) == 'table' then
    problem, key = done, record
    break
end
--@ noted = noted + 1
--@ happened[noted] = 'S0\31' .. lesson .. '\31\31' .. course_status .. '\31' .. chat_status .. '\31' .. (capacity or '')
answer = 'O'
