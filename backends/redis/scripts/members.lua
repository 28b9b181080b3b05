-- The members of a lesson, or their number if it exceeds MOST. A script that returns many members costs twice as much
-- as SMEMBERS.
--
--   ARGV  PREFIX LESSON MOST
-- include keys.lua
local members = MEMBERS .. argv[2]
local count = redis.call('SCARD', members)
return count > tonumber(argv[3]) and count or redis.call('SMEMBERS', members)
