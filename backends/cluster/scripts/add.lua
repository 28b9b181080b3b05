-- Adds a user to the members of a lesson, ahead of the commit that puts the user there.
--
--   KEYS  the members, their versions
--   ARGV  UID, VERSION (that the commit will make), CAPACITY ('' for any number)
--
-- The versions are a hash: for each uid the version of the commit that put or will put the user into the lesson, or,
-- after a -, the version at which the user was seen elsewhere. Replies ADDED; STALE and that version, if it is not lower
-- than this one; or FULL and the number of members.
local call = redis.call
local members, versions, uid, version = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])
local known = tonumber(call('HGET', versions, uid) or '')
if known and known < 0 and -known >= version then
    return {'STALE', ('%.0f'):format(-known)}
end
if ARGV[3] ~= '' and call('SISMEMBER', members, uid) == 0 then
    local count = call('SCARD', members)
    if count >= tonumber(ARGV[3]) then
        return {'FULL', count}
    end
end
call('SADD', members, uid)
if not known or known < version then
    call('HSET', versions, uid, ARGV[2])
end
call('PERSIST', versions)
return {'ADDED'}
