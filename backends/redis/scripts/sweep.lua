-- A step of the beginning of a sweep: finds out which owners are over.
--
--   ARGV  PREFIX DROPPED LONGEST SKIP
--
-- An owner is over if its lease has run out and if sweeps went on without a long gap for the time of a lease; backend.h,
-- "Sweeps", states the rule, and LONGEST is its highest magnitude. If DROPPED is not '', that owner is over, and no
-- other one is looked at. Replies NONE if DROPPED holds no lease, else how many late owners the next step skips, or ''
-- after the last step, and then each owner that is over and its mark.
-- include common.lua
local STEP = 1000              -- a step looks at this many late owners
local LONGEST_LEASE = 86400000 -- LESSON_STORE_LEASE_MAX_MS, for an owner whose lease was lost
local owners, leases, sweeps = prefix .. ':OWNERS', prefix .. ':LEASES', prefix .. ':SWEEPS'
local dropped, longest, skip = argv[2], tonumber(argv[3]), tonumber(argv[4])
-- include now.lua

-- Marks a life as over. Another life of the same owner has another mark, so no sweep that began before it takes it for
-- the one that it has ended.
local mark = ('-%d%06d'):format(time[1], time[2])
local function end_life(owner)
    call('ZADD', owners, mark, owner)
    return mark
end

if dropped ~= '' then
    local until_ms = call('ZSCORE', owners, dropped)
    if not until_ms then
        return {'NONE'}
    end
    return {'', dropped, tonumber(until_ms) < 0 and until_ms or end_life(dropped)}
end

-- Returns what a text says, or nil if it is damaged. Lua also takes `inf` for a number, and would divide it without end.
local function number_of(text)
    return text and text:find('^%d+$') and #text < 16 and tonumber(text) or nil
end

local function magnitude_of(ms)
    local power, rest = 0, ms
    while rest >= 2 do
        power, rest = power + 1, math.floor(rest / 2)
    end
    local quarter = power >= 2 and math.floor(ms / 2 ^ (power - 2)) % 4 or 0
    return math.min(4 * power + quarter, longest)
end

-- Everything is read before anything is written: a sweep that fails does not count as one, or nobody would have time to
-- renew after it.
local late = call('ZRANGEBYSCORE', owners, 0, '(' .. now, 'LIMIT', skip, STEP)
local over = skip == 0 and call('ZRANGEBYSCORE', owners, '-inf', '(0', 'WITHSCORES', 'LIMIT', 0, STEP) or {}
local lease_of = #late > 0 and call('HMGET', leases, unpack(late)) or {}
local stored = call('HGETALL', sweeps)
local latest = 0
local ended = {} -- by magnitude: when the latest such gap ended
local is_damaged = false
for i = 1, #stored, 2 do
    local magnitude, at = number_of(stored[i]), number_of(stored[i + 1])
    if stored[i] == 'latest' then
        latest = at or 0
    elseif magnitude then
        ended[magnitude] = math.min(at or now, now)
        is_damaged = is_damaged or not at
    end
end
local ends = latest ~= now and (latest > 0 and latest < now and magnitude_of(now - latest) or longest)
if ends then
    ended[ends] = now
end

local function sweeps_went_on(lease)
    local allowed = magnitude_of(math.floor(lease / 2))
    for magnitude, at in pairs(ended) do
        if magnitude > allowed and at > now - lease then
            return false
        end
    end
    return true
end

local ending = 0
for i, owner in ipairs(late) do
    if sweeps_went_on(number_of(lease_of[i]) or LONGEST_LEASE) then
        over[#over + 1] = owner
        over[#over + 1] = end_life(owner)
        ending = ending + 1
    end
end

-- A clock that was set back would make leases longer than they are.
local function shorten_leases()
    local all = call('HGETALL', leases)
    for i = 1, #all, 2 do
        local until_ms, most = call('ZSCORE', owners, all[i]), now + (number_of(all[i + 1]) or LONGEST_LEASE)
        if until_ms and tonumber(until_ms) > most then
            call('ZADD', owners, most, all[i])
        end
    end
end

if ends then
    call('HSET', sweeps, 'latest', now, ends, now)
end
if latest > now or is_damaged then
    for magnitude, at in pairs(ended) do
        call('HSET', sweeps, magnitude, at)
    end
end
if latest > now then
    shorten_leases()
end
table.insert(over, 1, #late == STEP and ('%d'):format(skip + STEP - ending) or '')
return over
