-- Puts a user into a lesson, or into none, if nothing was committed for the user since INSPECT.
--
--   KEYS  the user record, its helper
--   ARGV  the helper's ms to live, VERSION and LAST as INSPECT replied them, OPERATION, LESSON ('' for none), UID, COURSE,
--         SESSION, OWNER ('' for none)
--
-- Replies a word, the lesson now, the version now, and the lesson before. The word is
--   DONE        the user is there now
--   REPEATED    this operation did it before: the request was sent again
--   FENCED      only the version was raised: certainly not applied
--   LOST        the helper was lost and made again: nobody knows whether an earlier copy was applied
--   SUPERSEDED  another operation was committed
-- include adopt.lua
local before, word = lesson, 'SUPERSEDED'
if version == tonumber(ARGV[2]) then
    local session, owner = ARGV[8], ARGV[9]
    if ARGV[5] == '' then
        call('DEL', record)
    else
        local fields = {'uid', ARGV[6], 'course_id', ARGV[7], 'lesson_id', ARGV[5]}
        if session ~= '' or owner ~= '' then
            fields[7], fields[8] = 'session_lesson_id', ARGV[5]
        end
        if session ~= '' then
            fields[#fields + 1], fields[#fields + 2] = 'session', session
        end
        if owner ~= '' then
            local time = call('TIME')
            fields[#fields + 1], fields[#fields + 2] = 'owner', owner
            fields[#fields + 1], fields[#fields + 2] = 'joined_ms', ('%d%03d'):format(time[1], math.floor(time[2] / 1000))
        end
        call('HSET', record, unpack(fields))
        local remains = {}
        if session == '' and found[3] then
            remains[1] = 'session'
        end
        if owner == '' and found[5] then
            remains[#remains + 1] = 'owner'
        end
        if owner == '' and found[6] then
            remains[#remains + 1] = 'joined_ms'
        end
        if session == '' and owner == '' and found[4] then
            remains[#remains + 1] = 'session_lesson_id'
        end
        if #remains > 0 then
            call('HDEL', record, unpack(remains))
        end
    end
    version, last, seen, lesson, is_changed, word = version + 1, ARGV[4], ARGV[5], ARGV[5], true, 'DONE'
elseif last == ARGV[4] then
    word = 'REPEATED'
elseif last == ARGV[3] then
    word = 'FENCED'
elseif last:sub(1, 1) == '-' then
    word = 'LOST'
end
-- include keep.lua
return {word, lesson, digits(version), before}
