-- Adds the user's place to the answer. `found` holds course_id, lesson_id, session and session_lesson_id.
-- include session.lua
answer = answer .. (found[1] or '') .. '\31' .. (found[2] or '') .. '\31' .. (session and '=' .. session or '')
