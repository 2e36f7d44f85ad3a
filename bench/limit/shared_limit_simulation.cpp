// SPDX-License-Identifier: BSL-1.0
// How exactly nodes keep a limit together, and what that costs in messages: the tables of
// docs/shared-limits.md.
//
//   shared_limit_simulation [SECONDS [NODES]]      (default 8, and 3 to 1000; three minutes on one core)
//
// Time, network and requests are simulated, from fixed seeds. One limit of 10,000 a second and a
// burst of 5000; requests come as Poisson processes; a message takes between half and one and a half
// times the latency, and one of a hundred is lost. The first two seconds do not count. Gossip is told
// to four other nodes, chosen anew each time.
#include <quoin/limit/lease_pool.hpp>
#include <quoin/limit/leased_limiter.hpp>
#include <quoin/limit/share.hpp>
#include <quoin/limit/token_bucket.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using nanoseconds = std::chrono::nanoseconds;
using clock_type = quoin::manual_clock;
using time_point = clock_type::time_point;
using bucket = quoin::token_bucket<clock_type>;

constexpr std::uint64_t rate = 10'000, burst = 5'000;
constexpr nanoseconds warm_up = 2s, bin = 10ms;

// --- requests ---------------------------------------------------------------------------------------

enum class load { even, zipf, hot, bursts, deaths };
constexpr load loads[] = {load::even, load::zipf, load::hot, load::bursts, load::deaths};
constexpr const char* load_names[] = {"even", "Zipf", "one hot", "bursts", "deaths"};
constexpr double offers[] = {0.5, 1, 2};

struct setting {
  std::size_t nodes = 0;
  nanoseconds latency{0};
  load how = load::even;
  double offered = 1;  // of the rate
  nanoseconds length{0};
};

struct arrival {
  nanoseconds when;
  std::size_t node;
};

double uniform(std::mt19937_64& random) {
  return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53;
}

/// The share of each node in the requests. A fifth of the time a node of `bursts` has five times as
/// many, and otherwise none.
std::vector<double> shares(const setting& s) {
  std::vector<double> share(s.nodes, 1);
  if (s.how == load::zipf) {
    for (std::size_t i = 0; i < s.nodes; ++i) share[i] = 1 / static_cast<double>(i + 1);
  }
  if (s.how == load::hot) share[0] = static_cast<double>(s.nodes - 1);
  double sum = 0;
  for (const double each : share) sum += each;
  for (double& each : share) each /= sum;
  return share;
}

std::vector<arrival> arrivals(const setting& s) {
  constexpr double period = 2.5e9, on = 0.5e9;
  std::mt19937_64 random(s.nodes);
  std::vector<arrival> all;
  const std::vector<double> share = shares(s);
  const double peak = s.how == load::bursts ? period / on : 1;
  for (std::size_t i = 0; i < s.nodes; ++i) {
    const double gap = 1e9 / (static_cast<double>(rate) * s.offered * share[i] * peak);
    const double phase = uniform(random) * period;
    for (double t = 0;;) {
      t -= std::log(uniform(random)) * gap;
      if (t >= static_cast<double>(s.length.count())) break;
      if (s.how == load::bursts && std::fmod(t + phase, period) >= on) continue;
      all.push_back({nanoseconds(static_cast<std::int64_t>(t)), i});
    }
  }
  std::sort(all.begin(), all.end(), [](const arrival& a, const arrival& b) {
    return a.when != b.when ? a.when < b.when : a.node < b.node;
  });
  return all;
}

// --- the network ------------------------------------------------------------------------------------

/// What happens later, in order of time.
class network {
 public:
  network(clock_type& clock, nanoseconds latency)
      : clock_(&clock), latency_(static_cast<std::uint64_t>(latency.count())) {}

