-- Shared by the scripts that check. They reply one value of their own, then for each finding: its kind as in
-- lessonstore.h, LESSON, UID (either may be false), whether it can be repaired, whether it was repaired, and a line for
-- a person. If a repair fails after another one of the same step, the error begins with `PARTLY `.
--
--   ARGV  PREFIX REPAIR ENDED ...     (flags: '1' or '')
-- include common.lua
-- include events_at_once.lua
local GHOST_MEMBER, MISSING_MEMBER, INCOMPLETE_LESSON, INCOMPLETE_USER, ENDED_LESSON, MALFORMED, STALE_BANS = 0, 1, 2, 3, 4, 5, 6
local repair, ended = argv[2] ~= '', argv[3] ~= ''
local reply, size = {false}, 1

-- Reports a finding. In a repair, `correct` has repaired a repairable finding just before.
local function report(kind, lesson, uid, repairable, detail)
    reply[size + 1], reply[size + 2], reply[size + 3] = kind, lesson, uid
    reply[size + 4], reply[size + 5] = repairable and 1 or 0, repairable and repair and 1 or 0
    reply[size + 6] = detail
    size = size + 6
end

local has_written = false

local function fail(failed, partly)
    error({err = (partly and 'PARTLY ' or '') .. failed.err})
end

local function correct(...)
    local done = repair and redis.pcall(...)
    if type(done) == 'table' then
        fail(done, has_written)
    end
    has_written = repair
end

-- True for 1 to 255 bytes of UTF-8 without control bytes. Each well-formed sequence of several bytes is replaced by a
-- letter, so that the bytes around it cannot form a new sequence. After that only ASCII may be left.
local function is_id(text)
    if #text < 1 or #text > 255 or text:find('%c') then
        return false
    end
    if not text:find('[\128-\255]') then
        return true
    end
    text = text:gsub('[\194-\223][\128-\191]', 'x')
    text = text:gsub('\224[\160-\191][\128-\191]', 'x'):gsub('\237[\128-\159][\128-\191]', 'x')
    text = text:gsub('[\225-\236\238\239][\128-\191][\128-\191]', 'x')
    text = text:gsub('\240[\144-\191][\128-\191][\128-\191]', 'x'):gsub('\244[\128-\143][\128-\191][\128-\191]', 'x')
    text = text:gsub('[\241-\243][\128-\191][\128-\191][\128-\191]', 'x')
    return not text:find('[\128-\255]')
end

-- Returns a stored text in a form that a message can show. Texts that are cut still differ from each other.
local function shown(text)
    local start = text:sub(1, 80):gsub('[%c\128-\255]', function(byte)
        return ('\\x%02X'):format(byte:byte())
    end)
    return #text > 80 and ('%s... (%d bytes, SHA-1 %s)'):format(start, #text, redis.sha1hex(text)) or start
end

