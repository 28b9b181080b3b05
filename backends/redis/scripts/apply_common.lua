-- What the scripts that apply operations share; the build puts it before each of them.
--
-- An operation that fails changes nothing, and the others go on. So they are called protected, and in each the first
-- call on every key that can have a wrong type comes before the first write that a failure would leave alone. A server
-- without memory, or one that may only be read, refuses a script's first write and no later one.
--
-- The keys are computed and not declared: the lesson that a user leaves is only known inside. On a single server,
-- and the backend opens no other, a script may touch any key.
--
-- Speed: a join in a batch costs the server some 4 us, most of it in looking up keys. Beside that an argument costs
-- 0.15 us, a list as a reply to call() 0.5 us, and a function, made anew in every run, 0.07 us.
local call, prefix = redis.call, ARGV[1]
local touched, beside -- the keys of the latest call that can meet a wrong type
local reply, size = {}, 0

-- Puts a user among the members of a lesson, and out of those of the old one.
local function enter(uid, lesson, old_lesson)
    local members = prefix .. ':LESSON_USER:LESSON_ID:' .. lesson
    touched = members
    if not old_lesson or old_lesson == lesson then
        call('SADD', members, uid)
        return
    end
    beside = prefix .. ':LESSON_USER:LESSON_ID:' .. old_lesson
    if call('SMOVE', beside, members, uid) == 0 then
        beside = false
        call('SADD', members, uid)
    end
end

-- Answers FAILURE, the server's error, and the key or two keys that it was about.
local function answer_failure(problem)
    -- Redis 6 raises a string, for some errors with the place in the script before it; Redis 7 raises a table.
    problem = type(problem) == 'table' and problem.err or problem
    problem = problem:gsub('^@?user_script:%s*%d+:%s*', ''):gsub('^%-', '')
    reply[size + 1], reply[size + 2], reply[size + 3], reply[size + 4] = 'FAILURE', problem, touched, beside
    size = size + 4
end

