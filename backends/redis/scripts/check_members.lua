-- Checks the members of these lessons, one lesson after the other, until it has looked at MOST of them.
--
--   ARGV  PREFIX REPAIR ENDED MOST LESSON...
--
-- Replies how many of the lessons it has checked. 0: the first one has more than MOST members, and is checked by
-- check_uids.lua.
-- include check_common.lua
-- include check_member.lua
local left, checked = tonumber(argv[4]), 0
for at = 5, #argv do
    local lesson = argv[at]
    local count = read('SCARD', MEMBERS .. lesson) or 0 -- a key of a wrong type was reported with its page
    if count > left then
        break
    end
    for _, uid in ipairs(count > 0 and call('SMEMBERS', MEMBERS .. lesson) or {}) do
        check_member(lesson, uid, true)
    end
    left, checked = left - count, checked + 1
end
reply[1] = checked
return reply
