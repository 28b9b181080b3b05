-- Removes a lesson record and its bans.
--
--   KEYS  the lesson record, its bans
--
-- Replies 1, or 0 if there was no record. Bans without a record do not count, so it is no failure that they stay.
local count = redis.call('UNLINK', KEYS[1])
redis.pcall('UNLINK', KEYS[2])
return count
