-- Turns the feed on, or off.
--
--   ARGV  PREFIX KEPT
--
-- The feed is on if the stream has entries, so the first one is of no event. KEPT is how many stay when the stream is
-- trimmed; '0': the feed is off.
-- include keys.lua
local call = redis.call
local stream, kept = prefix .. ':EVENTS', prefix .. ':FEED'
local stored = call('XLEN', stream)
local before = call('GET', kept)
if argv[2] == '0' and (stored > 0 or before) then
    call('DEL', kept)
    call('DEL', stream)
elseif argv[2] ~= '0' then
    if before ~= argv[2] then
        call('SET', kept, argv[2])
    end
    if stored == 0 then
        call('XADD', stream, '*', 'e', 'O0')
    end
end
return 'OK'