  void at(time_point when, std::function<void()> what) {
    later_.push({when, sequence_++, std::move(what)});
  }
  void send(std::function<void()> what) {
    ++messages_;
    const std::uint64_t takes = latency_ / 2 + random_() % (latency_ + 1);
    if (random_() % 100 != 0) at(clock_->now() + nanoseconds(takes), std::move(what));
  }
  void run_until(time_point when) {
    while (!later_.empty() && later_.top().when <= when) {
      const event next = later_.top();
      later_.pop();
      clock_->set(next.when);
      next.what();
    }
    clock_->set(when);
  }
  [[nodiscard]] std::uint64_t messages() const { return messages_; }
  [[nodiscard]] nanoseconds latency() const {
    return nanoseconds(static_cast<std::int64_t>(latency_));
  }
  std::mt19937_64& random() { return random_; }

 private:
  struct event {
    time_point when;
    std::uint64_t sequence;
    std::function<void()> what;
    bool operator<(const event& other) const {
      return when != other.when ? when > other.when : sequence > other.sequence;
    }
  };

  clock_type* clock_;
  std::uint64_t latency_, messages_ = 0, sequence_ = 0;
  std::mt19937_64 random_{7};
  std::priority_queue<event> later_;
};

// --- what was let pass ------------------------------------------------------------------------------

struct outcome {
  double accuracy = 0;  // passed, of what one bucket for all lets pass
  double fullest = 0;   // second, of what the promise is
  double fairness = 0;  // least share of a node, of its max-min fair one
  double messages = 0;  // in a second
  double per_1000 = 0;  // requests
};

class record {
 public:
  explicit record(const setting& s)
      : s_(s),
        offered_(s.nodes),
        passed_(s.nodes),
        bins_(static_cast<std::size_t>(s.length / bin) + 1) {}

  void offered(std::size_t node, nanoseconds when) {
    if (when >= warm_up) ++offered_[node];
  }
  void passed(std::size_t node, nanoseconds when) {
    ++bins_[std::min(bins_.size() - 1, static_cast<std::size_t>(when / bin))];
    if (when >= warm_up) ++passed_[node];
  }

  [[nodiscard]] std::uint64_t total() const { return sum(passed_); }
  [[nodiscard]] std::uint64_t requests() const { return sum(offered_); }

  [[nodiscard]] double fullest(std::uint64_t promised) const {
    std::uint64_t inside = 0, most = 0;
    for (std::size_t i = 0; i < bins_.size(); ++i) {
      inside += bins_[i];
      if (i >= 100) inside -= bins_[i - 100];
      most = std::max(most, inside);
    }
    return static_cast<double>(most) / static_cast<double>(promised);
  }

  /// The fair level is of what one bucket lets pass.
  [[nodiscard]] double fairness(std::uint64_t all) const {
    std::vector<std::uint64_t> wants = offered_;
    std::sort(wants.begin(), wants.end());
    const auto level = quoin::detail::max_min_level_of(wants, all);
    const double cut = level.among == 0
                           ? 1e18
                           : static_cast<double>(level.whole) +
                                 static_cast<double>(level.rest) / static_cast<double>(level.among);
    double least = 1e9;
    for (std::size_t i = 0; i < offered_.size(); ++i) {
      const double fair = std::min(static_cast<double>(offered_[i]), cut);
      if (fair > 0) least = std::min(least, static_cast<double>(passed_[i]) / fair);
    }
    return least;
  }

 private:
  [[nodiscard]] static std::uint64_t sum(const std::vector<std::uint64_t>& counts) {
    std::uint64_t total = 0;
    for (const std::uint64_t each : counts) total += each;
    return total;
  }

  setting s_;
  std::vector<std::uint64_t> offered_, passed_;
  std::vector<std::uint64_t> bins_;
};

// --- ways to keep a limit ---------------------------------------------------------------------------

struct scene {
  clock_type& clock;
  network& net;
  record& out;
  std::size_t nodes;

  void passed(std::size_t node) { out.passed(node, clock.now().time_since_epoch()); }
};

class way {
 public:
  virtual ~way() = default;
  virtual void request(std::size_t node) = 0;
  /// The node dies and another one takes its place.
  virtual void dies(std::size_t node) = 0;
};

