-- The keys: the only place for all scripts; keys.h has them for C. ARGV[1] is the prefix of all keys.
--
--   USER .. uid         hash  uid, course_id, lesson_id; with a session or an owner also session_lesson_id, and session
--                             or owner and joined_ms
--   RECORD .. lesson    hash  lesson_id, course_status, chat_status; if create was given them also course_id, capacity;
--                             while it is being ended also ending; once a user was banned also bans
--   MEMBERS .. lesson   set   uids
--   prefix .. ':BANS:LESSON_ID:' .. lesson
--                       zset  users who are banned from the lesson, by the time (ms) when the ban runs out. Only if its
--                             record has the field bans: others remove a record without its bans
--   prefix .. ':OWNERS' zset  owners, by the time (ms) when the lease runs out; below 0: the owner is over, and this
--                             is the mark of the life that has ended
--   prefix .. ':LEASES' hash  their leases in ms
--   prefix .. ':SWEEPS' hash  latest: the time of the latest sweep; a magnitude: when the latest such gap ended
--   prefix .. ':EVENTS' stream  the events, if the feed is on: the field `e` for each
--   prefix .. ':FEED'   string  how many entries of the stream are kept
local argv = ARGV
local prefix = argv[1]
local USER = prefix .. ':IN_LESSON:UID:'
local RECORD = prefix .. ':LESSON_STATUS:LESSON_ID:'
local MEMBERS = prefix .. ':LESSON_USER:LESSON_ID:'
