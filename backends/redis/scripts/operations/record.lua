-- After `found` was read from the record of a lesson, course_status and chat_status first: `size` is 0 if there is no
-- record.
local size = found.err and found or found[1] or found[2] or call('HLEN', record)
if type(size) == 'table' then
    problem, key = size, record
    break
end
