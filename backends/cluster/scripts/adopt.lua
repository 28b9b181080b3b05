-- The beginning of every script of a user: reads where the user is, and the version, and adopts what others wrote.
--
--   KEYS  the user record, its helper
--
-- The helper is a hash: v the version, o the id of the operation that was committed last, l the lesson that these
-- scripts saw or wrote last ('' for none). A lesson that others wrote counts as an operation of its own. A record that is
-- gone does not, because nothing can have been added to a lesson for it.
--
-- Versions are microseconds when the helper is made, and count operations from then on. So a helper that is lost and
-- made again begins with a higher version. They are texts here, because Lua would write large numbers with an exponent.
-- `o` is different each time: with one word for all, a request that was sent again could be taken for one that was not
-- applied.
local call = redis.call
local record, helper = KEYS[1], KEYS[2]
local lesson = call('HGET', record, 'lesson_id') or ''
local kept = call('HMGET', helper, 'v', 'o', 'l')
local version, last, is_changed = kept[1], kept[2], false
if not version then
    local time = call('TIME')
    version = ('%.0f'):format(time[1] * 1000000 + time[2])
    last, is_changed = '-' .. version, true
elseif lesson ~= kept[3] then
    if lesson ~= '' then
        version = ('%.0f'):format(version + 1)
        last = 'other' .. version
    end
    is_changed = true
end
