-- The members of a lesson, or how many there are if they are more than MOST: handing many through a script would cost twice
-- what SMEMBERS does.
--
--   ARGV  PREFIX LESSON MOST
-- include keys.lua
local members = MEMBERS .. argv[2]
local count = redis.call('SCARD', members)
return count > tonumber(argv[3]) and count or redis.call('SMEMBERS', members)
