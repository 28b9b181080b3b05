-- One step in the end of a lesson that has too many members for a single step.
--
--   ARGV  PREFIX LESSON AT_ONCE MARK FOUND LAST UID...
--
-- Every step closes the lesson, if it has a record, and takes these members out of it. The caller has got them from
-- SSCAN, so that a step is short also where the server keeps the set in one piece. User records and members agree at
-- any moment. When no more than AT_ONCE members are left, the step removes these and the record too: that is when the
-- end takes effect. Until then the record exists, so the lesson cannot be created again and lose new members to this
-- end. With LAST = '1' the record goes in any case, and users who have joined meanwhile stay.
--
-- While a lesson is being ended, its record carries a mark in the field `ending`: MARK, or the mark of an end that
-- began before. FOUND is the mark that the previous step replied. If the record no longer carries it, another end was
-- faster, and the record now belongs to a new lesson of the same name. If there is no record at all, the lesson was not
-- created again: only the record was removed, and this end still removes the members.
--
-- Replies MORE, DONE or GONE, the number of users who left, the number of members that stay, and the mark ('' for
-- none). Or an error: of the command that failed, after `PARTLY ` if a write before it could not be undone.
-- include common.lua
-- include records_of.lua
-- include unlink.lua
-- include events.lua
local lesson, at_once, mark, found, is_last = argv[2], tonumber(argv[3]), argv[4], argv[5], argv[6] == '1'
local record, members = RECORD .. lesson, MEMBERS .. lesson
local now = call('HMGET', record, 'course_status', 'ending', 'bans')
local has_record = now[1] or now[2] or call('HLEN', record) > 0

if found ~= '' and now[2] ~= found and has_record then
    return {'GONE', 0, 0, ''}
end
local count = call('SCARD', members)
if found == '' then
    call('SMEMBERS', MEMBERS) -- no lesson has this key; asks for a right that else only the last step would miss
end
local bans = now[3] and prefix .. ':BANS:LESSON_ID:' .. lesson or nil
if bans then
    call('ZSCORE', bans, lesson) -- touches it before the first write
end
local uids = count <= at_once and call('SMEMBERS', members) or {unpack(argv, 7)}
local users, left = records_of(uids, lesson)
if not left then
    return users
end

if count <= at_once or is_last then
--@     for i = 1, is_last and count > at_once and left or 0 do
--@         noted = noted + 1
--@         happened[noted] = 'Q1\31' .. lesson .. '\31' .. after(USER, users[i])
--@     end
--@     noted = noted + 1
--@     happened[noted] = (count <= at_once and 'E0\31' or 'R0\31') .. lesson .. '\31\31\31\31\31' .. left
    users[left + 1] = record
    users[#users + 1] = count <= at_once and members or nil
    users[#users + 1] = bans
    -- Members whose record is elsewhere are ghosts, and leave the set with the last of the others or by a repair.
    local done, partly = unlink(users)
    if type(done) == 'table' then
        return partly and {err = 'PARTLY ' .. done.err} or done
    end
    -- include write_events.lua
    return {'DONE', left, count <= at_once and 0 or count - left, ''}
end

-- Each write undoes those before it if it fails. Only a server without memory may refuse to close the lesson: its
-- members can still leave.
local closes = has_record and (now[1] ~= '0' or not now[2])
mark = now[2] or mark
local closed = closes and redis.pcall('HSET', record, 'course_status', '0', 'ending', mark)
if type(closed) == 'table' then
    if not closed.err:find('OOM', 1, true) then
        return closed
    end
    closes, mark = false, now[2] or ''
end

local function uids_of(keys)
    local found = {}
    for i, key in ipairs(keys) do
        found[i] = after(USER, key)
    end
    return found
end

local function undo(failed, removed)
    local undone = removed and redis.pcall('SADD', members, unpack(uids_of(users)))
    local opened = true
    if closes and now[1] then
        opened = redis.pcall('HSET', record, 'course_status', now[1])
    elseif closes then
        opened = redis.pcall('HDEL', record, 'course_status')
    end
    if closes and not now[2] and type(opened) ~= 'table' then
        opened = redis.pcall('HDEL', record, 'ending')
    end
    if type(undone) == 'table' or type(opened) == 'table' then
        return {err = 'PARTLY ' .. failed.err}
    end
    return failed
end

if left > 0 then
    local removed = redis.pcall('SREM', members, unpack(uids_of(users)))
    if type(removed) == 'table' then
        return undo(removed, false)
    end
    local done, partly = unlink(users)
    if type(done) == 'table' then
        return partly and {err = 'PARTLY ' .. done.err} or undo(done, true)
    end
end
-- Ghosts leave the set too, and last, because an undo could not tell which of them were in it.
if #uids > left then
    local removed = redis.pcall('SREM', members, unpack(uids))
    if type(removed) == 'table' then
        return left > 0 and {err = 'PARTLY ' .. removed.err} or undo(removed, false)
    end
end
--@ if closes then
--@     noted = noted + 1
--@     happened[noted] = 'S1\31' .. lesson .. '\31\0310\31\31'
--@ end
--@ for i = 1, left do
--@     noted = noted + 1
--@     happened[noted] = 'Q1\31' .. lesson .. '\31' .. after(USER, users[i])
--@ end
-- include write_events.lua
return {'MORE', left, count - #uids, has_record and mark or found}
