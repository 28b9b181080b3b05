-- A page of the user records: puts out the users of owners that are over.
--
--   ARGV  PREFIX CURSOR COUNT DROPPED
--
-- If DROPPED is not '', only the users of that owner. Replies the next cursor, then for each user who was put out: UID,
-- COURSE, LESSON, SESSION, OWNER, JOINED_MS; without LESSON if the user stays because the members are of a wrong type. One
-- atomic step: who has joined again by another owner stays, and nobody can join by one that is over. If a write fails
-- after another one of the same step, the error begins with `PARTLY `.
-- include common.lua
-- include events_at_once.lua
local cursor, keys = scan(argv[2], ':IN_LESSON:UID:', argv[3])
local dropped = argv[4]
local states = {}

-- The record's own owner is looked up, because an owner can be over since this pass began.
local function is_over(owner)
    if not owner or dropped ~= '' and owner ~= dropped then
        return false
    end
    if states[owner] == nil then
        states[owner] = tonumber(call('ZSCORE', prefix .. ':OWNERS', owner) or 0) < 0
    end
    return states[owner]
end

-- All keys are read before the first write, so that most of what can fail does so while nothing is changed.
local leaving, reply, size = {}, {cursor}, 1
for _, key in ipairs(keys) do
    local found = read('HMGET', key, 'course_id', 'lesson_id', 'session', 'session_lesson_id', 'owner',
                       'joined_ms')
    if found and found[2] and found[4] == found[2] and is_over(found[5]) then
        if read('SISMEMBER', MEMBERS .. found[2], after(USER, key)) then
            leaving[#leaving + 1] = {key, found}
        else
            reply[size + 1], reply[size + 2], reply[size + 3] = after(USER, key), found[1], false
            reply[size + 4], reply[size + 5], reply[size + 6] = false, found[5], false
            size = size + 6
        end
    end
end

local function put_out(key, uid, members, is_first)
    local removed = redis.pcall('SREM', members, uid)
    local done = type(removed) == 'table' and removed or redis.pcall('DEL', key)
    if type(done) ~= 'table' then
        return
    end
    local undone = removed == 1 and redis.pcall('SADD', members, uid)
    error({err = ((not is_first or type(undone) == 'table') and 'PARTLY ' or '') .. done.err})
end

for i, one in ipairs(leaving) do
    local key, found = one[1], one[2]
    local uid = after(USER, key)
    put_out(key, uid, MEMBERS .. found[2], i == 1)
--@     note('Q2\31' .. found[2] .. '\31' .. uid)
    reply[size + 1], reply[size + 2], reply[size + 3] = uid, found[1], found[2]
    reply[size + 4], reply[size + 5], reply[size + 6] = found[3], found[5], found[6]
    size = size + 6
end
return reply
