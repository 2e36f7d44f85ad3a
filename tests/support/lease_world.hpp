// SPDX-License-Identifier: BSL-1.0
// Makers of ids, the store that they lease their numbers from, and all that may go wrong between
// them: requests that are lost, late, doubled, replies that are lost, readings that are stale,
// makers that stop anywhere or are killed, clocks that are wrong, a store that forgets.
//
// All of it is one thread. A maker is stopped where it asks the store: what it waits for goes on
// inside of its question, other makers' questions too, and requests that are late come whenever
// their time is.
#ifndef QUOIN_TESTS_SUPPORT_LEASE_WORLD_HPP
#define QUOIN_TESTS_SUPPORT_LEASE_WORLD_HPP

#include <quoin/id/worker_lease.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <unordered_set>
#include <utility>
#include <vector>

namespace quoin_test {

struct lease_world_options {
  std::uint64_t workers = 3;
  std::size_t holders = 5;
  std::int64_t term = 120;  // of leases, in milliseconds as all here
  std::int64_t skew = 20;   // what they are told of their clocks
  std::int64_t clock_error =
      10;  // how wrong these are, either way: at most half of the skew, by rights
  std::uint64_t faults = 30;  // of 256 requests, each kind
  bool forgets = false;       // the store, now and then; and it is known
};

class lease_world {
 public:
  /// `choose(n)` is a number below `n`: of chance, or of a fuzzer.
  using choice = std::function<std::uint64_t(std::uint64_t)>;

  using record = quoin::worker_record;
  using layout = quoin::snowflake_layout<std::chrono::milliseconds, 0, quoin::time_field<30>,
                                         quoin::sequence_field<2>, quoin::datacenter_field<1>,
                                         quoin::worker_field<2>>;
  using mark = record::time_point;

  lease_world(const lease_world_options& options, choice choose)
      : options_(options), choose_(std::move(choose)), holders_(options.holders) {
    for (std::size_t i = 0; i < holders_.size(); ++i) {
      holders_[i].name = i % 4;  // two of one name
      holders_[i].clock.world = this;
      remember_time(holders_[i]);
    }
    for (std::uint64_t w = 0; w < options.workers; ++w) past_.push_back({record()});
  }
  lease_world(const lease_world&) = delete;
  lease_world& operator=(const lease_world&) = delete;

  /// One maker does something, and then time passes.
  void step() {
    act(pick(holders_.size()));
    pass();
  }

  /// The end of all trouble: whether as many makers as there are numbers make ids soon.
  [[nodiscard]] bool recovers() {
    calm_ = true;
    for (holder& h : holders_) h.clock.error = 0;
    elapse(2 * options_.clock_error);
    for (int i = 0; i < 60; ++i) {
      for (holder& h : holders_) keep(h);
      elapse(options_.term / 5);
    }
    std::uint64_t making = 0;
    for (holder& h : holders_) {
      if (h.holds() && make(*h.ids, h.clock.now(), 1)) ++making;
    }
    return making == std::min<std::uint64_t>(options_.workers, holders_.size());
  }

  /// The first thing that must not be, or nullptr.
  [[nodiscard]] const char* broken() const { return broken_; }
  /// How often two held one number at one time.
  [[nodiscard]] std::uint64_t overlaps() const { return overlaps_; }
  [[nodiscard]] std::size_t ids() const { return ids_.size(); }

  // What has happened, so that a test may see that it was a test.
  struct counts {
    std::uint64_t acquired = 0, settled = 0, lost = 0, taken_over = 0, released = 0, refused = 0;
  };
  [[nodiscard]] const counts& seen() const { return seen_; }

 private:
  struct world_clock {
    using duration = std::chrono::milliseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<std::chrono::system_clock, duration>;
    static constexpr bool is_steady = false;
    const lease_world* world = nullptr;
    std::int64_t error = 0;
    [[nodiscard]] time_point now() const { return time_point(duration(world->now_ + error)); }
  };
  struct port {  // the store as one maker sees it
    lease_world* world = nullptr;
    std::optional<record> read(std::uint64_t worker) { return world->read(worker); }
    std::optional<bool> compare_and_set(std::uint64_t worker, const record& from,
                                        const record& to) {
      return world->compare_and_set(worker, from, to);
    }
  };
  using lease = quoin::worker_lease<port, world_clock>;
  using generator = quoin::snowflake_generator<layout, world_clock, quoin::worker_lease_guard>;