class one_bucket : public way {
 public:
  explicit one_bucket(scene& s) : s_(s), all_({quoin::per_second(rate), burst}, s.clock) {}
  void request(std::size_t node) override {
    if (all_.try_acquire()) s_.passed(node);
  }
  void dies(std::size_t /*node*/) override {}

 private:
  scene& s_;
  bucket all_;
};

/// Two messages for each request. It is refused if no answer comes.
class ask_each_time : public way {
 public:
  explicit ask_each_time(scene& s) : s_(s), all_({quoin::per_second(rate), burst}, s.clock) {}
  void request(std::size_t node) override {
    s_.net.send([this, node] {
      const bool passes = all_.try_acquire().allowed;
      s_.net.send([this, node, passes] {
        if (passes) s_.passed(node);
      });
    });
  }
  void dies(std::size_t /*node*/) override {}

 private:
  scene& s_;
  bucket all_;
};

class split : public way {
 public:
  explicit split(scene& s) : s_(s) {
    for (std::size_t i = 0; i < s.nodes; ++i) each_.push_back(part());
  }
  void request(std::size_t node) override {
    if (each_[node].try_acquire()) s_.passed(node);
  }
  void dies(std::size_t node) override { each_[node] = part(); }

 private:
  [[nodiscard]] bucket part() const {
    const auto per = static_cast<std::int64_t>(s_.nodes);
    const std::uint64_t own = std::max<std::uint64_t>(burst / s_.nodes, 1);
    return bucket({.rate = {rate, per * 1s}, .burst = own}, s_.clock);
  }

  scene& s_;
  std::vector<bucket> each_;
};

class leases : public way {
 public:
  leases(scene& s, nanoseconds interval)
      : s_(s),
        interval_(interval),
        pool_({.rate = quoin::per_second(rate), .burst = burst, .interval = interval}, s.clock) {
    for (std::size_t i = 0; i < s.nodes; ++i) {
      each_.push_back(born());
      s.net.at(
          time_point(interval * static_cast<std::int64_t>(i) / static_cast<std::int64_t>(s.nodes)),
          [this, i] { tick(i); });
    }
  }
  void request(std::size_t node) override {
    if (each_[node].try_acquire()) s_.passed(node);
    ask(node);
  }
  void dies(std::size_t node) override { each_[node] = born(); }

 private:
  using limiter = quoin::leased_limiter<clock_type>;

  [[nodiscard]] limiter born() {
    return limiter({.node = s_.net.random()(), .interval = interval_}, s_.clock);
  }
  void tick(std::size_t node) {
    ask(node);
    s_.net.at(s_.clock.now() + interval_ / 4, [this, node] { tick(node); });
  }
  void ask(std::size_t node) {
    if (!each_[node].due_at(s_.clock.now())) return;
    s_.net.send([this, node, request = each_[node].request_at(s_.clock.now())] {
      s_.net.send([this, node, grant = pool_.grant(request)] {
        each_[node].granted_at(s_.clock.now(), grant);
      });
    });
  }

  scene& s_;
  nanoseconds interval_;
  quoin::lease_pool<clock_type> pool_;
  std::vector<limiter> each_;
};

/// Each node tells some others what it knows, once in an interval.
class gossip : public way {
 public:
  gossip(scene& s, nanoseconds interval, bool shares)
      : s_(s), interval_(interval), heard_of_all_(shares ? to_all() : 0ns) {
    for (std::size_t i = 0; i < s.nodes; ++i) {
      each_.push_back(born());
      s.net.at(
          time_point(interval * static_cast<std::int64_t>(i) / static_cast<std::int64_t>(s.nodes)),
          [this, i] { tell(i); });
    }
  }
  void request(std::size_t node) override {
    if (each_[node].try_acquire()) s_.passed(node);
  }
  void dies(std::size_t node) override { each_[node] = born(); }

 private:
  using window = quoin::shared_window<clock_type>;
  static constexpr std::size_t peers = 4;

