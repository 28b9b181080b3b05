-- A page of the lessons that have a record or members, or of those among them that pass a filter.
--
--   ARGV  PREFIX CURSOR COUNT [COURSE_STATUS CHAT_STATUS COURSE]
--
-- The last three are the filter; "" asks for nothing. A lesson of a wrong type passes, because nobody can say what it is.
--
-- Replies the next cursor, then for each lesson: a word, LESSON, COURSE_STATUS, CHAT_STATUS, COURSE, CAPACITY, MEMBERS.
-- The word is RECORD, MEMBERS_ONLY, or WRONG_TYPE. Both keys of a lesson name it, maybe in different pages, and SCAN may return a
-- key twice. So the caller must drop repeated lessons.
-- include common.lua
local function passes(found)
    for i = 1, 3 do
        local asked = argv[3 + i] or ''
        if asked ~= '' and asked ~= found[i] then
            return false
        end
    end
    return true
end

local cursor, keys = scan(argv[2], ':LESSON_', argv[3])
local reply, size = {cursor}, 1
for _, key in ipairs(keys) do
    local lesson = after(RECORD, key) or after(MEMBERS, key)
    local found = lesson and read('HMGET', RECORD .. lesson, 'course_status', 'chat_status', 'course_id', 'capacity')
    if lesson and (not found or passes(found)) then
        local count = read('SCARD', MEMBERS .. lesson)
        local word = 'RECORD'
        if not found or not count then
            word, found, count = 'WRONG_TYPE', {}, 0
        elseif not found[1] and not found[2] and call('HLEN', RECORD .. lesson) == 0 then
            word = 'MEMBERS_ONLY'
        end
        reply[size + 1], reply[size + 2], reply[size + 3], reply[size + 4] = word, lesson, found[1] or false, found[2] or false
        reply[size + 5], reply[size + 6], reply[size + 7] = found[3] or false, found[4] or false, count
        size = size + 7
    end
end
return reply
