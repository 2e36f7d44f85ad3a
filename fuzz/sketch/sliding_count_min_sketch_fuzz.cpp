// SPDX-License-Identifier: BSL-1.0
// Events and batches at any times against exact counts of the panes, and against a sketch for each.
#include <quoin/sketch/sliding_count_min_sketch.hpp>

#include "support/input.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace {

using quoin::manual_clock;
using window_type = quoin::sliding_count_min_sketch<std::uint32_t, manual_clock>;
using duration = manual_clock::duration;
using time_point = manual_clock::time_point;

struct pane {
  quoin::count_min_sketch<> sketch;
  std::map<std::uint64_t, std::uint64_t> truth;
};

class panes_model {
 public:
  panes_model(std::int64_t length, std::uint64_t panes, const quoin::count_min_options& options)
      : length_(length), count_(panes), empty_{quoin::count_min_sketch<>(options), {}} {}

  bool add(std::int64_t tick, std::uint64_t key, std::uint64_t weight) {
    const std::int64_t epoch = epoch_of(tick);
    if (!live(epoch, newest(epoch))) {
      ++late_count;
      late_weight += weight;
      return false;
    }
    pane& p = panes_.try_emplace(epoch, empty_).first->second;
    p.sketch.add(key, weight);
    p.truth[key] += weight;
    return true;
  }

  void check(const window_type& window, std::int64_t tick) const {
    const std::int64_t end = newest(epoch_of(tick));
    const time_point time{duration(tick)};
    std::map<std::uint64_t, std::uint64_t> truth, estimates;
    std::uint64_t total = 0;
    for (const auto& [epoch, p] : panes_) {
      if (!live(epoch, end)) continue;
      for (const auto& [key, count] : p.truth) {
        truth[key] += count;
        total += count;
      }
    }
    std::vector<std::uint64_t> keys;
    for (const auto& each : truth) {
      keys.push_back(each.first);
      for (const auto& [epoch, p] : panes_) {
        if (live(epoch, end)) estimates[each.first] += p.sketch.estimate(each.first);
      }
    }
    std::vector<std::uint64_t> batch(keys.size());
    window.estimate_many_at(time, keys, batch);
    const auto summary = window.summary_at(time);
    QUOIN_FUZZ_CHECK(window.total_at(time) == total && summary.total() == total);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      QUOIN_FUZZ_CHECK(window.estimate_at(time, keys[i]) == estimates[keys[i]]);
      QUOIN_FUZZ_CHECK(batch[i] == estimates[keys[i]]);
      QUOIN_FUZZ_CHECK(batch[i] >= truth[keys[i]] && batch[i] <= summary.estimate(keys[i]));
    }
    QUOIN_FUZZ_CHECK(window.late_count() == late_count && window.late_weight() == late_weight);
  }

  void clear() {
    panes_.clear();
    late_count = late_weight = 0;
  }

  std::uint64_t late_count = 0, late_weight = 0;

 private:
  [[nodiscard]] std::int64_t epoch_of(std::int64_t tick) const {
    const std::int64_t epoch = tick / length_;
    return tick % length_ < 0 ? epoch - 1 : epoch;
  }
  [[nodiscard]] std::int64_t newest(std::int64_t epoch) const {
    return panes_.empty() ? epoch : std::max(epoch, panes_.rbegin()->first);
  }
  [[nodiscard]] bool live(std::int64_t epoch, std::int64_t end) const {
    return static_cast<std::uint64_t>(end) - static_cast<std::uint64_t>(epoch) <= count_;
  }

  std::int64_t length_;
  std::uint64_t count_;
  pane empty_;
  std::map<std::int64_t, pane> panes_;
};

std::int64_t take_tick(quoin_fuzz::input& in) {
  const auto kind = in.take_in<std::uint8_t>(0, 30);
  if (kind == 0) return in.take<std::int64_t>();
  if (kind == 1) return INT64_MIN + in.take<std::uint8_t>();
  if (kind == 2) return INT64_MAX - in.take<std::uint8_t>();
  return in.take<std::int8_t>();
}

void operate(quoin_fuzz::input in) {
  const auto panes = in.take_in<std::uint8_t>(1, 9);
  // Short panes, or longer ones: the longest nine still fit the clock.
  const auto shift = in.take_in<std::uint8_t>(0, 63);
  const auto length = std::int64_t{1} + static_cast<std::int64_t>(in.take<std::uint8_t>()) % 20 +
                      (shift < 40 ? 0 : (std::int64_t{1} << (shift - 4)) - 1);
  const bool conservative = in.take<bool>();
  const auto depth = in.take_in<std::uint8_t>(1, 6);
  manual_clock clock;
  window_type window({.width = 40,
                      .depth = depth,
                      .conservative = conservative,
                      .window = duration(length * panes),
                      .panes = panes},
                     clock);
  panes_model model(length, panes, {.width = 40, .depth = depth, .conservative = conservative});
  for (int checks = 0; !in.empty() && checks < 40;) {
    const auto what = in.take_in<std::uint8_t>(0, 9);
    const std::int64_t tick = take_tick(in);
    const std::uint64_t key = in.take_in<std::uint8_t>(0, 60), weight = key % 4;
    clock.set(time_point(duration(tick)));
    if (what < 6) {
      QUOIN_FUZZ_CHECK(window.add(key, weight) == model.add(tick, key, weight));
    } else if (what < 8) {
      const std::vector<std::uint64_t> keys{key, key + 1, key}, weights{1, key, 0};
      const bool on_time =
          what == 6 ? window.add_many(keys, weight) : window.add_many(keys, weights);
      for (std::size_t i = 0; i < keys.size(); ++i) {
        QUOIN_FUZZ_CHECK(model.add(tick, keys[i], what == 6 ? weight : weights[i]) == on_time);
      }
    } else if (what == 8) {
      model.check(window, tick);
      ++checks;
    } else if (key == 0) {
      window.clear();
      model.clear();
    }
  }
  model.check(window, 0);
  model.check(window, INT64_MAX);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  operate(quoin_fuzz::input(data, size));
  return 0;
}
