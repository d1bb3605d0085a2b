-- Sets the flag of a grant that says whether its record is replicated, if the record has not changed.
-- KEYS[1] the grant. ARGV: 1 its version, 2 the flag. Returns 1 if the flag was set.
if redis.call('GETRANGE', KEYS[1], 12, 19) ~= ARGV[1] then return 0 end
redis.call('SETRANGE', KEYS[1], 24, ARGV[2])
return 1