  /// As many rounds as it takes, about, and twice the latency.
  [[nodiscard]] nanoseconds to_all() const {
    std::int64_t rounds = 1;
    for (std::size_t know = peers + 1; know < s_.nodes; know *= peers + 1) ++rounds;
    return rounds * interval_ + 2 * s_.net.latency();
  }
  [[nodiscard]] window born() {
    return window({.rate = quoin::per_second(rate),
                   .node = s_.net.random()(),
                   .share_interval = heard_of_all_,
                   .nodes = s_.nodes,
                   .max_nodes = 4096},
                  s_.clock);
  }
  void tell(std::size_t node) {
    s_.net.at(s_.clock.now() + interval_, [this, node] { tell(node); });
    const auto bytes = std::make_shared<const std::vector<std::byte>>(each_[node].to_bytes());
    for (std::size_t i = 0; i < std::min(peers, s_.nodes - 1); ++i) {
      const auto step = static_cast<std::size_t>(s_.net.random()() % (s_.nodes - 1));
      const std::size_t peer = (node + 1 + step) % s_.nodes;
      s_.net.send([this, peer, bytes] { (void)each_[peer].merge_bytes(*bytes); });
    }
  }

  scene& s_;
  nanoseconds interval_, heard_of_all_;
  std::vector<window> each_;
};

// --- running ----------------------------------------------------------------------------------------

struct method {
  const char* name;
  std::function<std::unique_ptr<way>(scene&)> make;
  std::uint64_t at_most = rate + burst;  // in a second, as promised of one for all
  std::size_t most_nodes = 1000;         // more take too long to simulate
};

outcome run(const setting& s, const std::vector<arrival>& all, const method& m,
            std::uint64_t of_one_bucket) {
  clock_type clock;
  network net(clock, s.latency);
  record out(s);
  scene stage{clock, net, out, s.nodes};
  const auto limit = m.make(stage);
  if (s.how == load::deaths) {  // one of twenty nodes, or one
    const std::size_t deaths = std::max<std::size_t>(s.nodes / 20, 1);
    for (std::size_t i = 0; i < deaths; ++i) {
      const auto when = warm_up + (s.length - warm_up) * static_cast<std::int64_t>(i + 1) /
                                      static_cast<std::int64_t>(deaths + 1);
      net.at(time_point(when), [&limit, node = i * 20 % s.nodes] { limit->dies(node); });
    }
  }
  for (const arrival& each : all) {
    net.run_until(time_point(each.when));
    out.offered(each.node, each.when);
    limit->request(each.node);
  }
  net.run_until(time_point(s.length));
  const double time = std::chrono::duration<double>(s.length).count();
  const double counted = std::chrono::duration<double>(s.length - warm_up).count();
  const std::uint64_t ideal = of_one_bucket == 0 ? out.total() : of_one_bucket;
  const auto messages = static_cast<double>(net.messages()) / time;
  return {.accuracy = static_cast<double>(out.total()) / static_cast<double>(ideal),
          .fullest = out.fullest(m.at_most),
          .fairness = out.fairness(ideal),
          .messages = messages,
          .per_1000 = 1000 * messages * counted / static_cast<double>(out.requests())};
}

std::uint64_t passed_by_one_bucket(const setting& s, const std::vector<arrival>& all) {
  clock_type clock;
  network net(clock, 0ns);
  record out(s);
  scene stage{clock, net, out, s.nodes};
  one_bucket limit(stage);
  for (const arrival& each : all) {
    clock.set(time_point(each.when));
    limit.request(each.node);
  }
  return out.total();
}

/// Means, and the worst, over all loads and offers.
struct summary {
  double accuracy = 0, least = 1e9, most = 0, fullest = 0, fairness = 0, unfairest = 1e9;
  double messages = 0, per_1000 = 0;
  int runs = 0, fair_runs = 0;

