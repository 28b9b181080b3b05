--: get(lesson)
--
-- Answers O, then 1 if the lesson has a record or 0 if not, the number of its members, and its statuses. X if it has
-- neither record nor members.
local record, members = RECORD .. lesson, MEMBERS .. lesson
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
