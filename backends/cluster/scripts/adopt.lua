-- The beginning of every script of a user: reads where the user is, and the version, and adopts what others wrote.
--
--   KEYS  the user record, its helper
--
-- The helper is a hash: v the version, o the id of the operation that was committed last, l the lesson that these
-- scripts saw or wrote last ('' for none). A lesson that others wrote counts as an operation of its own. A record that is gone does
-- not, because nothing can have been added to a lesson for it.
--
-- Versions are microseconds when the helper is made, and count operations from then on. So a helper that is lost and
-- made again begins with a higher version. `o` is different each time: with one word for all, a request that was sent again
-- could be taken for one that was not applied.
local call = redis.call
local record, helper = KEYS[1], KEYS[2]
local function digits(number)
    return ('%.0f'):format(number)
end
local found = call('HMGET', record, 'lesson_id', 'course_id', 'session', 'session_lesson_id', 'owner', 'joined_ms')
local lesson = found[1] or ''
local kept = call('HMGET', helper, 'v', 'o', 'l')
local version, last, seen = tonumber(kept[1] or ''), kept[2] or '', kept[3] or ''
local is_changed = false
if not version then
    local time = call('TIME')
    version = time[1] * 1000000 + time[2]
    last, seen, is_changed = '-' .. digits(version), lesson, true
elseif lesson ~= seen then
    if lesson ~= '' then
        version = version + 1
        last = 'other' .. digits(version)
    end
    seen, is_changed = lesson, true
end
