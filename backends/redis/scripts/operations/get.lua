--: get(lesson)
--
-- Answers O, then 1 if the lesson has a record or 0 if not, the number of its members, and its statuses. If the record
-- has one of them, its course and its capacity follow. X if it has neither record nor members.
local record, members = RECORD .. lesson, MEMBERS .. lesson
local found = call('HMGET', record, 'course_status', 'chat_status', 'course_id', 'capacity')
-- include operations/record.lua
local count = call('SCARD', members)
if type(count) == 'table' then
    problem, key = count, members
    break
elseif size == 0 and count == 0 then
    answer = 'X'
    break
end
answer = 'O' .. (size == 0 and '0' or '1') .. '\31' .. count .. '\31'
-- include operations/statuses.lua
if found[3] or found[4] then
    answer = answer .. '\31' .. (found[3] and '=' .. found[3]:gsub('\31', '\30') or '') .. '\31' ..
        (found[4] and '=' .. found[4]:gsub('\31', '\30') or '')
end
