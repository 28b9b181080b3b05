-- Applies a batch of joins in order, each atomically, that have neither flags nor a session and of which only the arrival
-- is asked: what most batches hold, and what has to be quick. So they are protected together: the loop is entered again
-- behind one that failed.
--
--   ARGV  PREFIX, then for each join UID COURSE LESSON
--
-- Replies for each a word, NEW, MOVED or ALREADY_THERE, or what answer_failure says.
local at, last = 2, #ARGV

local function run()
    while at < last do
        local uid, course, lesson = ARGV[at], ARGV[at + 1], ARGV[at + 2]
        local user = prefix .. ':IN_LESSON:UID:' .. uid
        at = at + 3
        touched, beside = user, false
        local old_lesson = call('HGET', user, 'lesson_id')
        enter(uid, lesson, old_lesson)
        call('HSET', user, 'uid', uid, 'course_id', course, 'lesson_id', lesson)
        -- More than these three: a session, or what remains of one.
        if call('HLEN', user) > 3 then
            call('HDEL', user, 'session', 'session_lesson_id')
        end
        size = size + 1
        reply[size] = not old_lesson and 'NEW' or old_lesson == lesson and 'ALREADY_THERE' or 'MOVED'
    end
end

repeat
    local done, problem = pcall(run)
    if not done then
        answer_failure(problem)
    end
until done
return reply
