-- A page of the users who are banned from a lesson.
--
--   ARGV  PREFIX LESSON CURSOR COUNT
--
-- Replies the next cursor, then for each: UID, and the ms that are left of the ban.
-- include common.lua
local record, bans = RECORD .. argv[2], prefix .. ':BANS:LESSON_ID:' .. argv[2]
if not call('HGET', record, 'bans') then
    return {'0'}
end
-- include now.lua
local page = call('ZSCAN', bans, argv[3], 'COUNT', argv[4])
local reply, size = {page[1]}, 1
for i = 1, #page[2], 2 do
    local left = page[2][i + 1] - now
    if left > 0 then
        reply[size + 1], reply[size + 2] = page[2][i], ('%d'):format(left)
        size = size + 2
    end
end
return reply
