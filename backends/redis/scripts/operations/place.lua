-- Adds the user's place, as found.lua has found it, to the answer: course, lesson, session, and only if the user has an
-- owner, @ the time of the join = the owner.
-- include session.lua
answer = answer .. (found[1] or '') .. '\31' .. (found[2] or '') .. '\31' .. (session and '=' .. session or '')
if found[2] and found[4] == found[2] and found[5] and found[5] ~= '' then
    answer = answer .. '\31@' .. (found[6] or '') .. '=' .. found[5]
end
