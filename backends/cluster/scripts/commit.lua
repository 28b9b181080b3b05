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
if version == ARGV[2] then
    local uid, course, session, owner = ARGV[6], ARGV[7], ARGV[8], ARGV[9]
    lesson = ARGV[5]
    if lesson == '' then
        call('DEL', record)
    elseif session == '' and owner == '' then
        call('HSET', record, 'uid', uid, 'course_id', course, 'lesson_id', lesson)
        if call('HLEN', record) ~= 3 then
            call('HDEL', record, 'session', 'session_lesson_id', 'owner', 'joined_ms')
        end
    else
        call('HDEL', record, 'session', 'owner', 'joined_ms')
        call('HSET', record, 'uid', uid, 'course_id', course, 'lesson_id', lesson, 'session_lesson_id', lesson)
        if session ~= '' then
            call('HSET', record, 'session', session)
        end
        if owner ~= '' then
            local time = call('TIME')
            call('HSET', record, 'owner', owner, 'joined_ms',
                 ('%d%03d'):format(time[1], math.floor(time[2] / 1000)))
        end
    end
    version = ('%.0f'):format(version + 1)
    last, is_changed, word = ARGV[4], true, 'DONE'
elseif last == ARGV[4] then
    word = 'REPEATED'
elseif last == ARGV[3] then
    word = 'FENCED'
elseif last:sub(1, 1) == '-' then
    word = 'LOST'
end
-- include keep.lua
return {word, lesson, version, before}
