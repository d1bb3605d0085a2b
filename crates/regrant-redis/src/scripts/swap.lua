-- Compares the version of a grant and stores its next record, in one step.
-- KEYS[1] the grant. ARGV: 1 the beginning of the stored value if nothing but the version changes, '' if no value may
-- exist; 2 the next value; 3 its expiry in ms, '' for never; 4 '' if the index was not touched, else the last second in
-- which a new grant may be created.
-- Returns 1 stored, 0 conflict, 2 the index entry must be extended first, 3 too late to create, 4 not a record of this
-- crate. An error names the command: for a missing right Redis does not.
local key, expected, value, expiry = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local stored = redis.pcall('GET', key)

-- The data of a former primary says nothing about a conflict. Only a write shows the role; this one changes nothing. A
-- primary without replicas may be a former one, too.
local function conflict()
  local reply = redis.pcall('SETRANGE', key, 0, '')
  local words = type(reply) == 'table' and reply.err or ''
  if string.find(words, 'READONLY', 1, true) or string.find(words, 'NOREPLICAS', 1, true) then return {err = words} end
  return 0
end

if stored then
  if type(stored) == 'table' then return {err = stored.err .. ' (GET)'} end
  if #stored < 36 or string.sub(stored, 1, 4) ~= string.sub(value, 1, 4) then return 4 end
  local a, b, c, d = string.byte(stored, 21, 24)
  if #stored ~= ((a * 256 + b) * 256 + c) * 256 + d then return 4 end
  if string.sub(stored, 1, 20) ~= expected then
    -- A write is recognised by its version: if it is sent again after a lost reply, it finds itself.
    local found = string.sub(stored, 13, 20)
    if found ~= string.sub(expected, 13, 20) and found ~= string.sub(value, 13, 20) then return conflict() end
    if ARGV[4] == '' and struct.unpack('>i8', stored, 5) < struct.unpack('>i8', value, 5) then return 2 end
  end
elseif expected ~= '' then
  return conflict()
elseif tonumber(redis.call('TIME')[1]) > tonumber(ARGV[4]) then
  -- A listing may have removed the index entry of a creation that took this long.
  return 3
end

local reply
if expiry == '' then
  reply = redis.pcall('SET', key, value)
else
  reply = redis.pcall('SET', key, value, 'PXAT', expiry)
end
if reply.err then return {err = reply.err .. ' (SET)'} end
return 1
