-- A single operation.
--
--   ARGV  PREFIX and the arguments of the operation
-- include keys.lua
local call, type = redis.pcall, type
local at, spent = 2, 0
local holder -- an owner that holds a lease
local now    -- the time, once an operation has asked for it
-- include events.lua
-- OPERATION
-- include failure.lua
-- include write_events.lua
return answer
