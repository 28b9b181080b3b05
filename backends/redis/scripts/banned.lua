-- Finds out whether the user is banned from the lesson, which has a record. Most records are not marked.
local bans = prefix .. ':BANS:LESSON_ID:' .. lesson
local marked = call('HGET', record, 'bans')
local until_ms = marked and type(marked) ~= 'table' and call('ZSCORE', bans, uid)
local time = until_ms and type(until_ms) ~= 'table' and call('TIME')
if type(marked) == 'table' then
    problem, key = marked, record
    break
elseif type(until_ms) == 'table' or time and time.err then
    problem, key = type(until_ms) == 'table' and until_ms or time, bans
    break
end
is_banned = until_ms and tonumber(until_ms) > time[1] * 1000 + math.floor(time[2] / 1000)
