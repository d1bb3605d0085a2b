-- Tries each command of the other scripts, and the commands sent on their own, on keys that nothing else uses.
-- KEYS: 1 a value, 2 a sorted set; neither is left behind. Returns the names of the commands that the user may not run.
local value, set = KEYS[1], KEYS[2]
local denied = {}

local function try(command, ...)
  local reply = redis.pcall(command, ...)
  local words = type(reply) == 'table' and reply.err or ''
  -- The messages of Redis 6.2, of Redis 7, and of Valkey. Any other error, such as lack of memory, is not about rights.
  for _, refusal in ipairs({'NOPERM', "executing the script can't", 'ACL failure in script'}) do
    if string.find(words, refusal, 1, true) then
      denied[#denied + 1] = string.lower(command)
      break
    end
  end
end

try('TIME')
try('SETRANGE', value, 0, 'x')
try('GET', value)
try('GETEX', value)
try('GETRANGE', value, 0, 0)
try('ZADD', set, 0, 'x')
try('ZRANGE', set, 0, -1)
try('ZRANGEBYLEX', set, '-', '+')
try('ZRANGEBYSCORE', set, '-inf', '+inf')
try('PERSIST', set)
try('ZREM', set, 'x')
-- An expiry in the past deletes the keys at once, whichever of the two commands is allowed.
try('SET', value, 'x', 'PXAT', 1)
try('PEXPIREAT', value, 1)
try('PEXPIREAT', set, 1)
return denied
