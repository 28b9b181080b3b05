-- A command of the operation failed. Redis 6 puts the place in the script before some errors, and leaves the - of the reply.
if problem then
    answer = 'F' .. problem.err:gsub('^@?user_script:%s*%d+:%s*', ''):gsub('^%-', '') .. '\31' .. key .. '\31' .. (other or '')
end
