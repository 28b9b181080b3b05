-- Removes these keys, each of which was touched before. With one command the server removes all of them, or none if it
-- refuses; Lua's stack has room for 8000. Otherwise returns, beside the reply of the command that failed, whether keys
-- before it are gone.
local function unlink(keys)
    if KEYS_ARE_APART then
        for i, key in ipairs(keys) do
            local done = redis.pcall('UNLINK', key)
            if type(done) == 'table' then
                return done, i > 1
            end
        end
        return #keys, false
    end
    return redis.pcall('UNLINK', unpack(keys)), false
end
