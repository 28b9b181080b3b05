-- One step in the end of a lesson that has too many members for a single step.
--
--   ARGV  PREFIX LESSON CURSOR COUNT MARK FOUND
--
-- Every step closes the lesson, if it has a record, and removes a page of its members. So user records and members
-- agree at any moment. When no more than COUNT members are left, the step removes these and the record too: that is
-- when the end takes effect. Until then the record exists, so the lesson cannot be created again and lose new members
-- to this end.
--
-- While a lesson is being ended, its record carries a mark in the field `ending`: MARK, or the mark of an end that
-- began before. FOUND is the mark that the previous step replied. If the record no longer carries it, another end was
-- faster, and the record now belongs to a new lesson of the same name. If there is no record at all, the lesson was not
-- created again: only the record was removed, and this end still removes the members.
--
-- Replies MORE, DONE or GONE, the number of users who left, the cursor of the next step, and the mark ('' for none).
-- include common.lua
-- include put_out.lua
local lesson, cursor, count, found = argv[2], argv[3], argv[4], argv[6]
local record, members = RECORD .. lesson, MEMBERS .. lesson

local function put_out_or_fail(uids)
    local left = put_out(uids, lesson)
    return type(left) == 'table' and error(left.err, 0) or left
end

-- Returns the mark, or the previous step's mark if there is no record any more. A server without memory refuses these
-- writes, but members can still leave.
local function close_lesson()
    local now = call('HMGET', record, 'course_status', 'ending')
    local status, mark = now[1], now[2]
    if (status == '0' and mark) or (not status and not mark and call('HLEN', record) == 0) then
        return mark or found
    end
    mark = mark or argv[5]
    local closed = redis.pcall('HSET', record, 'course_status', '0', 'ending', mark)
    if type(closed) ~= 'table' then
        return mark
    elseif not closed.err:find('OOM', 1, true) then
        error(closed.err, 0)
    end
    return now[2] or ''
end

if found ~= '' and call('HGET', record, 'ending') ~= found and call('HLEN', record) > 0 then
    return {'GONE', 0, '0', ''}
end
if call('SCARD', members) <= tonumber(count) then
    call('HLEN', record) -- fails for a key of a wrong type, before anything is changed
    local left = put_out_or_fail(call('SMEMBERS', members))
    call('UNLINK', record, members)
    return {'DONE', left, '0', ''}
end
local mark = close_lesson()
local page = call('SSCAN', members, cursor, 'COUNT', count)
local uids = page[2]
local left = put_out_or_fail(uids)
for first = 1, #uids, 1000 do
    call('SREM', members, unpack(uids, first, math.min(first + 999, #uids)))
end
return {'MORE', left, page[1], mark}
