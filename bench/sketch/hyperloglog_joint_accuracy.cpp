// SPDX-License-Identifier: BSL-1.0
// Characterizes the joint estimate of two HyperLogLogs against inclusion and exclusion, as the
// tables of docs/accuracy-hyperloglog-joint.md.
//
//   hyperloglog_joint_accuracy [TRIALS]      (default 400, fewer for 10^7 keys; two minutes on one core)
//
// Per row: so many random pairs of sets, with |A ∪ B|, |A| / |B| and |A ∩ B| / |B| as given (B is the
// smaller one), are put into sketches. `error` is the root of the mean squared error over the true
// value, in %; `quotient` is that of inclusion and exclusion over that of the joint estimate; `1σ`
// and `2σ` say how often, in %, the truth was within 1 and 2 of the standard errors that came along.
#include <quoin/sketch/hyperloglog_set_operations.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

/// Distinct hashes: a bijection (SplitMix64) of a counter.
class hash_stream {
 public:
  explicit hash_stream(std::uint64_t seed) : state_(seed * 0x632be59bd9b4e019u) {}

  /// Inserts the next `n` hashes into `first` and, if it is there, `second`.
  void fill(std::uint64_t n, quoin::hyperloglog<>& first, quoin::hyperloglog<>* second = nullptr) {
    std::uint64_t block[1024];
    for (std::uint64_t done = 0; done < n;) {
      const std::size_t count = n - done < 1024 ? static_cast<std::size_t>(n - done) : 1024;
      for (std::size_t i = 0; i < count; ++i) block[i] = next();
      first.insert_hash_many({block, count});
      if (second != nullptr) second->insert_hash_many({block, count});
      done += count;
    }
  }

 private:
  std::uint64_t next() {
    std::uint64_t x = state_ += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
  }

  std::uint64_t state_;
};

/// Errors of one estimated number over many trials.
struct tally {
  double joint = 0, plain = 0, bias = 0;
  unsigned within_1 = 0, within_2 = 0;

  void add(double truth, double estimate, double error, double other) {
    const double d = std::fabs(estimate - truth);
    joint += d * d;
    plain += (other - truth) * (other - truth);
    bias += estimate - truth;
    within_1 += d <= error;
    within_2 += d <= 2 * error;
  }

  void print(double truth, unsigned trials) const {
    const double n = trials;
    std::printf(" %.3g | %.3g | %.2f | %.0f | %.0f |", 100 * std::sqrt(plain / n) / truth,
                100 * std::sqrt(joint / n) / truth, std::sqrt(plain / joint), 100 * within_1 / n,
                100 * within_2 / n);
  }
};

struct row {
  double all;
  unsigned ratio;
  double overlap;
};

struct result {
  tally intersection, jaccard, difference;
};

constexpr unsigned precisions[] = {12, 14};

void characterize(const row& r, unsigned trials, result (&results)[2]) {
  const double smaller = r.all / (r.ratio + 1 - r.overlap);
  const auto both = static_cast<std::uint64_t>(std::fmax(1, std::round(smaller * r.overlap)));
  const auto right = static_cast<std::uint64_t>(std::round(smaller)) - both;
  const auto left = static_cast<std::uint64_t>(r.all) - both - right;
  const auto x = static_cast<double>(both);
  for (unsigned trial = 0; trial < trials; ++trial) {
    quoin::hyperloglog<> a({.precision = 14}), b({.precision = 14});
    hash_stream hashes(trial + 1);
    hashes.fill(left, a);
    hashes.fill(right, b);
    hashes.fill(both, a, &b);
    for (unsigned i = 2; i-- > 0;) {
      a.downsize(precisions[i]);
      b.downsize(precisions[i]);
      const quoin::joint_estimate e = quoin::estimate_joint(a, b);
      const quoin::set_sizes plain = quoin::estimate_by_inclusion_exclusion(a, b);
      results[i].intersection.add(x, e.intersection, e.standard_error.intersection,
                                  plain.intersection);
      results[i].jaccard.add(x / r.all, e.jaccard, e.standard_error.jaccard, plain.jaccard);
      results[i].difference.add(static_cast<double>(left), e.left_only, e.standard_error.left_only,
                                plain.left_only);
    }
  }
  for (unsigned i = 0; i < 2; ++i) {
    std::printf("| %u | %.0e | %u | %.1f %% |", precisions[i], r.all, r.ratio, 100 * r.overlap);
    if (r.overlap <= 0.5) results[i].intersection.print(x, trials);
    if (r.overlap > 0.5) results[i].difference.print(static_cast<double>(left), trials);
    results[i].jaccard.print(x / r.all, trials);
    std::puts("");
  }
  std::fflush(stdout);
}

void print_header(const char* what) {
  std::printf(
      "\n| precision | A ∪ B | A / B | A ∩ B / B | %s: incl.–excl. error %% | joint error %% | "
      "quotient | 1σ | 2σ | Jaccard: incl.–excl. error %% | joint error %% | quotient | 1σ | 2σ |\n"
      "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
      what);
}

}  // namespace

int main(int count, char** arguments) {
  const int trials = count > 1 ? std::atoi(arguments[1]) : 400;
  if (trials < 1) {
    std::fputs("usage: hyperloglog_joint_accuracy [TRIALS >= 1]\n", stderr);
    return 2;
  }
  const auto few = static_cast<unsigned>(trials < 200 ? trials : 200);
  print_header("A ∩ B");
  for (const double all : {1e4, 1e5, 1e6, 1e7}) {
    for (const unsigned ratio : {1u, 10u, 100u}) {
      for (const double overlap : {0.001, 0.01, 0.1, 0.5}) {
        result results[2];
        characterize({all, ratio, overlap}, all == 1e7 ? few : static_cast<unsigned>(trials),
                     results);
      }
    }
  }
  print_header("A \\ B");
  for (const double all : {1e4, 1e5, 1e6}) {
    for (const double overlap : {0.9, 0.99, 0.999}) {
      result results[2];
      characterize({all, 1, overlap}, static_cast<unsigned>(trials), results);
    }
  }
}
