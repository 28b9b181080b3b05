-- Applies a batch of joins in order, each atomically, that have neither flags nor a session and of which only the arrival
-- is asked: what most single calls and most batches hold, and what has to be quick.
--
--   ARGV  PREFIX, then for each join UID COURSE LESSON
--
-- Replies for each NEW, MOVED or ALREADY_THERE; or what apply.lua replies for an operation that failed, and by the same
-- rules: nothing was changed, and the others go on. A single join is answered by the word itself.
--
-- Speed: a join costs the server some 4 us, most of it in looking up keys. An argument costs 0.15 us, so the uid of a record
-- that has one is not written again. A function, made anew in every run, would cost 0.3 us of a single call, a list as the
-- reply to a command 0.5 us, and as the reply of the script 0.8 us.
-- include keys.lua
local call, reply, size = redis.pcall, {}, 0

for at = 2, #ARGV, 3 do
    local uid, lesson = ARGV[at], ARGV[at + 2]
    local user = USER .. uid
    local key, beside = user, false
    local old = call('HGET', user, 'lesson_id')
    local done = old
    if type(old) ~= 'table' then
        key = MEMBERS .. lesson
        if old and old ~= lesson then
            beside = MEMBERS .. old
            done = call('SMOVE', beside, key, uid)
        end
        if not beside or done == 0 then
            beside = false
            done = call('SADD', key, uid)
        end
        if type(done) ~= 'table' then
            key, beside = user, false
            if old then
                done = call('HSET', user, 'course_id', ARGV[at + 1], 'lesson_id', lesson)
            else
                done = call('HSET', user, 'uid', uid, 'course_id', ARGV[at + 1], 'lesson_id', lesson)
            end
            -- Not just the three fields: a session, what remains of one, or a record without its uid.
            if type(done) ~= 'table' and call('HLEN', user) ~= 3 then
                done = call('HSET', user, 'uid', uid)
                if type(done) ~= 'table' then
                    done = call('HDEL', user, 'session', 'session_lesson_id')
                end
            end
        end
    end
    size = size + 1
    if type(done) == 'table' then
        reply[size], reply[size + 1], reply[size + 2], reply[size + 3] = 'FAILURE', done.err, key, beside
        size = size + 3
    else
        local word = not old and 'NEW' or old == lesson and 'ALREADY_THERE' or 'MOVED'
        if #ARGV == 4 then
            return word
        end
        reply[size] = word
    end
end
return reply
