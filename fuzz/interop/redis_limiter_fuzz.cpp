// SPDX-License-Identifier: BSL-1.0
// Replies of a hostile server, as bytes and as integers, to questions of all kinds.
#include <quoin/interop/redis_limiter.hpp>

#include "support/input.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace {

void check(const quoin::decision& d) {
  QUOIN_FUZZ_CHECK(d.remaining <= d.limit);
  QUOIN_FUZZ_CHECK(d.allowed == (d.reason == quoin::limit_reason::none));
  QUOIN_FUZZ_CHECK(d.retry_after.count() >= 0 && d.reset_after.count() >= 0);
  QUOIN_FUZZ_CHECK(!d.allowed || d.retry_after.count() == 0);
}

/// Asks what the first byte says and reads the answer in `reply`.
template <class Limiter, class Reply>
void answer(const Limiter& limiter, std::uint64_t cost, const Reply& reply) {
  if (const auto d = limiter.try_acquire(cost).answer_of(reply)) check(*d);
  if (const auto d = limiter.peek(cost).answer_of(reply)) check(*d);
  if (const auto n = limiter.acquire_up_to(cost).answer_of(reply)) QUOIN_FUZZ_CHECK(*n <= cost);
  static_cast<void>(limiter.refund(cost).answer_of(reply));
}

template <class Reply>
void ask(quoin_fuzz::input in, const Reply& reply) {
  const auto kind = in.take<std::uint8_t>();
  const std::uint64_t cost = in.take<std::uint64_t>() >> in.take<std::uint8_t>() % 64;
  const quoin::rate rate{in.take<std::uint32_t>(),
                         std::chrono::microseconds(1 + std::int64_t{in.take<std::uint32_t>()})};
  const quoin::redis_window_options windows{.rate = rate};
  if (kind % 4 == 0) return answer(quoin::redis_fixed_window(windows), cost, reply);
  if (kind % 4 == 1) return answer(quoin::redis_sliding_window(windows, kind > 99), cost, reply);
  if (kind % 4 == 2) {
    const quoin::rate small{rate.count % 1000, rate.per};
    const quoin::redis_sliding_log_policy policy{kind > 99, kind % 8 < 4};
    return answer(quoin::redis_sliding_log({.rate = small}, policy), cost, reply);
  }
  const quoin::redis_token_bucket bucket(
      {.rate = {rate.count % 1000, rate.per}, .burst = kind, .max_debt = kind % 7u});
  answer(bucket, cost, reply);
  if (const auto d = bucket.debit(cost).answer_of(reply)) check(*d);
  const auto wait = bucket.reserve(cost, std::chrono::microseconds(kind)).answer_of(reply);
  if (wait && wait->granted) QUOIN_FUZZ_CHECK(wait->wait <= std::chrono::microseconds(kind));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  const auto question = in;
  in.take_bytes(18);
  auto integers_left = in;
  std::int64_t integers[6];
  for (auto& x : integers)
    x = integers_left.take<std::int64_t>() >> integers_left.take<std::uint8_t>() % 64;
  for (const std::size_t count : {3u, 4u, 5u}) {
    ask(question, std::span<const std::int64_t>(integers, count));
  }
  if (const auto d = quoin::from_redis_cell({integers, 5})) {
    check(*d);
    QUOIN_FUZZ_CHECK(quoin::from_redis_cell(quoin::to_redis_cell(*d).integers).has_value());
  }

  const auto bytes = in.rest();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto reply = quoin::read_redis_reply(text);
  if (!reply) {
    QUOIN_FUZZ_CHECK(reply.error().position() <= text.size());
    return 0;
  }
  QUOIN_FUZZ_CHECK(reply->size() <= text.size());
  QUOIN_FUZZ_CHECK(quoin::read_redis_reply(text.substr(0, reply->size()))->size() == reply->size());
  ask(question, *reply);
  if (const auto d = quoin::from_redis_rate(reply->values(), 1u << 20)) {
    QUOIN_FUZZ_CHECK(d->retry_after.count() >= 0 && d->reset_after.count() >= 0);
  }
  return 0;
}
