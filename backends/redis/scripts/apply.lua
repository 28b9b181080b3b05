-- Applies a batch of operations in order, each atomically; a single call is a batch of one. (Plain joins have a quicker
-- script, move.lua.)
--
--   ARGV[1]    the prefix of all keys
--   ARGV[2..]  the operations, one after the other, each a kind and its arguments, '' for one that is not given:
--                create LESSON | reset LESSON | end LESSON MOST | end_record LESSON | get LESSON | count LESSON
--                set LESSON COURSE_STATUS CHAT_STATUS IF_COURSE_STATUS IF_CHAT_STATUS
--                join UID COURSE LESSON | admit UID COURSE LESSON SESSION IF_EXISTS IF_OPEN STAY (flags: '1' or '')
--                where UID | quit UID LESSON SESSION
--
-- The reply is flat: for each operation a word and what belongs to that word, as stated at each function, or what
-- answer_failure says. What is stored is answered as it is (false where there is nothing); whether it is of a sound shape
-- is judged by the caller, because an unsound value never leads to a change here.
--
-- The end of a lesson with more than MOST members is answered LARGE and not done, and the reply ends there: the caller
-- ends it in steps (end_step.lua), and then sends what comes behind it.
--
-- The keys are computed and not declared: the lesson that a user leaves is only known inside. On a single server,
-- and the backend opens no other, a script may touch any key.
--
-- An operation that fails changes nothing, and the others go on. So each is called protected, and in each the first
-- call on every key that can have a wrong type comes before the first write that a failure would leave alone. A server
-- without memory, or one that may only be read, refuses a script's first write and no later one.
-- include keys.lua
local call, pcall = redis.call, pcall
-- include put_out.lua
local touched, beside -- the keys of the latest call that can meet a wrong type
local reply, size = {}, 0

-- Puts a user among the members of a lesson, and out of those of the old one.
local function enter(uid, lesson, old_lesson)
    local members = MEMBERS .. lesson
    touched = members
    if not old_lesson or old_lesson == lesson then
        call('SADD', members, uid)
        return
    end
    beside = MEMBERS .. old_lesson
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

-- NEW | MOVED or ALREADY_THERE, with COURSE LESSON SESSION of before | the flag that forbids the join, with
-- COURSE_STATUS of the lesson and COURSE LESSON SESSION of the user
local function join(uid, course, lesson, session, if_exists, if_open, stay)
    local user = USER .. uid
    touched = user
    local old = call('HMGET', user, 'course_id', 'lesson_id', 'session', 'session_lesson_id')
    local old_lesson = old[2]
    -- A session counts only in the lesson it was given for: a legacy join moves a user and leaves it behind.
    local old_session = old_lesson and old[4] == old_lesson and old[3]

    if session then
        local status, flag = false, false
        if if_exists ~= '' or if_open ~= '' then
            touched = RECORD .. lesson
            status = call('HGET', touched, 'course_status')
            if if_exists ~= '' and not status and call('HLEN', touched) == 0 then
                flag = 'IF_EXISTS'
            elseif if_open ~= '' and status ~= '1' and status ~= '3' then
                flag = 'IF_OPEN'
            end
        end
        if not flag and stay ~= '' and old_lesson and old_lesson ~= lesson then
            flag = 'STAY'
        end
        if flag then
            return flag, status, old[1], old_lesson, old_session
        end
    end

    enter(uid, lesson, old_lesson)
    if session and session ~= '' then
        call('HSET', user, 'uid', uid, 'course_id', course, 'lesson_id', lesson, 'session', session,
             'session_lesson_id', lesson)
    else
        call('HSET', user, 'uid', uid, 'course_id', course, 'lesson_id', lesson)
        if old[3] or old[4] then
            call('HDEL', user, 'session', 'session_lesson_id')
        end
    end
    if not old_lesson then
        return 'NEW'
    end
    return old_lesson == lesson and 'ALREADY_THERE' or 'MOVED', old[1], old_lesson, old_session
end

