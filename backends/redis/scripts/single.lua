-- A single operation.
--
--   ARGV  PREFIX and the arguments of the operation
-- include keys.lua
local call, type = redis.pcall, type
local at, spent = 2, 0
-- OPERATION
-- include failure.lua
return answer
