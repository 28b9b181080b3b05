-- A single operation.
--
--   ARGV  PREFIX and the arguments of the operation
-- include keys.lua
local call, type = redis.pcall, type
local at = 2
-- OPERATION
-- include failure.lua
return answer
