-- Returns the keys of the user records, among those of these members, that name this lesson, and their number. The other
-- uids are ghosts, or users who are elsewhere now. If a command failed, SMEMBERS included, returns its reply alone.
local function records_of(uids, lesson)
    if uids.err then
        return uids
    end
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
    return users, left
end
