-- Checks some members of a lesson. The caller has got them from SSCAN, so that a step is short also where the server
-- keeps the set in one piece.
--
--   ARGV  PREFIX REPAIR ENDED LESSON UID...
--
-- Replies how many it has checked.
-- include check_common.lua
-- include check_member.lua
for at = 5, #argv do
    check_member(argv[4], argv[at], false)
end
reply[1] = #argv - 4
return reply
