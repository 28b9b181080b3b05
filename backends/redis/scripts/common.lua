-- Shared by the scripts that page through keys. SCAN finds the keys of a page, so only one key is declared, by which a
-- Cluster or a proxy finds the server.
-- include keys.lua

-- Runs a command. If it fails, so does the script. If the key is of a wrong type, the error names it.
local function call(...)
    local done = redis.pcall(...)
    if type(done) == 'table' and done.err then
        local is_of_key = done.err:find('WRONGTYPE', 1, true)
        error({err = is_of_key and done.err .. ': ' .. select(2, ...) or done.err})
    end
    return done
end

-- Returns the reply of a command, or nil if its key is of a wrong type. Any other error ends the script.
local function read(...)
    local found = redis.pcall(...)
    if type(found) == 'table' and found.err then
        if not found.err:find('WRONGTYPE', 1, true) then
            error(found.err, 0)
        end
        return nil
    end
    return found
end

-- Returns what follows `front` in a key, or nil if the key does not begin with it.
local function after(front, key)
    return key:sub(1, #front) == front and key:sub(#front + 1) or nil
end

-- Returns a page of the keys that begin with the prefix and `rest`: the next cursor, and the keys.
local function scan(cursor, rest, count)
    local front = prefix:gsub('[*?%[%]\\^]', '\\%0')
    local page = call('SCAN', cursor, 'MATCH', front .. rest .. '*', 'COUNT', count)
    return page[1], page[2]
end

