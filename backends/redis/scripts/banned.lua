-- Finds out whether the user is banned from the lesson, which has a record. Most records are not marked.
local bans = prefix .. ':BANS:LESSON_ID:' .. lesson
local marked = call('HGET', record, 'bans')
local until_ms = marked and type(marked) ~= 'table' and call('ZSCORE', bans, uid)
if type(marked) == 'table' then
    problem, key = marked, record
    break
elseif type(until_ms) == 'table' then
    problem, key = until_ms, bans
    break
elseif until_ms then
    -- include operations/now.lua
    is_banned = tonumber(until_ms) > tonumber(now)
end