  struct holder {
    std::uint64_t name = 0;
    world_clock clock;
    bool busy = false;  // in a question to the store
    std::unique_ptr<lease> leased;
    std::unique_ptr<generator> ids;
    std::vector<std::unique_ptr<generator>> old;  // that should have been dropped
    world_clock::time_point read_before;          // a reading of the clock that was not used yet

    [[nodiscard]] bool holds() const {
      return leased != nullptr && ids != nullptr && leased->holds();
    }
  };
  struct late {
    std::int64_t at;
    std::uint64_t worker;
    record from, to;
  };

  void must(bool condition, const char* what) {
    if (!condition && broken_ == nullptr) broken_ = what;
  }

  [[nodiscard]] std::size_t pick(std::size_t below) {
    return static_cast<std::size_t>(choose_(below));
  }

  // --- the store ---------------------------------------------------------------------------------

  [[nodiscard]] bool fault() { return !calm_ && choose_(256) < options_.faults; }

  std::optional<record> read(std::uint64_t worker) {
    wait();
    if (fault()) return std::nullopt;
    const auto& past = past_[static_cast<std::size_t>(worker)];
    const record answer = fault() ? past[pick(past.size())] : past.back();
    wait();
    return answer;
  }

  std::optional<bool> compare_and_set(std::uint64_t worker, const record& from, const record& to) {
    wait();
    if (fault()) return std::nullopt;
    if (fault()) {
      send_late({0, worker, from, to});
      return std::nullopt;
    }
    bool answer = apply(worker, from, to);
    if (fault()) send_late({0, worker, from, to});
    if (fault()) answer = apply(worker, from, to);  // sent again by some layer below
    wait();
    if (fault()) return std::nullopt;
    return answer;
  }

  void send_late(late request) {
    request.at =
        now_ + static_cast<std::int64_t>(choose_(static_cast<std::uint64_t>(3 * options_.term)));
    late_.push_back(request);
  }

  bool apply(std::uint64_t worker, const record& from, const record& to) {
    auto& past = past_[static_cast<std::size_t>(worker)];
    const record is = past.back();
    if (is != from) return false;
    must(to.token > 0 && to.incarnation != 0, "no record");
    if (!options_.forgets) {
      must(std::find(past.begin(), past.end(), to) == past.end(), "a record came again");
      must(to.token >= is.token, "a token went back");
      must(to.incarnation == is.incarnation || to.token > is.token, "another holder's token");
      must(is.held || !to.held || to.token > is.token, "taken without a token");
      must(to.token == is.token || is.token == 0 || to.end >= is.end, "a mark went back");
    }
    if (is.held && to.incarnation != is.incarnation) ++seen_.taken_over;
    if (is.held && !to.held) ++seen_.released;
    past.push_back(to);
    return true;
  }

  /// The store comes back empty, or as it was some time ago.
  void forget() {
    if (now_ < may_forget_) return;
    may_forget_ = now_ + 2 * options_.term;
    const bool all = choose_(2) == 0;
    for (auto& past : past_) {
      past.push_back(all ? record() : past[pick(past.size())]);
    }
  }

  // --- time --------------------------------------------------------------------------------------

  void elapse(std::int64_t ms) {
    for (now_ += ms;;) {
      const auto due =
          std::find_if(late_.begin(), late_.end(), [&](const late& l) { return l.at <= now_; });
      if (due == late_.end()) break;
      const late request = *due;
      late_.erase(due);
      apply(request.worker, request.from, request.to);
    }
    look();
  }
  void pass() {
    if (calm_) return;
    const std::uint64_t how = choose_(options_.forgets ? 64 : 16);  // more is done in a term there
    const auto below = [&](std::int64_t n) {
      return static_cast<std::int64_t>(choose_(static_cast<std::uint64_t>(n)));
    };
    elapse(how == 0 ? below(3 * options_.term) : how < 4 ? below(options_.term / 3) : below(6));
  }
  /// While a question to the store is under way.
  void wait() {
    if (calm_) return;
    if (choose_(4) == 0) pass();
    if (choose_(4) == 0) act(pick(holders_.size()));
  }

  /// Whether two hold one number now, each by its own clock.
  void look() {
    std::uint64_t held = 0;
    for (const holder& h : holders_) {
      if (!h.leased || !h.leased->holds()) continue;
      const std::uint64_t bit = std::uint64_t{1} << h.leased->worker();
      if ((held & bit) != 0) ++overlaps_;
      held |= bit;
    }
  }

  // --- the makers --------------------------------------------------------------------------------

