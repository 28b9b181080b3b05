--: join(uid, course, lesson)
--: join_from(uid, course, lesson)
--: join_for(uid, course, lesson, owner)
--: admit(uid, course, lesson, session, if_exists, if_open, stay)
--: admit_if(uid, course, lesson, session, if_exists, if_open, stay, if_open_or_member, if_room, if_session, owner, unless_banned, or_nowhere)
--
-- The user joins the lesson and leaves the one that the record names: N (new), M (moved) or A (already there).
-- All but `join` and `join_for` also answer the previous place. Flags are '1' or ''. If one of them refuses the join, the answer is e,
-- b, o, m, r or s, the course_status of the lesson, and the place of the user; instead of the status, r has the number of
-- members, or nothing if the capacity is no number. h and the place: the owner holds no lease. C and the place: the
-- user's session is not `if_session`, or the user is in no lesson and or_nowhere is not given.
local user = USER .. uid
local old_lesson, found
if join_for then
    session = ''
end
if join or join_for then
    old_lesson = call('HGET', user, 'lesson_id')
    if type(old_lesson) == 'table' then
        problem, key = old_lesson, user
        break
    end
else
    -- include operations/found.lua
    old_lesson = found[2]
end

-- Nobody can end an owner while this script runs, so each is looked up once.
if join_for then
    if owner ~= holder then
        local owners = prefix .. ':OWNERS'
        local until_ms = call('ZSCORE', owners, owner)
        if type(until_ms) == 'table' then
            problem, key = until_ms, owners
            break
        elseif not until_ms or tonumber(until_ms) < 0 then
            answer = 'h'
            break
        end
        holder = owner
    end
end

if admit_if then
    if if_session ~= '' and (old_lesson and (found[3] ~= if_session or found[4] ~= old_lesson) or
                             not old_lesson and or_nowhere == '') then
        answer = 'C'
        -- include operations/place.lua
        break
    end
end

if admit or admit_if then
    local status, refusal, count = false, false, false
    if if_exists ~= '' or if_open ~= '' or
        (admit_if and (if_open_or_member ~= '' or if_room ~= '' or unless_banned ~= '')) then
        local record = RECORD .. lesson
        status = call('HGET', record, 'course_status')
        local size = status or call('HLEN', record)
        local is_open, is_member = status == '1' or status == '3', old_lesson == lesson
        if type(size) == 'table' then
            problem, key = size, record
            break
        end
        local is_banned = false
        if admit_if and unless_banned ~= '' and size ~= 0 then
            -- include banned.lua
        end
        if if_exists ~= '' and size == 0 then
            refusal = 'e'
        elseif is_banned then
            refusal = 'b'
        elseif if_open ~= '' and not is_open then
            refusal = 'o'
        elseif admit_if and if_open_or_member ~= '' and not is_open and not (is_member and size ~= 0) then
            refusal = 'm'
        elseif admit_if and if_room ~= '' and not is_member then
            -- include capacity.lua
            local capacity = size ~= 0 and call('HGET', record, 'capacity')
            count = capacity and capacity ~= '0' and call('SCARD', MEMBERS .. lesson)
            if type(count) == 'table' then
                problem, key = count, MEMBERS .. lesson
                break
            end
            local most = count and capacity_of(capacity)
            refusal = count and (not most or count >= most) and 'r'
            count = most and count or ''
        end
    end
    if not refusal and stay ~= '' and old_lesson and old_lesson ~= lesson then
        refusal = 's'
    elseif not refusal and admit_if and owner ~= '' then
        local owners = prefix .. ':OWNERS'
        local until_ms = call('ZSCORE', owners, owner)
        if type(until_ms) == 'table' then
            problem, key = until_ms, owners
            break
        end
        refusal = (not until_ms or tonumber(until_ms) < 0) and 'h'
    end
    if refusal then
        answer = refusal .. (refusal == 'r' and count or status and '=' .. status:gsub('\31', '?') or '') .. '\31'
        -- include operations/place.lua
        break
    end
end

local has_owner, has_session = join_for, false
if admit or admit_if then
    has_session = session ~= ''
end
if admit_if then
    has_owner = owner ~= ''
