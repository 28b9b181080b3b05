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
-- A record of the three fields that every one has, and no other ones, has no bans.
local bans = size ~= 3 and call('HGET', record, 'bans') and prefix .. ':BANS:LESSON_ID:' .. lesson
local touched = bans and call('ZSCORE', bans, lesson)
if type(touched) == 'table' then
    problem, key = touched, bans
    break
end
local done
if end_record and not bans then
    done = call('DEL', record)
else
    -- include records_of.lua
    local users, left = {}, 0
    if end_lesson then
        users, left = records_of(call('SMEMBERS', members), lesson)
    end
    done, spent, count = users, spent + count, left
    if left then
        users[left + 1] = record
        users[left + 2] = end_lesson and members or bans
        users[left + 3] = end_lesson and bans or nil
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
