-- A batch of operations that are all of one kind.
--
--   ARGV  PREFIX, then the arguments of each operation
-- include keys.lua
local call, type = redis.pcall, type
local reply, size = {}, 0
for at = 2, #argv, STRIDE do
    -- OPERATION
    -- include failure.lua
    size = size + 1
    reply[size] = answer
end
return reply
