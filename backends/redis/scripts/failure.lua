-- A command of the operation failed. Redis 6 prefixes some errors with the line in the script, and keeps the - of the
-- reply. Both are removed. `partly` says that an earlier write of the operation could not be undone.
if problem then
    answer = (partly and 'U' or 'F') .. problem.err:gsub('^@?user_script:%s*%d+:%s*', ''):gsub('^%-', '') .. '\31' .. key .. '\31' .. (other or '')
end
