-- A batch of operations of one kind, each of which is answered by a single letter.
--
--   ARGV  PREFIX, then the arguments of each operation
--
-- Replies one text, the letters of all. If an operation has failed, replies a list of the answers. (A list would cost
-- the server 0.1 us for each operation of a batch of joins.)
-- include keys.lua
local call, type = redis.pcall, type
local reply, size, failed = {}, 0, false
local holder -- an owner that holds a lease
local now    -- the time, once an operation has asked for it
-- include events.lua
for at = 2, #argv, STRIDE do
    -- OPERATION
    -- include failure.lua
    size = size + 1
    reply[size] = answer
    failed = failed or problem
    if refused then
        break
    end
end
-- include write_events.lua
return failed and reply or table.concat(reply)
