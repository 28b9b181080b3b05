--: quit(uid)
--: leave(uid, if_lesson, if_session)
--
-- The user leaves the lesson that the record names: O, or X if the user is in no lesson. `leave` also answers the
-- place. If `leave` was given another lesson or session than that of the user, it answers C and the place, and changes
-- nothing.
local user = USER .. uid
local lesson, found
if quit then
    lesson = call('HGET', user, 'lesson_id')
    if type(lesson) == 'table' then
        problem, key = lesson, user
        break
    end
else
    -- include operations/found.lua
    lesson = found[2]
end
if not lesson then
    answer = 'X'
    break
end

if leave then
    -- include session.lua
    if (if_lesson ~= '' and if_lesson ~= lesson) or (if_session ~= '' and if_session ~= session) then
        answer = 'C'
        -- include operations/place.lua
        break
    end
end

local members = MEMBERS .. lesson
local removed = call('SREM', members, uid)
if removed ~= 1 and type(removed) == 'table' then
    problem, key = removed, members
    break
end
local done = call('DEL', user)
if done ~= 1 and type(done) == 'table' then
    local undone = removed == 1 and call('SADD', members, uid)
    problem, key, partly = done, user, type(undone) == 'table'
    break
end
--@ noted = noted + 1
--@ happened[noted] = 'Q0\31' .. (lesson:find('\31', 1, true) and '' or lesson) .. '\31' .. uid
answer = 'O'
if leave then
    -- include operations/place.lua
end
