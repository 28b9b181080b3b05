--: create(lesson)
--: reset(lesson)
--: create_with(lesson, is_reset, course, course_status, chat_status, capacity)
--
-- Writes the record of a new lesson: O. If a record exists, all but a reset answer E. What a reset is not given stays
-- in the record, except for the statuses.
local record = RECORD .. lesson
local resets = reset or create_with and is_reset ~= ''
local done = not resets and call('HLEN', record) or 0
if done == 0 and create_with then
    local fields = {'lesson_id', lesson, 'course_status', course_status ~= '' and course_status or '3', 'chat_status',
                    chat_status ~= '' and chat_status or '0'}
    if course ~= '' then
        fields[#fields + 1], fields[#fields + 2] = 'course_id', course
    end
    if capacity ~= '' then
        fields[#fields + 1], fields[#fields + 2] = 'capacity', capacity
    end
    done = call('HSET', record, unpack(fields))
elseif done == 0 then
    done = call('HSET', record, 'lesson_id', lesson, 'course_status', '3', 'chat_status', '0')
elseif type(done) ~= 'table' then
    answer = 'E'
    break
end
if type(done) == 'table' then
    problem, key = done, record
    break
end
--@ noted = noted + 1
--@ happened[noted] = 'C0\31' .. lesson .. '\31' .. (course or '') .. '\31' ..
--@     (course_status and course_status ~= '' and course_status or '3') .. '\31' ..
--@     (chat_status and chat_status ~= '' and chat_status or '0') .. '\31' .. (capacity or '')
answer = 'O'
