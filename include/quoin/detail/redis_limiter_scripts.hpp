// SPDX-License-Identifier: BSL-1.0
/// @file
/// The limiters of interop/redis_limiter.hpp as Lua. A number there is a double: every integer that
/// decides stays below 2^53, where doubles are exact; a difference or product beyond that is too
/// large by so much that its rounding cannot matter.
///
/// All have one key and one list of integers as the answer, and `verb`: "take" all or nothing, "some"
/// for as many as there are, "peek", "back" for a refund. An empty time means that of the server.
#ifndef QUOIN_DETAIL_REDIS_LIMITER_SCRIPTS_HPP
#define QUOIN_DETAIL_REDIS_LIMITER_SCRIPTS_HPP

#include <quoin/detail/config.hpp>

#include <string_view>

namespace quoin::inline QUOIN_ABI::detail {

/// A bucket, by the arithmetic of detail/limit_gcra.hpp: it is full `ahead` units of 1/tick ns after a
/// time in seconds and nanoseconds. The state ends with its tick; under another one, `ahead` stays as
/// long as it was. Only a load above all that is lent can be beyond 2^53.
/// Answers {units taken, ahead before, nanoseconds by which now is before the state's time}.
inline constexpr std::string_view redis_bucket_script = R"lua(
local s, n = tonumber(ARGV[1]), tonumber(ARGV[2])
local verb, units, token, tick = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local most, full, lent = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local step, keep = tonumber(ARGV[10]), tonumber(ARGV[11])
if not s then
  local time = redis.call('TIME')
  s, n = tonumber(time[1]), tonumber(time[2]) * 1000
end
local at_s, at_n, ahead, back, anew = s, n, 0, 0, false
local state = redis.call('GET', KEYS[1])
if state then
  local a, b, c, d = string.match(state, '^bucket (%-?%d+) (%d+) (%d+) (%d+)$')
  if not a then return redis.error_reply('ERR not a bucket') end
  at_s, at_n, ahead, d = tonumber(a), tonumber(b), tonumber(c), tonumber(d)
  if d ~= tick then
    ahead = (d == 0 or tick == 0) and full or math.min(math.ceil(ahead / d * tick), lent)
  end
  local passed = (s - at_s) * 1e9 + (n - at_n)
  if passed >= 0 or tick == 0 then
    at_s, at_n, ahead = s, n, math.max(ahead - passed * tick, 0)
  elseif verb ~= 'back' and (-passed - step) * tick > lent - ahead then
    at_s, at_n, ahead, anew = s, n, full, true
  else
    back = -passed
  end
end
local load, wait, taken = ahead + back * tick, math.min(back, 2 ^ 53), 0
local after = load
if verb == 'back' then
  anew, after = load > 0, load - units
  if load <= lent or tick == 0 then
    after, back = math.max(after, 0), 0
  elseif units <= ahead then
    after, s, n = ahead - units, at_s, at_n
  else
    local before = units - ahead
    local earlier = (before - math.fmod(before, tick)) / tick
    if earlier * tick < before then earlier = earlier + 1 end
    earlier = math.min(earlier, back)
    back, after = back - earlier, math.max(earlier * tick - before, 0)
    s = at_s - (earlier - math.fmod(earlier, 1e9)) / 1e9
    n = at_n - math.fmod(earlier, 1e9)
    if n < 0 then s, n = s - 1, n + 1e9 end
  end
elseif verb == 'some' then
  taken = math.max(math.min(units, most - load), 0)
  taken = taken - math.fmod(taken, token)
elseif units <= most - load then
  taken = units
end
if verb ~= 'peek' and (taken > 0 or anew) then
  if verb ~= 'back' then back = 0 end
  local value = string.format('bucket %.0f %.0f %.0f %.0f', s, n, after + taken, tick)
  if tick == 0 then
    redis.call('SET', KEYS[1], value)
  else
    local ms = math.ceil((back + (after + taken) / tick) / 1e6) + keep
    redis.call('SET', KEYS[1], value, 'PX', string.format('%.0f', math.max(ms, 1)))
  end
end
return {taken, ahead, wait}
)lua";

