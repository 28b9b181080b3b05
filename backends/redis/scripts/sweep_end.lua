-- Ends a sweep: forgets owners that have no users any more.
--
--   ARGV  PREFIX OWNER...
-- include common.lua
for i = 2, #argv do
    if call('ZSCORE', prefix .. ':OWNERS', argv[i]) == '-1' then
        call('HDEL', prefix .. ':LEASES', argv[i])
        call('ZREM', prefix .. ':OWNERS', argv[i])
    end
end
return {}
