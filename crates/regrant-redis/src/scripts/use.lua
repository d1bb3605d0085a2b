-- Uses a single-use id.
-- KEYS[1] its mark. ARGV: 1 the mark of this attempt; 2 its expiry in ms.
-- Returns 1 used by this attempt, 0 used by another attempt, 2 not a mark of this crate.
-- An error names the command: for a missing right Redis does not.
local key, mark, expiry = KEYS[1], ARGV[1], ARGV[2]
local stored = redis.pcall('GET', key)

if stored then
  if type(stored) == 'table' then return {err = stored.err .. ' (GET)'} end
  if #stored ~= #mark or string.sub(stored, 1, 4) ~= string.sub(mark, 1, 4) then return 2 end
  if stored ~= mark then return 0 end
end
-- Writes its own mark again after a lost reply: `WAIT` covers only the writes of its own connection.
local reply = redis.pcall('SET', key, mark, 'PXAT', expiry)
if reply.err then return {err = reply.err .. ' (SET)'} end
return 1
