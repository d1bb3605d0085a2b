-- Removes entries without a grant of this owner from its index, except entries whose grant may still be created.
-- KEYS: 1 the ids, 2 the ends. ARGV: the entries as they were read; an entry renewed since then has another value.
local second = tonumber(redis.call('TIME')[1])
local removed = 0
for _, entry in ipairs(ARGV) do
  if struct.unpack('>I4', entry, 17) + 60 <= second and redis.call('ZREM', KEYS[1], entry) == 1 then
    redis.call('ZREM', KEYS[2], string.sub(entry, 1, 16))
    removed = removed + 1
  end
end
return removed
