-- What a lesson record says.
--
--   KEYS  the record, its bans
--   ARGV  UID ('' for none)
--
-- Replies the number of its fields, course_status, chat_status, course_id, capacity, and 1 if the user is banned.
local call = redis.call
local found = call('HMGET', KEYS[1], 'course_status', 'chat_status', 'course_id', 'capacity', 'bans')
local is_banned = 0
if ARGV[1] ~= '' and found[5] then
    local until_ms = call('ZSCORE', KEYS[2], ARGV[1])
    local time = until_ms and call('TIME')
    if until_ms and tonumber(until_ms) > time[1] * 1000 + math.floor(time[2] / 1000) then
        is_banned = 1
    end
end
return {call('HLEN', KEYS[1]), found[1], found[2], found[3], found[4], is_banned}
