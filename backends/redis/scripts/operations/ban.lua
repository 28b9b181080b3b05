--: ban(uid, lesson, ban_ms)
--: kick(uid, lesson, ban_ms)
--
-- Bans the user from the lesson for `ban_ms` from now, or for 0 lifts the ban: O. `kick` also takes a member of the
-- lesson out: K and the place left. X if the lesson has no record.
local record, bans = RECORD .. lesson, prefix .. ':BANS:LESSON_ID:' .. lesson
local marked = call('HGET', record, 'bans')
local size = marked or call('HLEN', record)
if type(size) == 'table' then
    problem, key = size, record
    break
elseif size == 0 then
    answer = 'X'
    break
end
local had = call('ZSCORE', bans, uid)
if type(had) == 'table' then
    problem, key = had, bans
    break
end
-- include operations/now.lua

local user, members = USER .. uid, MEMBERS .. lesson
local found, leaves, is_member
if kick then
    -- include operations/found.lua
    leaves = found[2] == lesson
    is_member = leaves and call('SISMEMBER', members, uid)
    if type(is_member) == 'table' then
        problem, key = is_member, members
        break
    end
end

-- Makes a change, unless one before it has failed. If it fails, those before it are undone.
local undoing = {}
local function change(undo, ...)
    local done = not problem and call(...)
    if type(done) == 'table' then
        problem, key = done, select(2, ...)
        for i = #undoing, 1, -1 do
            partly = type(undoing[i]()) == 'table' or partly
        end
    elseif done and undo then
        undoing[#undoing + 1] = undo
    end
end

-- Bans that are not marked are those of a lesson that has ended. They count for nothing, so nothing brings them back.
if not marked and ban_ms ~= '0' then
    had = false
    change(nil, 'UNLINK', bans)
    change(function() return call('HDEL', record, 'bans') end, 'HSET', record, 'bans', '1')
end
if is_member == 1 then
    change(function() return call('SADD', members, uid) end, 'SREM', members, uid)
end
local function restore()
    return had and call('ZADD', bans, had, uid) or call('ZREM', bans, uid)
end
if ban_ms ~= '0' then
    change(restore, 'ZADD', bans, now + ban_ms, uid)
elseif marked and had then
    change(restore, 'ZREM', bans, uid)
end
if leaves then
    change(nil, 'DEL', user)
end
if problem then
    break
end

-- Only a few at a time. That they stay is no failure.
local over = marked and ban_ms ~= '0' and call('ZRANGEBYSCORE', bans, '-inf', now, 'LIMIT', 0, 100) or {}
if #over > 0 then
    call('ZREM', bans, unpack(over))
end
--@ if leaves then
--@     noted = noted + 1
--@     happened[noted] = 'Q4\31' .. lesson .. '\31' .. uid
--@ end
answer = leaves and 'K' or 'O'
if leaves then
    -- include operations/place.lua
end