/// A count for the window that `now` is in, all in microseconds; windows begin at whole multiples of
/// their length.
/// Answers {taken, begin of the window, count before, now}.
inline constexpr std::string_view redis_fixed_window_script = R"lua(
local now, verb, cost, limit = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local window, offset = tonumber(ARGV[5]), tonumber(ARGV[6])
local step, keep = tonumber(ARGV[7]), tonumber(ARGV[8])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1e6 + tonumber(time[2])
end
local begin, count, anew, ended = now - math.fmod(now - offset, window), 0, false, false
if begin > now then begin = begin - window end
local state = redis.call('GET', KEYS[1])
if state then
  local a, b = string.match(state, '^window (%-?%d+) (%d+)$')
  if not a then return redis.error_reply('ERR not a window') end
  a, b = tonumber(a), tonumber(b)
  ended = a > begin
  if a == begin then
    count = b
  elseif a > begin and a - now > step then
    count, anew = math.max(b, limit), true
  elseif a > begin then
    begin, count = a, b
  end
end
local left, taken, after = limit - count, 0, count
if verb == 'back' then
  if not ended then after = math.max(count - cost, 0) end
  anew = after < count
elseif verb == 'some' then
  taken = math.max(math.min(cost, left), 0)
elseif cost <= left then
  taken = cost
end
if verb ~= 'peek' and (taken > 0 or anew) then
  local ms = math.ceil((begin + window - now) / 1000) + keep
  redis.call('SET', KEYS[1], string.format('window %.0f %.0f', begin, after + taken),
             'PX', string.format('%.0f', ms))
end
return {taken, begin, count, now}
)lua";

/// The counts of this window and of the one before, which weighs as much as it overlaps the last
/// `window` microseconds. The weight is exact: an estimate, put right by products of 104 bits.
/// Answers {taken, begin of the window, count before it, count in it before, now}.
inline constexpr std::string_view redis_sliding_window_script = R"lua(
local now, verb, cost, limit = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local window, offset = tonumber(ARGV[5]), tonumber(ARGV[6])
local step, keep = tonumber(ARGV[7]), tonumber(ARGV[8])
local up = ARGV[9] == '1'
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1e6 + tonumber(time[2])
end
local begin, previous, count, anew = now - math.fmod(now - offset, window), 0, 0, false
local ended = false
if begin > now then begin = begin - window end
local state = redis.call('GET', KEYS[1])
if state then
  local a, b, c = string.match(state, '^windows (%-?%d+) (%d+) (%d+)$')
  if not a then return redis.error_reply('ERR not a sliding window') end
  a, b, c = tonumber(a), tonumber(b), tonumber(c)
  ended = a > begin
  if a == begin then
    previous, count = b, c
  elseif a > begin and a - now > step then
    count, anew = math.max(c, limit), true
  elseif a > begin then
    begin, previous, count = a, b, c
  elseif a + window == begin then
    previous = c
  end
end
local function product(a, b)
  local k = 2 ^ 26
  local a0, b0 = a % k, b % k
  local a1, b1 = (a - a0) / k, (b - b0) / k
  local low = a0 * b0
  local middle = a1 * b0 + a0 * b1 + math.floor(low / k)
  return a1 * b1 + math.floor(middle / k), (middle % k) * k + low % k
end
local function compare(a, b, c, d)
  local high, low = product(a, b)
  local other_high, other_low = product(c, d)
  if high ~= other_high then return high - other_high end
  return low - other_low
end
local overlap = window - math.max(now - begin, 0)
local weight = math.floor(previous * (overlap / window))
while weight > 0 and compare(weight, window, previous, overlap) > 0 do weight = weight - 1 end
while compare(weight + 1, window, previous, overlap) <= 0 do weight = weight + 1 end
if up and compare(weight, window, previous, overlap) < 0 then weight = weight + 1 end
local left, taken, after, faded = limit - count - weight, 0, count, previous
if verb == 'back' then
  if not ended then
    after = math.max(count - cost, 0)
    faded = math.max(previous - math.max(cost - count, 0), 0)
  end
  anew = after < count or faded < previous
elseif verb == 'some' then
  taken = math.max(math.min(cost, left), 0)
elseif cost <= left then
  taken = cost
