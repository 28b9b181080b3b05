-- Adds the statuses of a lesson, which `found` holds, to the answer. No valid status contains \31, which would end the
-- part, so \31 becomes a ?.
answer = answer .. (found[1] and '=' .. found[1]:gsub('\31', '?') or '') .. '\31' .. (found[2] and '=' .. found[2]:gsub('\31', '?') or '')
