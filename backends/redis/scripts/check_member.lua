-- Checks one member of a lesson. Removes a ghost on request. The record is read in the same step, so a true member is
-- never removed. `is_sure` says that the uid is among the members in this step.
local function check_member(lesson, uid, is_sure)
    local named = read('HGET', USER .. uid, 'lesson_id')
    if not is_id(uid) then
        report(MALFORMED, lesson, false, false, 'the members hold the uid ' .. shown(uid))
    elseif named ~= nil and named ~= lesson and (is_sure or read('SISMEMBER', MEMBERS .. lesson, uid) == 1) then
        correct('SREM', MEMBERS .. lesson, uid)
--@         if repair then
--@             note('Q3\31' .. lesson .. '\31' .. uid)
--@         end
        report(GHOST_MEMBER, lesson, uid, true,
               named and 'the user record names the lesson ' .. shown(named) or 'no user record names a lesson')
    end
end