end
if verb ~= 'peek' and (taken > 0 or anew) then
  local ms = math.ceil((begin + 2 * window - now) / 1000) + keep
  redis.call('SET', KEYS[1], string.format('windows %.0f %.0f %.0f', begin, faded, after + taken),
             'PX', string.format('%.0f', ms))
end
return {taken, begin, previous, count, now}
)lua";

/// A sorted set of the times of what passed, in microseconds. Its members are time and number, which
/// has a fixed width so that the latest of one time is the last in order.
/// Answers {taken, count before, the time that must leave before the cost fits, the latest, now},
/// the last three as they are after it.
inline constexpr std::string_view redis_sliding_log_script = R"lua(
local now, verb, cost, limit = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local window, step, keep = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local closed, keep_refused, key = ARGV[8] == '1', ARGV[9] == '1', KEYS[1]
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1e6 + tonumber(time[2])
end
local function text(x) return string.format('%.0f', x) end
local function stamp(first, last)
  local found = redis.call('ZRANGE', key, first, last, 'WITHSCORES')
  return found[2] and tonumber(found[2])
end
local function add(time, n)
  local same = redis.call('ZREVRANGEBYSCORE', key, text(time), text(time), 'LIMIT', '0', '1')
  local number = same[1] and tonumber(string.match(same[1], ':(%d+)$')) + 1 or 0
  for i = number, number + n - 1 do
    redis.call('ZADD', key, text(time), string.format('%.0f:%016.0f', time, i))
  end
end
local at, changed = now, false
local last = stamp(-1, -1)
local set_back = last and last - now > step
if set_back and verb ~= 'peek' and verb ~= 'back' then
  add(now, redis.call('ZREMRANGEBYSCORE', key, '(' .. text(now), '+inf'))
  changed = true
elseif last then
  at = math.max(last, now)
end
local count = 0
if verb == 'peek' then
  count = redis.call('ZCOUNT', key, (closed and '' or '(') .. text(now - window), '+inf')
else
  redis.call('ZREMRANGEBYSCORE', key, '-inf', (closed and '(' or '') .. text(now - window))
  count = redis.call('ZCARD', key)
end
local left, taken, after = limit - count, 0, count
if verb == 'back' then
  if cost > 0 then redis.call('ZREMRANGEBYRANK', key, text(-cost), -1) end
  after = math.max(count - cost, 0)
elseif verb == 'some' then
  taken = math.max(math.min(cost, left), 0)
elseif cost <= left then
  taken = cost
end
if verb ~= 'peek' and taken > 0 then
  add(at, taken)
  after, changed = count + taken, true
elseif verb == 'take' and keep_refused and cost > taken and cost <= limit then
  add(at, cost)
  redis.call('ZREMRANGEBYRANK', key, 0, text(-limit - 1))
  after, changed = redis.call('ZCARD', key), true
end
last = stamp(-1, -1)
if changed and last then
  redis.call('PEXPIRE', key, text(math.ceil((last + window - now) / 1000) + keep + 1))
end
local leaves = 0
if taken < cost and cost <= limit and after + cost > limit then
  leaves = stamp(cost - limit - 1, cost - limit - 1)
end
last = last or now - window - (closed and 1 or 0)
if set_back then leaves, last = math.min(leaves, now), math.min(last, now) end
return {taken, count, leaves, last, now}
)lua";

/// A script and the name by which a server that has it runs it: its SHA-1 (the tests prove it; to
/// calculate it here would cost every user half a second).
struct redis_script {
  std::string_view text;
  std::string_view sha1;
};

inline constexpr redis_script redis_bucket_lua{redis_bucket_script,
                                               "53e6855594df48311bbd437ba9fa71ed5dfbe927"};
inline constexpr redis_script redis_fixed_window_lua{redis_fixed_window_script,
                                                     "4e7942b5ab9851ebd1cb706a6e5851d2ba2f96ef"};
inline constexpr redis_script redis_sliding_window_lua{redis_sliding_window_script,
                                                       "59dc6f09f72fd271ce6351c0b44ef45cbe0f6e67"};
inline constexpr redis_script redis_sliding_log_lua{redis_sliding_log_script,
                                                    "d945dc7aae53a000ac9c1196fb0f274567858172"};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
