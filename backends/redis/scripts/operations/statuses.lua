-- Adds to the answer the statuses of a lesson, which `found` holds. (No status is a \31, which would end the part.)
answer = answer .. (found[1] and '=' .. found[1]:gsub('\31', '?') or '') .. '\31' .. (found[2] and '=' .. found[2]:gsub('\31', '?') or '')
