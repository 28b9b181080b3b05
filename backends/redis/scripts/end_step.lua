-- One step in the end of a lesson that has too many members for one.
--
--   ARGV  PREFIX LESSON CURSOR COUNT MARK FOUND
--
-- Every step closes the lesson, if it has a record, and puts a page of its members out, so that at any moment user records
-- and members agree. When no more than COUNT are left, it puts those out and removes the record too: there the end takes
-- effect. Until then a record stays a record, so the lesson cannot be created again and lose new members to this end.
--
-- The record carries a mark while it is being ended, in a field `ending`: MARK, or that of an end which was there before.
-- FOUND is what the step before replied of it. If the record carries it no longer, another end was faster, and what is there
-- now is another lesson of the same name. Without any record the lesson has not been created again: somebody has removed
-- just the record, and the members are still this end's to put out.
--
-- Replies MORE, DONE or GONE, how many users have left, the cursor of the next step, and the mark ('' where there is none).
-- include common.lua
-- include put_out.lua
local lesson, cursor, count, found = argv[2], argv[3], argv[4], argv[6]
local record, members = RECORD .. lesson, MEMBERS .. lesson

local function put_out_or_fail(uids)
    local left = put_out(uids, lesson)
    return type(left) == 'table' and error(left.err, 0) or left
end

-- Returns the mark, or that of the step before where there is no record any more. A server without memory refuses these
-- writes, but the members can leave all the same.
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
    call('HLEN', record) -- of a wrong type? Then nothing is changed.
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
