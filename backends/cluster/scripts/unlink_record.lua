-- Removes a lesson record and its bans.
--
--   KEYS  the lesson record, its bans
--
-- Replies 1, or 0 if there was no record.
local count = redis.call('UNLINK', KEYS[1])
redis.call('UNLINK', KEYS[2])
return count