-- Quits, or (without fences) only looks. OK or CONFLICT, with COURSE LESSON SESSION | NOT_FOUND
local function leave(uid, if_lesson, if_session)
    touched = USER .. uid
    local user = touched
    local found = call('HMGET', user, 'course_id', 'lesson_id', 'session', 'session_lesson_id')
    local lesson = found[2]
    if not lesson then
        return 'NOT_FOUND'
    end
    local session = found[4] == lesson and found[3]
    if if_lesson then
        if (if_lesson ~= '' and if_lesson ~= lesson) or (if_session ~= '' and if_session ~= session) then
            return 'CONFLICT', found[1], lesson, session
        end
        touched = MEMBERS .. lesson
        call('SREM', touched, uid)
        call('DEL', user)
    end
    return 'OK', found[1], lesson, session
end

-- OK LEFT | NOT_FOUND | LARGE
local function end_lesson(lesson, record, members, most)
    touched = members
    local count = call('SCARD', members)
    touched = record
    if call('HLEN', record) == 0 and count == 0 then
        return 'NOT_FOUND'
    elseif count > tonumber(most) then
        return 'LARGE'
    end
    local left = put_out(call('SMEMBERS', members), lesson)
    call('UNLINK', record, members)
    return 'OK', left
end

-- create, reset: OK | EXISTS          end_record: OK LEFT | NOT_FOUND          count: OK MEMBERS
-- get: OK HAS_RECORD COURSE_STATUS CHAT_STATUS MEMBERS | NOT_FOUND
-- set: OK | NOT_FOUND | CONFLICT COURSE_STATUS CHAT_STATUS
local function lesson_operation(kind, lesson, course_status, chat_status, if_course_status, if_chat_status)
    local record = RECORD .. lesson
    local members = MEMBERS .. lesson
    if kind == 'count' then
        touched = members
        return 'OK', call('SCARD', members)
    elseif kind == 'end' then
        return end_lesson(lesson, record, members, course_status)
    end
    touched = record
    if kind == 'end_record' then
        if call('HLEN', record) == 0 then
            return 'NOT_FOUND'
        end
        call('DEL', record)
        return 'OK', 0
    elseif kind == 'create' or kind == 'reset' then
        if kind == 'create' and call('HLEN', record) > 0 then
            return 'EXISTS'
        end
        call('HSET', record, 'lesson_id', lesson, 'course_status', '3', 'chat_status', '0')
        return 'OK'
    end

    local found = call('HMGET', record, 'course_status', 'chat_status')
    local has_record = (found[1] or found[2] or call('HLEN', record) > 0) and 1 or 0
    if kind == 'get' then
        touched = members
        local count = call('SCARD', members)
        if has_record == 0 and count == 0 then
            return 'NOT_FOUND'
        end
        return 'OK', has_record, found[1], found[2], count
    end
    if has_record == 0 then
        return 'NOT_FOUND'
    end
    if (if_course_status ~= '' and if_course_status ~= found[1]) or
        (if_chat_status ~= '' and if_chat_status ~= found[2]) then
        return 'CONFLICT', found[1], found[2]
    end
    if course_status ~= '' then
        call('HSET', record, 'course_status', course_status)
    end
    if chat_status ~= '' then
        call('HSET', record, 'chat_status', chat_status)
    end
    return 'OK'
end

local at, last = 2, #ARGV
while at <= last do
    local kind = ARGV[at]
    local done, a, b, c, d, e
    beside = false
    if kind == 'join' then
        done, a, b, c, d = pcall(join, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
        at = at + 4
    elseif kind == 'where' then
        done, a, b, c, d = pcall(leave, ARGV[at + 1])
        at = at + 2
    elseif kind == 'quit' then
        done, a, b, c, d = pcall(leave, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
        at = at + 4
    elseif kind == 'admit' then
        done, a, b, c, d, e = pcall(join, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5],
                                    ARGV[at + 6], ARGV[at + 7])
        at = at + 8
    elseif kind == 'set' then
        done, a, b, c = pcall(lesson_operation, kind, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4],
                              ARGV[at + 5])
        at = at + 6
    elseif kind == 'end' then
        done, a, b = pcall(lesson_operation, kind, ARGV[at + 1], ARGV[at + 2])
        at = a == 'LARGE' and last + 1 or at + 3
    else
        done, a, b, c, d, e = pcall(lesson_operation, kind, ARGV[at + 1])
        at = at + 2
    end
    if not done then
        answer_failure(a)
    else
        reply[size + 1], reply[size + 2], reply[size + 3], reply[size + 4], reply[size + 5] = a, b, c, d, e
        size = size + (e ~= nil and 5 or d ~= nil and 4 or c ~= nil and 3 or b ~= nil and 2 or 1)
    end
end
return reply
