-- A page of the user records.
--
--   ARGV  PREFIX CURSOR COUNT
--
-- Replies the next cursor, then for each record: a word, UID, COURSE, LESSON, SESSION, OWNER, JOINED_MS. The word is USER, IDLE
-- for a record that names no lesson, or WRONG_TYPE. SCAN may return a key twice, so the caller must drop repeated users.
-- include common.lua
local cursor, keys = scan(argv[2], ':IN_LESSON:UID:', argv[3])
local reply, size = {cursor}, 1
for _, key in ipairs(keys) do
    local found = read('HMGET', key, 'course_id', 'lesson_id', 'session', 'session_lesson_id', 'owner',
                       'joined_ms')
    local word = 'USER'
    if not found then
        word, found = 'WRONG_TYPE', {false, false, false, false, false, false}
    elseif not found[2] then
        word = 'IDLE'
    end
    reply[size + 1], reply[size + 2], reply[size + 3], reply[size + 4] = word, after(USER, key), found[1], found[2]
    -- include session.lua
    reply[size + 5], reply[size + 6] = session, found[2] and found[4] == found[2] and found[5] ~= '' and found[5]
    reply[size + 7] = found[6]
    size = size + 7
end
return reply
