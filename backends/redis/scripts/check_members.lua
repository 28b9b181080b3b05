-- Checks one page of the members of one lesson, ARGV[6]. Removes ghosts on request. The record is read in the same
-- step, so a true member is never removed.
-- include check_common.lua
local lesson = argv[6]
local page = read('SSCAN', MEMBERS .. lesson, argv[2], 'COUNT', argv[3]) or {'0', {}}
reply, size = {page[1]}, 1
for _, uid in ipairs(page[2]) do
    local named = read('HGET', USER .. uid, 'lesson_id')
    if not is_id(uid) then
        report(MALFORMED, lesson, false, false, 'the members hold the uid ' .. shown(uid))
    elseif named ~= nil and named ~= lesson then
        correct('SREM', MEMBERS .. lesson, uid)
        report(GHOST_MEMBER, lesson, uid, true,
               named and 'the user record names the lesson ' .. shown(named) or 'no user record names a lesson')
    end
end
return reply
