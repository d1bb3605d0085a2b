-- Uses something up.
-- KEYS[1] its mark. ARGV: 1 the mark of this attempt; 2 when it expires in ms.
-- Returns 1 it is used up by this attempt, 0 it was by another one, 2 not a mark of ours.
-- An error names the command: Redis does not where a right is missing.
local key, mark, expiry = KEYS[1], ARGV[1], ARGV[2]
local stored = redis.pcall('GET', key)

if stored then
  if type(stored) == 'table' then return {err = stored.err .. ' (GET)'} end
  if #stored ~= #mark or string.sub(stored, 1, 4) ~= string.sub(mark, 1, 4) then return 2 end
  if stored ~= mark then return 0 end
end
-- Its own mark too, after a lost reply: it is the writes of its own connection that `WAIT` asks for.
local reply = redis.pcall('SET', key, mark, 'PXAT', expiry)
if reply.err then return {err = reply.err .. ' (SET)'} end
return 1
