-- A page of the owners.
--
--   ARGV  PREFIX CURSOR COUNT
--
-- Replies the next cursor, then for each: OWNER, its lease in ms, and the ms that are left of it, or OVER.
-- include common.lua
-- include now.lua
local page = call('ZSCAN', prefix .. ':OWNERS', argv[2], 'COUNT', argv[3])
local reply, size = {page[1]}, 1
for i = 1, #page[2], 2 do
    local owner, until_ms = page[2][i], page[2][i + 1]
    reply[size + 1], reply[size + 2] = owner, call('HGET', prefix .. ':LEASES', owner)
    reply[size + 3] = tonumber(until_ms) < 0 and 'OVER' or ('%d'):format(until_ms - now)
    size = size + 3
end
return reply
