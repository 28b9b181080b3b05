-- Removes the records of these members if they name this lesson. The other uids are ghosts, or users who are elsewhere
-- now. Returns the number of removed records, or the reply of a command that failed. The caller removes the
-- memberships.
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
    -- In pieces, because Lua's stack limits what unpack can return.
    for first = 1, left, 1000 do
        local done = redis.pcall('UNLINK', unpack(users, first, math.min(first + 999, left)))
        if type(done) == 'table' then
            return done
        end
    end
    return left
end
