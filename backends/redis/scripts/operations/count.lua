--: count(lesson)
--
-- Answers O and the number of members.
local members = MEMBERS .. lesson
local count = call('SCARD', members)
if type(count) == 'table' then
    problem, key = count, members
    break
end
answer = 'O' .. count
