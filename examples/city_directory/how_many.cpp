// SPDX-License-Identifier: BSL-1.0
/// @file
/// Chapter: how many? Distinct names and countries, and what two nodes have in common, with a
/// HyperLogLog.
#include <quoin/sketch/hyperloglog.hpp>
#include <quoin/sketch/hyperloglog_set_operations.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <limits>
#include <string>
#include <unordered_set>
#include <vector>

#include "directory.hpp"

namespace city_directory {
namespace {

using names = std::vector<std::string>;
using sketch = quoin::hyperloglog<>;

/// A normal variable is further out once in 16,000 times; with fixed data it always is or never.
constexpr double sigmas = 4;

std::size_t count_distinct(const names& all) {
  return std::unordered_set<std::string>(all.begin(), all.end()).size();
}

sketch sketch_of(const names& all, unsigned precision) {
  sketch s({.precision = precision});
  s.insert_many(all);
  return s;
}

// --- distinct -----------------------------------------------------------------------------------

void tell_distinct(const names& all, const names& countries) {
  section("How many different names are there?  names.insert_many(all), .estimate()");
  const std::size_t exact = count_distinct(all);
  std::printf("  names %s, different ones %s by std::unordered_set\n\n",
              grouped(all.size()).c_str(), grouped(exact).c_str());
  std::puts("  precision    memory   estimate      error   promised (1 standard error)");
  for (const unsigned precision : {8u, 10u, 12u, 14u, 16u}) {
    const sketch s = sketch_of(all, precision);
    const double error = s.estimate() / static_cast<double>(exact) - 1;
    std::printf("  %9u %9s   %8s   %+6.2f %%   %6.2f %%\n", precision,
                (grouped(s.size_bytes()) + " B").c_str(), rounded(s.estimate()).c_str(),
                100 * error, 100 * s.relative_standard_error());
    require(std::abs(error) < sigmas * s.relative_standard_error(),
            "the estimate is within four standard errors");
  }
  names backwards(all.rbegin(), all.rend());
  backwards.insert(backwards.end(), all.begin(), all.end());
  require(sketch_of(backwards, 14) == sketch_of(all, 14), "order and repetition change nothing");
  std::puts("\n  The same names backwards, and then once more: the same sketch, bit for bit.");

  const sketch s = sketch_of(countries, 14);
  const std::size_t exact_countries = count_distinct(countries);
  std::printf("\n  Countries: %s by std::unordered_set, %.2f by the sketch, in %s bytes.\n",
              grouped(exact_countries).c_str(), s.estimate(), grouped(s.size_bytes()).c_str());
  require(std::abs(s.estimate() - static_cast<double>(exact_countries)) < 0.5,
          "a few hundred keys are counted exactly");
}

// --- two nodes ----------------------------------------------------------------------------------

void print_size(const char* what, std::size_t exact, double estimate, double error,
                double usual_way) {
  std::printf("  %-22s %8s   %8s +- %-6s   %8s\n", what, grouped(exact).c_str(),
              rounded(estimate).c_str(), rounded(error).c_str(), rounded(usual_way).c_str());
  require(std::abs(estimate - static_cast<double>(exact)) < sigmas * error,
          "a size is within four of its standard errors");
}

void tell_nodes(const std::vector<place>& places) {
  names west, east;
  for (const place& p : places) (p.lng < 0 ? west : east).push_back(p.name);
  const std::unordered_set<std::string> in_west(west.begin(), west.end());
  const std::unordered_set<std::string> in_east(east.begin(), east.end());
  const auto shared = static_cast<std::size_t>(
      std::count_if(in_west.begin(), in_west.end(),
                    [&](const std::string& name) { return in_east.contains(name); }));
  const std::size_t all = in_west.size() + in_east.size() - shared;

  sketch west_sketch = sketch_of(west, 14);
  const sketch east_sketch = sketch_of(east, 14);
  const quoin::joint_estimate e = quoin::estimate_joint(west_sketch, east_sketch);
  const quoin::set_sizes usual = quoin::estimate_by_inclusion_exclusion(west_sketch, east_sketch);

  section("What do two nodes have in common?  quoin::estimate_joint(west, east)");
  std::puts("  names                     exact    most likely       |A| + |B| - |A u B|");
  const quoin::set_sizes& error = e.standard_error;
  print_size("only west of Greenwich", in_west.size() - shared, e.left_only, error.left_only,
             usual.left_only);
  print_size("only east of it", in_east.size() - shared, e.right_only, error.right_only,
             usual.right_only);
  print_size("in both", shared, e.intersection, error.intersection, usual.intersection);
  print_size("in one or both", all, e.union_size, error.union_size, usual.union_size);
  const double jaccard = static_cast<double>(shared) / static_cast<double>(all);
  std::printf("  %-22s %8.4f   %8.4f +- %.4f   %8.4f\n", "in common (Jaccard)", jaccard, e.jaccard,
              error.jaccard, usual.jaccard);
  require(std::abs(e.jaccard - jaccard) < sigmas * error.jaccard,
          "the similarity is within four of its standard errors");

  west_sketch.merge(east_sketch);
  names both = west;
  both.insert(both.end(), east.begin(), east.end());
  require(west_sketch == sketch_of(both, 14), "the merged sketch is that of all names");
  std::printf(
      "\n  west.merge(east): %s, equal bit for bit to one sketch of all names. 16 KB travel, no names.\n"
      "  +- is one standard error, by theory: 68 of 100 times the truth is within it.\n",
      rounded(west_sketch.estimate()).c_str());
}

// --- speed --------------------------------------------------------------------------------------

template <class F>
double best_ns(std::size_t keys, int rounds, F&& f) {
  double best = std::numeric_limits<double>::max();
  for (int round = 0; round < rounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    f();
    const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
    best = std::min(best, time.count() / static_cast<double>(keys));
  }
  return best;
}

void tell_speed(const names& all) {
  names addresses;
  for (std::size_t i = 0; i < 1'000'000; ++i) {
    addresses.push_back(all[i % all.size()] + " " + std::to_string(i));
  }
  std::size_t exact = 0;
  const double set = best_ns(addresses.size(), 1, [&] { exact = count_distinct(addresses); });
  double estimate = 0, error = 0;
  const double one = best_ns(addresses.size(), 5, [&] {
    sketch s({.precision = 14});
    for (const std::string& address : addresses) s.insert(address);
    estimate = s.estimate();
  });
  const double many = best_ns(addresses.size(), 5, [&] {
    const sketch s = sketch_of(addresses, 14);
    require(s.estimate() == estimate, "one by one and in batches the estimate is the same");
    error = s.relative_standard_error();
  });
  require(std::abs(estimate / static_cast<double>(exact) - 1) < sigmas * error,
          "the estimate is within four standard errors");
  section("What does it cost?  (1,000,000 addresses, precision 14)");
  std::printf("  std::unordered_set<std::string> %8.1f ns   %s\n", set, grouped(exact).c_str());
  std::printf("  sketch, one by one              %8.1f ns   %s +- %s\n", one,
              rounded(estimate).c_str(), rounded(error * estimate).c_str());
  std::printf("  sketch, insert_many             %8.1f ns   the same\n", many);
}

}  // namespace

void how_many(const std::vector<place>& places) {
  names all, countries;
  for (const place& p : places) {
    all.push_back(p.name);
    countries.push_back(p.country);
  }
  chapter("How many?", "quoin::hyperloglog");
  std::puts(
      "\nA sketch of 2^precision bytes knows about how many different keys it was given, not which.");
  tell_distinct(all, countries);
  tell_nodes(places);
  tell_speed(all);
}

}  // namespace city_directory
