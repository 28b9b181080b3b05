-- The session of a user, of whom `found` holds course_id, lesson_id, session and session_lesson_id; false for none. It
-- counts only in the lesson it was given for: a legacy join moves a user and leaves it behind.
local session = found[2] and found[4] == found[2] and found[3]
