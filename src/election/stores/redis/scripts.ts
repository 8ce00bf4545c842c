import { createHash } from 'node:crypto';

/** @internal A script of Redis, which runs as one atomic step. */
export interface Script {
  readonly text: string;
  /** By which the server knows it once it has seen it. */
  readonly sha: string;
}

/*
 * A lease is a hash {holder, nonce, token, writes, ttl, predecessor, data} that expires with the lease. A released one has no
 * holder and stays, so that who comes next knows that it was released and not dead. Beside it stands the last token, which
 * never expires: it is what makes tokens grow.
 */

/** What a reply tells of a lease. Absent fields and keys without an expiry must not cut the list off: nil ends a Lua table. */
const recordOf = `
local function record(lease)
  local fields = redis.call('HMGET', lease, 'holder', 'nonce', 'token', 'writes', 'ttl', 'data')
  fields[7] = redis.call('PTTL', lease)
  return fields
end
local function tell(lease, data)
  if data then redis.call('HSET', lease, 'data', data) else redis.call('HDEL', lease, 'data') end
end
local function holds(lease, nonce, token)
  local was = redis.call('HMGET', lease, 'holder', 'nonce', 'token')
  return was[1] and was[2] == nonce and was[3] == token
end
`;

const script = (text: string): Script => {
  const whole = recordOf + text;
  return { text: whole, sha: createHash('sha1').update(whole).digest('hex') };
};

/**
 * @internal KEYS: lease, token. ARGV: channel, key, nonce, holder, ttl, and data if any.
 *
 * `false`, record for a denial; predecessor, record for a grant. The token is floored by the server's time in milliseconds, so
 * that it grows although the keys were wiped.
 */
export const acquire: Script = script(`
local lease, counter = KEYS[1], KEYS[2]
local channel, key, nonce, holder, ttl, data = unpack(ARGV)
local was = redis.call('HMGET', lease, 'holder', 'nonce', 'predecessor')
local predecessor = was[3]
if was[1] then
  if was[2] ~= nonce then return { false, record(lease) } end
else
  local last = redis.call('GET', counter)
  if not last then predecessor = 'none'
  elseif was[2] then predecessor = 'released'
  else predecessor = 'expired' end
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local token = string.format('%.0f', math.max(now, (tonumber(last) or 0) + 1))
  redis.call('SET', counter, token)
  redis.call('DEL', lease)
  redis.call('HSET', lease, 'nonce', nonce, 'token', token, 'predecessor', predecessor)
end
redis.call('HINCRBY', lease, 'writes', 1)
redis.call('HSET', lease, 'holder', holder, 'ttl', ttl)
tell(lease, data)
redis.call('PEXPIRE', lease, ttl)
redis.call('PUBLISH', channel, key)
return { predecessor, record(lease) }
`);

/** @internal KEYS: leases. ARGV: channel, ttl, `'1'` if there is data, data, and for each lease key, nonce, token. */
export const renew: Script = script(`
local channel, ttl, telling, data = unpack(ARGV, 1, 4)
local answers = {}
for i, lease in ipairs(KEYS) do
  local key, nonce, token = unpack(ARGV, 3 * i + 2, 3 * i + 4)
  answers[i] = false
  if holds(lease, nonce, token) then
    redis.call('HINCRBY', lease, 'writes', 1)
    redis.call('HSET', lease, 'ttl', ttl)
    redis.call('PEXPIRE', lease, ttl)
    if telling == '1' and redis.call('HGET', lease, 'data') ~= data then
      tell(lease, data)
      redis.call('PUBLISH', channel, key)
    end
    answers[i] = record(lease)
  end
end
return answers
`);

/** @internal KEYS: lease. ARGV: channel, key, nonce, token, and data if there is any. */
export const release: Script = script(`
local lease = KEYS[1]
local channel, key, nonce, token, data = unpack(ARGV)
if not holds(lease, nonce, token) then return 0 end
redis.call('HINCRBY', lease, 'writes', 1)
redis.call('HDEL', lease, 'holder')
tell(lease, data)
redis.call('PERSIST', lease)
redis.call('PUBLISH', channel, key)
return 1
`);

/** @internal KEYS: lease. */
export const read: Script = script(`return record(KEYS[1])`);
