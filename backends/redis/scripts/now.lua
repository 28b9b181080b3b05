-- The time of the server: `now` in ms.
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
