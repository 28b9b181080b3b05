-- A batch of operations, in order; each is atomic by itself, and so is the batch. What an operation does and answers is said
-- in operations/.
--
--   ARGV  PREFIX, then for each operation its kind and its arguments
--
-- The keys are computed and not declared: the lesson that a user leaves is only known inside. On a single server, and the
-- backend opens no other, a script may touch any key.
-- include keys.lua
local call, type = redis.pcall, type
local reply, size, at, last = {}, 0, 2, #argv
while at <= last do
    local kind = argv[at]
    at = at + 1
    -- OPERATIONS
    -- include failure.lua
    size = size + 1
    reply[size] = answer
    if answer == 'L' then
        break
    end
end
return reply
