-- Ends a sweep: forgets owners that have no users any more.
--
--   ARGV  PREFIX, then for each: OWNER, and the mark of the life that has ended
-- include common.lua
for i = 2, #argv, 2 do
    if call('ZSCORE', prefix .. ':OWNERS', argv[i]) == argv[i + 1] then
        call('HDEL', prefix .. ':LEASES', argv[i])
        call('ZREM', prefix .. ':OWNERS', argv[i])
    end
end
return {}
