-- A batch of operations that are all of one kind, which is answered by just a letter.
--
--   ARGV  PREFIX, then the arguments of each operation
--
-- Replies one text, the letters of all; if one has failed, a list of the answers. (As a list, the answers of a batch of
-- joins cost the server 0.1 us each.)
-- include keys.lua
local call, type = redis.pcall, type
local reply, size, failed = {}, 0, false
for at = 2, #argv, STRIDE do
    -- OPERATION
    -- include failure.lua
    size = size + 1
    reply[size] = answer
    failed = failed or problem
end
return failed and reply or table.concat(reply)
