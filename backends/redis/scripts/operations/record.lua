-- Reads the record of a lesson: `found` holds course_status and chat_status. `size` is 0 if there is no record.
local found = call('HMGET', record, 'course_status', 'chat_status')
local size = found.err and found or found[1] or found[2] or call('HLEN', record)
if type(size) == 'table' then
    problem, key = size, record
    break
end