  void add(const outcome& o, bool fair) {
    ++runs;
    accuracy += o.accuracy;
    least = std::min(least, o.accuracy);
    most = std::max(most, o.accuracy);
    fullest = std::max(fullest, o.fullest);
    if (fair) {
      ++fair_runs;
      fairness += o.fairness;
      unfairest = std::min(unfairest, o.fairness);
    }
    messages += o.messages;
    per_1000 += o.per_1000;
  }
  void print(std::size_t nodes, nanoseconds latency, const char* name) const {
    const double n = runs;
    std::printf(
        "| %4zu | %2d ms | %-14s | %6.1f %% | %6.1f %% to %5.1f %% | %5.2f | %4.2f | %4.2f | "
        "%6.0f | %5.0f |\n",
        nodes, static_cast<int>(latency / 1ms), name, 100 * accuracy / n, 100 * least, 100 * most,
        fullest, fairness / fair_runs, unfairest, messages / n, per_1000 / n);
  }
};

std::vector<method> methods() {
  const auto lease = [](nanoseconds interval) {
    return [interval](scene& s) { return std::make_unique<leases>(s, interval); };
  };
  const auto tell = [](nanoseconds interval, bool shares) {
    return [=](scene& s) { return std::make_unique<gossip>(s, interval, shares); };
  };
  return {{"ask each time", [](scene& s) { return std::make_unique<ask_each_time>(s); }},
          {"lease, 20 ms", lease(20ms)},
          {"lease, 50 ms", lease(50ms)},
          {"lease, 100 ms", lease(100ms)},
          {"gossip, 20 ms", tell(20ms, false), rate, 100},
          {"gossip, 100 ms", tell(100ms, false), rate, 300},
          {"gossip, shares", tell(100ms, true), rate, 100},
          {"static split", [](scene& s) { return std::make_unique<split>(s); }}};
}

}  // namespace

int main(int argc, char** argv) {
  const nanoseconds length = std::chrono::seconds(argc > 1 ? std::max(std::atoi(argv[1]), 3) : 8);
  const auto only = static_cast<std::size_t>(argc > 2 ? std::max(std::atoi(argv[2]), 0) : 0);
  const std::vector<method> all = methods();
  std::vector<std::string> detail;
  std::printf(
      "| nodes | latency | way | passed | of single runs | fullest second | fairness | worst |"
      " messages/s | per 1000 |\n|---|---|---|---|---|---|---|---|---|---|\n");
  for (const std::size_t nodes : {std::size_t{3}, std::size_t{10}, std::size_t{30},
                                  std::size_t{100}, std::size_t{300}, std::size_t{1000}}) {
    if (only != 0 && only != nodes) continue;
    for (const nanoseconds latency : {nanoseconds(1ms), nanoseconds(20ms)}) {
      std::vector<summary> sums(all.size());
      for (const load how : loads) {
        for (const double offered : offers) {
          const setting s{nodes, latency, how, offered, length};
          const std::vector<arrival> requests = arrivals(s);
          const std::uint64_t ideal = passed_by_one_bucket(s, requests);
          std::string row;
          for (std::size_t i = 0; i < all.size(); ++i) {
            if (nodes > all[i].most_nodes) continue;
            const outcome o = run(s, requests, all[i], ideal);
            sums[i].add(o, how != load::bursts);
            char cell[64];
            std::snprintf(cell, sizeof cell, " %6.1f %%, %4.2f |", 100 * o.accuracy, o.fairness);
            row += cell;
          }
          if (nodes != 100 || latency != 20ms) continue;
          char begin[64];
          std::snprintf(begin, sizeof begin, "| %-7s | %3.1f |",
                        load_names[static_cast<std::size_t>(how)], offered);
          detail.push_back(begin + row);
        }
      }
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (sums[i].runs != 0) sums[i].print(nodes, latency, all[i].name);
      }
      std::fflush(stdout);
    }
  }
  if (detail.empty()) return 0;
  std::printf("\n100 nodes, 20 ms: passed, and fairness\n\n| load | offered |");
  for (const method& m : all) std::printf(" %s |", m.name);
  std::printf("\n|---|---|");
  for (std::size_t i = 0; i < all.size(); ++i) std::printf("---|");
  std::printf("\n");
  for (const std::string& row : detail) std::printf("%s\n", row.c_str());
}
