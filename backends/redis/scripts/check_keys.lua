-- Checks one page of the lesson and user records. Repairs them on request.
--
--   ARGV  PREFIX REPAIR ENDED CURSOR COUNT
--
-- Replies the next cursor. A lesson can have many members, so check_members.lua checks those. A lesson that has members
-- is replied as a finding of the kind -1.
-- include check_common.lua
local TO_BE_CHECKED = -1
local BANS = prefix .. ':BANS:LESSON_ID:'

-- include capacity.lua

local function check_lesson(key, lesson)
    local found = read('HMGET', key, 'lesson_id', 'course_status', 'chat_status', 'course_id', 'capacity', 'bans')
    if not is_id(lesson) then
        return report(MALFORMED, false, false, false, 'the key ' .. shown(key) .. ' names no valid lesson_id')
    elseif not found then
        return report(MALFORMED, lesson, false, false, 'the lesson record is not a hash')
    end
    if found[1] and found[1] ~= lesson then
        report(MALFORMED, lesson, false, false, 'the lesson record holds the lesson_id ' .. shown(found[1]))
    end
    if found[2] and not found[2]:find('^[0-3]$') then
        report(MALFORMED, lesson, false, false, 'the course_status is ' .. shown(found[2]))
    end
    if found[3] and not found[3]:find('^[01]$') then
        report(MALFORMED, lesson, false, false, 'the chat_status is ' .. shown(found[3]))
    end
    if found[4] and not is_id(found[4]) then
        report(MALFORMED, lesson, false, false, 'the course_id is ' .. shown(found[4]))
    end
    if found[5] and not capacity_of(found[5]) then
        report(MALFORMED, lesson, false, false, 'the capacity is ' .. shown(found[5]))
    end
    if found[6] and read('ZSCORE', BANS .. lesson, lesson) == nil then
        report(MALFORMED, lesson, false, false, 'the bans are not a sorted set')
    end
    local missing = {}
    for i, field in ipairs({'lesson_id', 'course_status', 'chat_status'}) do
        if not found[i] then
            missing[#missing + 1] = field
            correct('HSET', key, field, ({lesson, '3', '0'})[i])
        end
    end
--@     if repair and #missing > 0 then
--@         note('S3\31' .. lesson .. '\31\31' .. ((found[2] or '3'):match('^[0-3]$') or '') ..
--@             '\31' .. ((found[3] or '0'):match('^[01]$') or ''))
--@     end
    if #missing > 0 then
        report(INCOMPLETE_LESSON, lesson, false, true, 'the lesson record lacks ' .. table.concat(missing, ', '))
    end
end

-- Two writes: the first is undone if the second fails.
local function take_out(key, members, uid)
    local had_written = has_written
    correct('SREM', members, uid)
    local done = repair and redis.pcall('DEL', key)
    if type(done) == 'table' then
        fail(done, type(redis.pcall('SADD', members, uid)) == 'table' or had_written)
    end
--@     if repair then
--@         note('Q3\31' .. after(MEMBERS, members) .. '\31' .. uid)
--@     end
end

-- Checks that the user is where the record states. A key of a wrong type is reported on its own, and no other finding
-- follows from it.
local function check_whereabouts(key, uid, found, session)
    local lesson = found[2]
    local members = MEMBERS .. lesson
    local is_member = read('SISMEMBER', members, uid)
    if is_member and ended and read('HLEN', RECORD .. lesson) == 0 then
        take_out(key, members, uid)
        report(ENDED_LESSON, lesson, uid, true, 'the lesson has no record')
    elseif is_member == 0 then
        correct('SADD', members, uid)
--@         if repair then
--@             local function part(text) return text and is_id(text) and text or '' end
--@             note('J3\31' .. lesson .. '\31' .. uid .. '\31' .. part(found[1]) .. '\31' .. lesson .. '\31' ..
--@                 part(session) .. '\31' .. part(found[4] == lesson and found[6]))
--@         end
        report(MISSING_MEMBER, lesson, uid, true, 'the user record names the lesson')
    end
end

local function check_user(key, uid)
    local found = read('HMGET', key, 'course_id', 'lesson_id', 'session', 'session_lesson_id', 'uid', 'owner')
    if not is_id(uid) then
        return report(MALFORMED, false, false, false, 'the key ' .. shown(key) .. ' names no valid uid')
    elseif not found then
        return report(MALFORMED, false, uid, false, 'the user record is not a hash')
    end
    local course, lesson, stored_uid = found[1], found[2], found[5]
    if not lesson then
        correct('DEL', key)
        return report(INCOMPLETE_USER, false, uid, true, 'the user record names no lesson')
    elseif not is_id(lesson) then
        return report(MALFORMED, false, uid, false, 'the user record holds the lesson_id ' .. shown(lesson))
    end
    if not stored_uid then
        correct('HSET', key, 'uid', uid)
        report(INCOMPLETE_USER, lesson, uid, true, 'the user record lacks the uid')
    elseif stored_uid ~= uid then
        report(MALFORMED, lesson, uid, false, 'the user record holds the uid ' .. shown(stored_uid))
    end
    if not course then
        report(INCOMPLETE_USER, lesson, uid, false, 'the user record names no course')
    elseif not is_id(course) then
        report(MALFORMED, lesson, uid, false, 'the user record holds the course_id ' .. shown(course))
    end
    -- include session.lua
    if found[6] and found[6] ~= '' and not is_id(found[6]) then
        report(MALFORMED, lesson, uid, false, 'the user record holds the owner ' .. shown(found[6]))
    end
    if session and not is_id(session) then
        report(MALFORMED, lesson, uid, false, 'the user record holds the session ' .. shown(session))
    end
    check_whereabouts(key, uid, found, session)
end

local function check_members_key(key, lesson)
    if not is_id(lesson) then
        report(MALFORMED, false, false, false, 'the key ' .. shown(key) .. ' names no valid lesson_id')
    elseif not read('SCARD', key) then
        report(MALFORMED, lesson, false, false, 'the members are not a set')
    else
        report(TO_BE_CHECKED, lesson, false, false, '')
    end
end

-- Bans of a record that has none were left behind by a program that knows none.
local function check_bans_key(key, lesson)
    if not is_id(lesson) then
        report(MALFORMED, false, false, false, 'the key ' .. shown(key) .. ' names no valid lesson_id')
    elseif read('HGET', RECORD .. lesson, 'bans') == false then
        correct('UNLINK', key)
        report(STALE_BANS, lesson, false, true, 'the lesson that they were of has ended')
    end
end

-- The keys of which there is one each: what they are, and the command that reads them.
local HELPERS = {
    OWNERS = {'a sorted set', 'ZSCORE', ''},
    LEASES = {'a hash', 'HGETALL'},
    SWEEPS = {'a hash', 'HGETALL'},
    EVENTS = {'a stream', 'XLEN'},
    FEED = {'a string', 'GET'},
}

local function check_helper(key, name)
    local helper = HELPERS[name]
    local found = read(helper[2], key, unpack(helper, 3))
    if found == nil then
        return report(MALFORMED, false, false, false, 'the key ' .. shown(key) .. ' is not ' .. helper[1])
    end
    local numbers = type(found) == 'table' and found or name == 'FEED' and {'', found} or {}
    for i = 2, #numbers, 2 do
        if not numbers[i]:find('^%d+$') then
            report(MALFORMED, false, false, false, 'the key ' .. shown(key) .. ' holds ' .. shown(numbers[i]))
        end
    end
end

local cursor, keys = scan(argv[4], ':', argv[5])
reply[1] = cursor
for _, key in ipairs(keys) do
    local uid, lesson, of_members = after(USER, key), after(RECORD, key), after(MEMBERS, key)
    local of_bans, helper = after(BANS, key), after(prefix .. ':', key)
    if uid then
        check_user(key, uid)
    elseif lesson then
        check_lesson(key, lesson)
    elseif of_members then
        check_members_key(key, of_members)
    elseif of_bans then
        check_bans_key(key, of_bans)
    elseif HELPERS[helper] then
        check_helper(key, helper)
    end
end
return reply
