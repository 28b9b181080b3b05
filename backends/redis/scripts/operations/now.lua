-- Finds `now`, the time of the server in ms: the same for all operations of a script. As a text, because a number would
-- be written out for each command.
if not now then
    local time = call('TIME')
    if time.err then
        problem, key = time, prefix
        break
    end
    now = ('%d'):format(time[1] * 1000 + math.floor(time[2] / 1000))
end
