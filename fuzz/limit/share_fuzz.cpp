// SPDX-License-Identifier: BSL-1.0
// Nodes that send each other messages, late, twice or never: no node exceeds what it knows, and all
// know the same when they have heard it all; and raw bytes as a message.
#include <quoin/limit/share.hpp>

#include "support/input.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace {

using node = quoin::shared_window<quoin::manual_clock>;

std::uint64_t all_of(const node& n, node::time_point now) {
  const auto known = n.knowledge_at(now);
  return known.own + known.others;
}

void operate(quoin_fuzz::input in) {
  const quoin::manual_clock clock;
  quoin::shared_window_options options{
      .rate = {in.take<std::uint8_t>(), std::chrono::nanoseconds(in.take_in<std::uint8_t>(1, 99))},
      .form = in.take<bool>() ? quoin::shared_form::fixed : quoin::shared_form::sliding,
      .share_interval = std::chrono::nanoseconds(in.take<std::uint8_t>() / 4),
      .nodes = in.take_in<std::uint8_t>(1, 5),
      .max_nodes = 5,
      .offset = std::chrono::nanoseconds(in.take<std::int8_t>()),
      .max_backward_step = std::chrono::nanoseconds(in.take<std::uint8_t>())};
  std::vector<node> nodes;
  for (std::uint64_t id = 3; id != 0; --id) {
    options.node = id;
    nodes.emplace_back(options, clock);
  }
  std::array<std::vector<std::byte>, 3> sent;
  std::int64_t time = 0;
  const auto now = [&] { return node::time_point(std::chrono::nanoseconds(time)); };
  while (!in.empty()) {
    const auto verb = in.take<std::uint8_t>();
    if (verb == 255) break;
    time += std::int64_t{in.take<std::int8_t>()} << (verb % 32 == 0 ? 20 : 0);
    node& n = nodes[verb / 8 % 3];
    auto& message = sent[verb / 32 % 3];
    const std::uint64_t cost = in.take<std::uint8_t>() % 32;
    const auto looked = n.peek_at(now(), cost);
    switch (verb % 8) {
      case 0:
        message = n.to_bytes();
        break;
      case 1:
        if (!message.empty()) QUOIN_FUZZ_CHECK(n.merge_bytes_at(now(), message).has_value());
        break;
      case 2:
        n.refund_at(now(), cost);
        break;
      case 3:
        QUOIN_FUZZ_CHECK(n.acquire_up_to_at(now(), cost) <= cost);
        break;
      case 4:
        if (cost == 0) n.reset();
        n.merge_at(now(), nodes[0]);
        break;
      default: {
        const auto d = n.try_acquire_at(now(), cost);
        QUOIN_FUZZ_CHECK(d.allowed == looked.allowed && d.retry_after == looked.retry_after);
        QUOIN_FUZZ_CHECK(d.allowed == (d.retry_after.count() == 0));
        QUOIN_FUZZ_CHECK(!d.allowed || cost == 0 || all_of(n, now()) <= options.rate.count);
        QUOIN_FUZZ_CHECK(!d.allowed || d.remaining == looked.remaining - cost ||
                         options.form == quoin::shared_form::sliding);
      }
    }
  }
  for (int round = 0; round < 3; ++round) {
    for (node& to : nodes) {
      to.try_acquire_at(now(), 0);
      for (const node& from : nodes) to.merge_at(now(), from);
    }
  }
  for (const node& from : nodes) {
    for (node& to : nodes) QUOIN_FUZZ_CHECK(to.merge_at(now(), from) == 0);
  }
  const auto rest = std::as_bytes(in.rest());
  if (nodes[0].merge_bytes_at(now(), rest)) {
    QUOIN_FUZZ_CHECK(nodes[0].merge_bytes_at(now(), rest).value() == 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  operate(quoin_fuzz::input(data, size));
  return 0;
}
