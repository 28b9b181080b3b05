-- A page of the users who are banned from a lesson.
--
--   KEYS  the lesson record, its bans
--   ARGV  CURSOR COUNT
--
-- Replies the next cursor, then for each: UID, and the ms that are left of the ban.
local call = redis.call
if call('HEXISTS', KEYS[1], 'bans') == 0 then
    return {'0'}
end
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local page = call('ZSCAN', KEYS[2], ARGV[1], 'COUNT', ARGV[2])
local reply, size = {page[1]}, 1
for i = 1, #page[2], 2 do
    local left = page[2][i + 1] - now
    if left > 0 then
        reply[size + 1], reply[size + 2] = page[2][i], ('%d'):format(left)
        size = size + 2
    end
end
return reply
