-- Reads the record of `user`: `found` holds course_id, lesson_id, session, session_lesson_id, owner and joined_ms.
found = call('HMGET', user, 'course_id', 'lesson_id', 'session', 'session_lesson_id', 'owner', 'joined_ms')
if found.err then
    problem, key = found, user
    break
end
