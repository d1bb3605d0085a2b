-- Adds a grant to the index of one owner, or extends its entry.
-- KEYS: 1 the ids, 2 the ends. ARGV: 1 the id, 2 the end of the entry in ms, or '+inf'.
-- Returns the time of the entry in s.
local ids, ends = KEYS[1], KEYS[2]
local second = tonumber(redis.call('TIME')[1])

local function forget(id)
  for _, entry in ipairs(redis.call('ZRANGEBYLEX', ids, '[' .. id, '[' .. id .. '\255\255\255\255')) do
    redis.call('ZREM', ids, entry)
  end
end

redis.call('ZADD', ends, 'GT', ARGV[2], ARGV[1])
forget(ARGV[1])
redis.call('ZADD', ids, 0, ARGV[1] .. struct.pack('>I4', second))

-- Two minutes after its end the key of a grant has expired on the clock of every server. At most 16 entries are
-- removed, so the script is bounded; 16 is more than one per new entry, so the index stays in proportion to the living
-- grants.
for _, due in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', (second - 120) .. '000', 'LIMIT', 0, 16)) do
  redis.call('ZREM', ends, due)
  forget(due)
end

local longest = redis.call('ZRANGE', ends, -1, -1, 'WITHSCORES')[2]
for _, key in ipairs(KEYS) do
  if longest == 'inf' then
    redis.call('PERSIST', key)
  elseif longest then
    redis.call('PEXPIREAT', key, string.format('%.0f', tonumber(longest) + 120000))
  end
end
return second
