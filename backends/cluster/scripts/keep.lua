-- The end of every script of a user: writes the helper if it has changed.
if is_changed then
    call('HSET', helper, 'v', version, 'o', last, 'l', lesson)
    call('PEXPIRE', helper, ARGV[1])
end