  void act(std::size_t i) {
    holder& h = holders_[i];
    if (options_.forgets && !calm_ && choose_(8) == 0) forget();
    const std::uint64_t what = choose_(32);
    if (h.busy) {
      if (what < 8 && h.ids) make(*h.ids, h.clock.now(), 1);  // its other threads go on
      return;
    }
    if (what == 0) return stop(h);
    if (what == 1) return move_clock(h);
    if (what == 2) return remember_time(h);
    if (what < 5) return release(h, what == 3);
    if (what == 5 && h.holds()) return begin_use(h);
    if (what < 12 || (options_.forgets && what >= 24)) return keep(h);
    if (!h.old.empty() && what < 16) {
      make(*h.old[pick(h.old.size())], h.clock.now(), 2);
    } else if (h.ids) {
      const bool paused = what < 19;
      make(*h.ids, paused ? h.read_before : h.clock.now(), 1 + what % 6);
    } else {
      keep(h);
    }
  }

  void stop(holder& h) {
    h.old.clear();
    h.ids.reset();
    h.leased.reset();
  }
  void move_clock(holder& h) {
    const auto most = static_cast<std::uint64_t>(options_.clock_error);
    h.clock.error = static_cast<std::int64_t>(choose_(2 * most + 1)) - options_.clock_error;
    look();
  }
  void remember_time(holder& h) { h.read_before = h.clock.now(); }

  /// What a maker is to do now and then.
  void keep(holder& h) {
    if (h.busy) return;
    using std::chrono::milliseconds;
    if (!h.leased) {
      h.leased = std::make_unique<lease>(
          quoin::worker_lease_options{.holder = h.name,
                                      .workers = options_.workers,
                                      .term = milliseconds(options_.term),
                                      .max_clock_skew = milliseconds(options_.skew),
                                      .max_probes = 2,
                                      .store_may_forget = options_.forgets,
                                      .incarnation = ++incarnations_},
          port{this}, h.clock);
    }
    h.busy = true;
    if (!h.ids) {
      const bool paused = !calm_ && choose_(4) == 0;
      if (paused ? h.leased->acquire_at(h.read_before) : h.leased->acquire()) {
        ++seen_.acquired;
        if (unsettled_.erase(&h) != 0) ++seen_.settled;
        h.busy = false;
        begin_use(h);
      } else {
        unsettled_.insert(&h);
      }
    } else if (const auto kept = h.leased->renew(); !kept) {
      if (kept.error() == quoin::worker_error::lost) {
        ++seen_.lost;
        h.old.push_back(std::move(h.ids));
      }
    }
    h.busy = false;
    look();
  }
  void begin_use(holder& h) {
    if (h.ids) h.old.push_back(std::move(h.ids));
    if (h.old.size() > 3) h.old.erase(h.old.begin());
    h.ids.reset(new generator(quoin::leased_snowflake<layout>(
        *h.leased, h.clock,
        {.on_exhaustion = choose_(2) == 0 ? quoin::exhaustion::error : quoin::exhaustion::lead,
         .on_clock_back = static_cast<quoin::clock_back>(choose_(3))})));
  }
  void release(holder& h, bool orderly) {
    if (!h.ids) return;
    h.busy = true;
    if (orderly) {
      const mark unused = h.ids->unused_from();
      h.ids.reset();
      static_cast<void>(h.leased->release(unused));
    } else {
      h.old.push_back(std::move(h.ids));
      static_cast<void>(h.leased->release());
    }
    h.busy = false;
  }

  bool make(generator& from, world_clock::time_point now, std::uint64_t count) {
    const auto made = from.try_reserve_at(now, count);
    if (!made) {
      if (made.error() == quoin::id_error::guard_failed) ++seen_.refused;
      return false;
    }
    for (const std::uint64_t id : *made) must(ids_.insert(id).second, "an id was made twice");
    return true;
  }

  lease_world_options options_;
  choice choose_;
  std::int64_t now_ = 1'000'000;
  std::int64_t may_forget_ = 0;
  std::vector<holder> holders_;
  std::vector<std::vector<record>> past_;  // of each number, the last one is what is there
  std::vector<late> late_;
  std::unordered_set<std::uint64_t> ids_;
  std::set<const holder*> unsettled_;
  std::uint64_t incarnations_ = 0;
  std::uint64_t overlaps_ = 0;
  counts seen_;
  const char* broken_ = nullptr;
  bool calm_ = false;
};

}  // namespace quoin_test

#endif
