// SPDX-License-Identifier: BSL-1.0
/// @file
/// Chapter: how large? Percentiles of population, with a quantile sketch.
#include <quoin/sketch/quantiles.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <vector>

#include "directory.hpp"

namespace city_directory {
namespace {

using sketch = quoin::quantile_sketch<>;

void tell_percentiles(const std::vector<double>& populations) {
  std::vector<double> sorted = populations;
  std::sort(sorted.begin(), sorted.end());
  std::vector<sketch> sketches;
  for (const double accuracy : {0.05, 0.01, 0.001}) {
    sketches.emplace_back(quoin::quantile_options{.relative_accuracy = accuracy});
    sketches.back().insert_many(populations);
  }

  section("How many people live in a town?  population.quantile(0.99)");
  std::puts(
      "                    exact   within 5 %             within 1 %             within 0.1 %");
  for (const double percent : {0.0, 10.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
    const double share = percent / 100;
    const double exact =
        sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
    std::printf("  %6g %% %16s", percent, rounded(exact).c_str());
    for (const sketch& s : sketches) {
      const double error = s.quantile(share) / exact - 1;
      std::printf("   %10s %+6.2f %%", rounded(s.quantile(share)).c_str(), 100 * error);
      require(std::abs(error) <= s.relative_accuracy() * (1 + 1e-12),
              "a percentile is within the relative accuracy");
      const quoin::quantile_range bounds = s.quantile_bounds(share);
      require(bounds.lower <= exact && exact <= bounds.upper, "the bounds contain the percentile");
    }
    std::puts("");
  }
  std::printf("  memory  %16s", (grouped(8 * sorted.size()) + " B").c_str());
  for (const sketch& s : sketches) {
    std::printf("   %10s         ", (grouped(s.size_bytes()) + " B").c_str());
  }
  std::puts(
      "\n\n  The promise is about the people, not about the rank: it holds in the long tail, too.");
}

void tell_share(const std::vector<double>& populations) {
  sketch s({.relative_accuracy = 0.001});
  s.insert_many(populations);
  section("How many towns have more than a million people?  population.rank(1e6)");
  const auto up_to = [&](double most) {
    return static_cast<std::size_t>(
        std::count_if(populations.begin(), populations.end(), [&](double p) { return p <= most; }));
  };
  const std::size_t all = populations.size(), exact = up_to(1e6);
  const std::size_t rank = static_cast<std::size_t>(s.rank(1e6));
  std::printf("  exact %s, by the sketch %s\n", grouped(all - exact).c_str(),
              grouped(all - rank).c_str());
  require(exact <= rank && rank <= up_to(1e6 * (1 + 2.01 * s.relative_accuracy())),
          "a rank is that of a value within twice the accuracy");
}

void tell_merge(const std::vector<place>& places) {
  sketch west, east, whole;
  for (const place& p : places) {
    (p.lng < 0 ? west : east).insert(static_cast<double>(p.population));
    whole.insert(static_cast<double>(p.population));
  }
  section("Can two nodes put together what they measured?  west.merge(east)");
  std::printf("  median west of Greenwich %s, east of it %s, ", rounded(west.quantile(0.5)).c_str(),
              rounded(east.quantile(0.5)).c_str());
  west.merge(east);
  require(west == whole && west.to_bytes() == whole.to_bytes(),
          "the merged sketch is that of all values");
  std::printf("of all %s:\n  the merged sketch is equal bit for bit to one of all, %s bytes.\n",
              rounded(west.quantile(0.5)).c_str(), grouped(west.serialized_size()).c_str());
}

}  // namespace

void how_large(const std::vector<place>& places) {
  std::vector<double> populations;
  for (const place& p : places) populations.push_back(static_cast<double>(p.population));
  chapter("How large?", "quoin::quantile_sketch");
  std::puts("\nA sketch that knows every percentile within a relative error, whatever the values.");
  tell_percentiles(populations);
  tell_share(populations);
  tell_merge(places);
}

}  // namespace city_directory
