-- A command of the operation failed. Redis 6 prefixes some errors with the line in the script, and keeps the - of the
-- reply. Both are removed. `partly` says that an earlier write of the operation could not be undone. What a server
-- refuses only for a while, as during a failover or while it gives keys to another node, is not answered as a failure:
-- the caller sends this operation and those behind it again.
if problem then
    local said = problem.err:gsub('^@?user_script:%s*%d+:%s*', ''):gsub('^%-', '')
    for word in ('READONLY MISCONF NOREPLICAS MASTERDOWN LOADING CLUSTERDOWN TRYAGAIN MOVED ASK'):gmatch('%u+') do
        refused = refused or said:find('^' .. word .. ' ')
    end
    for _, words in ipairs({'non local key', 'undeclared keys', 'cluster is down'}) do
        refused = refused or said:find(words, 1, true)
    end
    refused = refused and not partly
    answer = (refused and 'R' or partly and 'U' or 'F') .. said .. '\31' .. key .. '\31' .. (other or '')
end
