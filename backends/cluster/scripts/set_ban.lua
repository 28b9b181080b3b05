-- Bans a user from a lesson, or lifts the ban.
--
--   KEYS  the lesson record, its bans
--   ARGV  UID, MS (from now; 0 lifts the ban)
--
-- The bans are a sorted set: users by the time (ms) when their ban runs out. They count only if the record has the field
-- `bans`: others remove a record without its bans. So what is done before that field is written, or without it, counts
-- for nothing if a later command fails. Replies BANNED, or NONE if the lesson has no record.
local call = redis.call
local record, bans, uid, ms = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])
if call('HLEN', record) == 0 then
    return 'NONE'
end
local is_marked = call('HEXISTS', record, 'bans') == 1
if ms == 0 then
    if is_marked then
        call('ZREM', bans, uid)
    end
    return 'BANNED'
end
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if not is_marked then
    call('UNLINK', bans)
end
call('ZADD', bans, now + ms, uid)
if not is_marked then
    call('HSET', record, 'bans', '1')
end
-- Only a few at a time. That they stay is no failure.
local over = redis.pcall('ZRANGEBYSCORE', bans, '-inf', now, 'LIMIT', 0, 100)
if #over > 0 then
    redis.pcall('ZREM', bans, unpack(over))
end
return 'BANNED'
