--: create(lesson)
--: reset(lesson)
--
-- Writes the record of a new lesson: O. `create` answers E if a record exists.
local record = RECORD .. lesson
local done = create and call('HLEN', record) or 0
if done == 0 then
    done = call('HSET', record, 'lesson_id', lesson, 'course_status', '3', 'chat_status', '0')
elseif type(done) ~= 'table' then
    answer = 'E'
    break
end
if type(done) == 'table' then
    problem, key = done, record
    break
end
answer = 'O'
