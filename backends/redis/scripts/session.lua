-- The session of a user, false for none. `found` holds course_id, lesson_id, session and session_lesson_id. A session
-- is valid only in the lesson that it was given for: a legacy join moves a user but leaves the old session in the
-- record. The same is true of an owner. '' is what join writes where it has no right to remove the field.
local session = found[2] and found[4] == found[2] and found[3] ~= '' and found[3]
