-- A batch of operations, in order. Each operation is atomic, and so is the batch. operations/ states what each does and
-- answers.
--
--   ARGV  PREFIX, then for each operation its kind and its arguments
--
-- The keys are computed in the script, because only the script knows the lesson that a user leaves. One key is declared,
-- by which a Cluster or a proxy finds the server.
-- include keys.lua
local call, type = redis.pcall, type
local reply, size, at, last = {}, 0, 2, #argv
local holder -- an owner that holds a lease
local now    -- the time, once an operation has asked for it
local spent = 0 -- members of the lessons that this batch has ended
-- include events.lua
while at <= last do
    local kind = argv[at]
    at = at + 1
    -- OPERATIONS
    -- include failure.lua
    size = size + 1
    reply[size] = answer
    if answer == 'L' or answer == 'B' or refused then
        break
    end
end
-- include write_events.lua
return reply
