-- Removes users from the members of a lesson, whom the caller has seen elsewhere.
--
--   KEYS  the members, their versions
--   ARGV  the ms that the versions live on without members, then for each user: UID, and the VERSION at which the user
--         was seen elsewhere
--
-- Replies for each user: 0 if the user has been added at a higher version and stays, else 1.
local call = redis.call
local members, versions, reply = KEYS[1], KEYS[2], {}
for i = 2, #ARGV, 2 do
    local uid, version = ARGV[i], tonumber(ARGV[i + 1])
    local known = tonumber(call('HGET', versions, uid) or '')
    if known and known > version then
        reply[#reply + 1] = 0
    else
        if not known or known >= 0 or -known < version then
            call('SREM', members, uid)
            call('HSET', versions, uid, '-' .. ARGV[i + 1])
        end
        reply[#reply + 1] = 1
    end
end
if call('EXISTS', members) == 0 then
    call('PEXPIRE', versions, ARGV[1])
end
return reply
