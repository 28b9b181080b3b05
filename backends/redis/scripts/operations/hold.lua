--: hold(owner, lease_ms, renews)
--
-- Begins or renews the lease of an owner: O. C if the owner is over, or with `renews` = '1' if it holds no lease. The
-- lease is counted from the latest sweep if the clock is behind it: see lesson_store_sweeps_lease.
local owners, leases = prefix .. ':OWNERS', prefix .. ':LEASES'
local until_ms = call('ZSCORE', owners, owner)
local lease = type(until_ms) ~= 'table' and call('HGET', leases, owner)
if type(until_ms) == 'table' then
    problem, key = until_ms, owners
    break
elseif type(lease) == 'table' then
    problem, key = lease, leases
    break
elseif tonumber(until_ms or 0) < 0 or (not until_ms and renews ~= '') then
    answer = 'C'
    break
end
-- include operations/now.lua
local sweeps = prefix .. ':SWEEPS'
local latest = call('HGET', sweeps, 'latest')
if type(latest) == 'table' then
    problem, key = latest, sweeps
    break
end
local done = lease ~= lease_ms and call('HSET', leases, owner, lease_ms)
if type(done) == 'table' then
    problem, key = done, leases
    break
end
done = call('ZADD', owners, math.max(now, tonumber(latest or 0) or 0) + lease_ms, owner)
if type(done) == 'table' then
    local undone = lease ~= lease_ms and
        (lease and call('HSET', leases, owner, lease) or call('HDEL', leases, owner))
    problem, key, partly = done, owners, type(undone) == 'table'
    break
end
answer = 'O'
