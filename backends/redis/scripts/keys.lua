-- The keys: the only place for all scripts; keys.h has them for C. ARGV[1] is the prefix of all keys.
--
--   USER .. uid         hash  uid, course_id, lesson_id; with a session also session, session_lesson_id
--   RECORD .. lesson    hash  lesson_id, course_status, chat_status; while it is being ended also ending
--   MEMBERS .. lesson   set   uids
local argv = ARGV
local prefix = argv[1]
local USER = prefix .. ':IN_LESSON:UID:'
local RECORD = prefix .. ':LESSON_STATUS:LESSON_ID:'
local MEMBERS = prefix .. ':LESSON_USER:LESSON_ID:'
