--: end_record(lesson)
--: end_lesson(lesson, most)
--
-- Ends the lesson: O and the number of members who left, or X if there is no lesson. `end_record` leaves the members
-- where they are. A lesson of more than `most` members is answered L and not ended, and nothing behind it in its batch
-- is executed. The caller then ends it in steps (end_step.lua), and sends the rest of the batch afterwards. If a batch
-- has ended enough members already, the next end is answered B, and the caller sends it again with the rest.
local record, members = RECORD .. lesson, MEMBERS .. lesson
local count = end_lesson and call('SCARD', members) or 0
if type(count) == 'table' then
    problem, key = count, members
    break
end
local size = call('HLEN', record)
if type(size) == 'table' then
    problem, key = size, record
    break
elseif size == 0 and count == 0 then
    answer = 'X'
    break
elseif count > tonumber(most or count) then
    answer = 'L'
    break
elseif spent > 0 and spent + count > tonumber(most or spent + count) then
    answer = 'B'
    break
end
local done
if end_record then
    done = call('DEL', record)
else
    -- include records_of.lua
    local users, left = records_of(call('SMEMBERS', members), lesson)
    done, spent, count = users, spent + count, left
    if left then
        users[left + 1], users[left + 2] = record, members
        -- include unlink.lua
        done, partly = unlink(users)
    end
end
if type(done) == 'table' then
    problem, key, other = done, record, end_lesson and members
    break
end
--@ noted = noted + 1
--@ happened[noted] = (end_record and 'R0\31' or 'E0\31') .. lesson .. '\31\31\31\31\31' .. count
answer = 'O' .. count
