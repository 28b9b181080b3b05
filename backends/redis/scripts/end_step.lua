-- One step in the end of a lesson that has too many members for one.
--
--   ARGV  PREFIX LESSON CURSOR COUNT
--
-- Every step closes the lesson, if it has a record, and puts a page of its members out, so that at any moment user records
-- and members agree. When no more than COUNT are left, it puts those out and removes the record too: there the end takes
-- effect. Until then a record stays a record, so the lesson cannot be created again and lose new members to this end.
--
-- Replies MORE or DONE, how many users have left, and the cursor of the next step.
local lesson, cursor, count = ARGV[2], ARGV[3], ARGV[4]
local record, members = RECORD .. lesson, MEMBERS .. lesson

-- A server without memory refuses this write, but the members can leave all the same.
local function close_lesson()
    local status = call('HGET', record, 'course_status')
    if status == '0' or (not status and call('HLEN', record) == 0) then
        return
    end
    local closed = redis.pcall('HSET', record, 'course_status', '0')
    if type(closed) == 'table' and not closed.err:find('OOM', 1, true) then
        error(closed.err, 0)
    end
end

if call('SCARD', members) <= tonumber(count) then
    call('HLEN', record) -- of a wrong type? Then nothing is changed.
    local left = put_out(call('SMEMBERS', members), lesson)
    call('UNLINK', record, members)
    return {'DONE', left, '0'}
end
close_lesson()
local page = call('SSCAN', members, cursor, 'COUNT', count)
local uids = page[2]
local left = put_out(uids, lesson)
for first = 1, #uids, 1000 do
    call('SREM', members, unpack(uids, first, math.min(first + 999, #uids)))
end
return {'MORE', left, page[1]}