end
if join_for or admit_if then
    if has_owner then
        -- include operations/now.lua
    end
end

local members, beside, done = MEMBERS .. lesson, false, 0
if old_lesson and old_lesson ~= lesson then
    beside = MEMBERS .. old_lesson
    if KEYS_ARE_APART then
        done = call('SCARD', members)
        if type(done) ~= 'table' then
            done = call('SREM', beside, uid)
        end
        local added = done == 1 and call('SADD', members, uid)
        if type(added) == 'table' then
            problem, key, other, partly = added, members, beside, type(call('SADD', beside, uid)) == 'table'
            break
        end
    else
        done = call('SMOVE', beside, members, uid)
    end
end
if done == 0 then
    beside = false
    done = call('SADD', members, uid)
end
if done ~= 1 and type(done) == 'table' then
    problem, key, other = done, members, beside
    break
end

local written
if join then
    if old_lesson then
        written = call('HSET', user, 'course_id', course, 'lesson_id', lesson)
    else
        written = call('HSET', user, 'uid', uid, 'course_id', course, 'lesson_id', lesson)
    end
elseif has_owner and has_session then
    written = call('HSET', user, 'uid', uid, 'course_id', course, 'lesson_id', lesson, 'session', session,
                   'session_lesson_id', lesson, 'owner', owner, 'joined_ms', now)
elseif has_owner then
    written = call('HSET', user, 'uid', uid, 'course_id', course, 'lesson_id', lesson, 'session_lesson_id', lesson,
                   'owner', owner, 'joined_ms', now)
elseif has_session then
    written = call('HSET', user, 'uid', uid, 'course_id', course, 'lesson_id', lesson, 'session', session,
                   'session_lesson_id', lesson)
else
    written = call('HSET', user, 'uid', uid, 'course_id', course, 'lesson_id', lesson)
end
if written ~= 0 and type(written) == 'table' then
    local undone
    if KEYS_ARE_APART then
        undone = done == 1 and call('SREM', members, uid)
        undone = type(undone) == 'table' and undone or done == 1 and beside and call('SADD', beside, uid)
    else
        undone = done == 1 and (beside and call('SMOVE', members, beside, uid) or call('SREM', members, uid))
    end
    problem, key, partly = written, user, type(undone) == 'table'
    break
end

-- Removes the remains of a session and of an owner, and adds a missing uid to the record. `join` detects them by the
-- number of fields, which costs the server 0.15 us. Reading more fields would cost 0.2 us. Writing the uid each time
-- would cost 0.1 us.
local remains
if join then
    remains = call('HLEN', user) ~= 3
elseif join_for and call('HLEN', user) == 6 then
    remains = false
elseif not has_owner and not has_session then
    remains = found[3] or found[4] or found[5]
elseif join_for or found[3] and not has_session or found[5] and not has_owner then
    done = has_owner and call('HDEL', user, 'session') or call('HDEL', user, 'owner', 'joined_ms')
    if type(done) == 'table' then -- as without the right to HDEL
        done = call('HSET', user, has_owner and 'session' or 'owner', '')
    end
    if type(done) == 'table' then
        problem, key, partly = done, user, true
        break
    end
end
if remains then
    done = call('HSET', user, 'uid', uid)
    -- Without the right to HDEL, they are made those of no lesson: see session.lua.
    if type(done) ~= 'table' and type(call('HDEL', user, 'session', 'session_lesson_id', 'owner', 'joined_ms')) == 'table' then
        done = call('HSET', user, 'session_lesson_id', '')
    end
    if type(done) == 'table' then
        problem, key, partly = done, user, true
        break
    end
end

--@ noted = noted + 1
--@ happened[noted] = 'J0\31' .. lesson .. '\31' .. uid .. '\31' .. course .. '\31' ..
--@     (old_lesson and not old_lesson:find('\31', 1, true) and old_lesson or '')
--@ if has_owner or has_session then
--@     happened[noted] = happened[noted] .. '\31' .. session .. '\31' .. (owner or '')
--@ end
answer = not old_lesson and 'N' or old_lesson == lesson and 'A' or 'M'
if not join and not join_for then
    if old_lesson then
        -- include operations/place.lua
    end
end
