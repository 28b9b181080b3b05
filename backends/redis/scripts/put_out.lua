-- Removes the records of these members, as far as they name this lesson; the others are ghosts, or are elsewhere by now.
-- Returns how many it removed, or the reply of a command that failed. Their memberships are the caller's to remove.
local function put_out(uids, lesson)
    local users, left = {}, 0
    for _, uid in ipairs(uids) do
        local user = USER .. uid
        local found = redis.pcall('HGET', user, 'lesson_id')
        if found == lesson then
            left = left + 1
            users[left] = user
        elseif type(found) == 'table' and not found.err:find('WRONGTYPE', 1, true) then
            return found
        end
    end
    -- In pieces, because what unpack can put on Lua's stack is limited.
    for first = 1, left, 1000 do
        local done = redis.pcall('UNLINK', unpack(users, first, math.min(first + 999, left)))
        if type(done) == 'table' then
            return done
        end
    end
    return left
end
