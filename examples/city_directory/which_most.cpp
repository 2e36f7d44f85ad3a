// SPDX-License-Identifier: BSL-1.0
/// @file
/// Chapter: which most? The countries with the most towns and the most frequent words of names, with
/// a summary of heavy hitters.
#include <quoin/sketch/heavy_hitters.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "directory.hpp"
#include "words.hpp"

namespace city_directory {
namespace {

using summary = quoin::heavy_hitters<std::string>;

std::uint64_t exact_count(const counted_words& truth, const std::string& key) {
  const auto found = std::find_if(truth.begin(), truth.end(),
                                  [&](const counted_word& w) { return w.word == key; });
  return found == truth.end() ? 0 : found->count;
}

/// All that the summary promises.
void check(const summary& s, const counted_words& truth) {
  require(s.max_error() <= s.total() / s.capacity(), "no error exceeds N / m");
  for (const counted_word& w : truth) {
    require(s.lower_bound(w.word) <= w.count && w.count <= s.upper_bound(w.word),
            "a count is within its bounds");
    require(w.count <= s.total() / s.capacity() || s.contains(w.word),
            "whatever comes more than N / m times is there");
  }
  for (std::size_t k = 1; k <= 20; ++k) {
    for (const summary::item& item : s.guaranteed_top(k)) {
      require(exact_count(truth, item.key) >= truth[k - 1].count,
              "what is called certain is among the most frequent");
    }
  }
}

void print_top(const summary& s, const counted_words& truth, std::size_t k) {
  const std::size_t sure = s.guaranteed_top(k).size();
  for (const summary::item& item : s.top(k)) {
    std::printf("  %s %10s %12s %10s\n", padded(item.key, 12).c_str(),
                grouped(exact_count(truth, item.key)).c_str(), grouped(item.lower_bound()).c_str(),
                grouped(item.count).c_str());
  }
  std::printf("  certainly among the %zu most frequent: %zu of them\n", k, sure);
}

void tell(const char* question, const char* what, const std::vector<std::string>& all,
          std::uint64_t capacity) {
  const counted_words truth = count_words(all);
  summary s({.capacity = capacity});
  s.add_many(all);
  check(s, truth);
  section(question);
  std::printf(
      "  %s %s, different ones %s by std::unordered_map; capacity m = %s: no error\n"
      "  above N / m = %s by promise, %s by its own account\n\n",
      what, grouped(all.size()).c_str(), grouped(truth.size()).c_str(), grouped(capacity).c_str(),
      grouped(s.total() / capacity).c_str(), grouped(s.max_error()).c_str());
  std::puts("                    exact     at least    at most");
  print_top(s, truth, 10);
}

void tell_capacity(const std::vector<std::string>& all) {
  const counted_words truth = count_words(all);
  section("How much memory does it take?  (the same words)");
  std::puts("  capacity   error promised   error at most   top 10 certain   top 10 found");
  for (const std::uint64_t capacity : {30u, 100u, 300u, 1'000u, 3'000u}) {
    summary s({.capacity = capacity});
    s.add_many(all);
    check(s, truth);
    std::size_t found = 0;
    for (const summary::item& item : s.top(10)) {
      found += exact_count(truth, item.key) >= truth[9].count;
    }
    std::printf("  %8s   %14s   %13s   %14zu   %12zu\n", grouped(capacity).c_str(),
                grouped(s.total() / capacity).c_str(), grouped(s.max_error()).c_str(),
                s.guaranteed_top(10).size(), found);
  }
}

void tell_merge(const std::vector<place>& places) {
  std::vector<std::string> all;
  summary west({.capacity = 1'000}), east({.capacity = 1'000});
  for (const place& p : places) {
    for (std::string& word : words_of(p.name)) {
      (p.lng < 0 ? west : east).add(word);
      all.push_back(std::move(word));
    }
  }
  const auto names_of = [](const summary& s) {
    std::string line;
    for (const summary::item& item : s.top(8)) line += (line.empty() ? "" : ", ") + item.key;
    return line;
  };
  section("Can two nodes put together what they counted?  west.merge(east)");
  std::printf("  west of Greenwich   %s\n  east of it          %s\n", names_of(west).c_str(),
              names_of(east).c_str());
  west.merge(east);
  check(west, count_words(all));
  std::printf("  together            %s\n", names_of(west).c_str());
  std::printf("\n  No error above %s, N / m being %s: merging adds none.\n",
              grouped(west.max_error()).c_str(), grouped(west.total() / 1'000).c_str());
}

}  // namespace

void which_most(const std::vector<place>& places) {
  std::vector<std::string> countries, words;
  for (const place& p : places) {
    countries.push_back(p.country);
    for (std::string& word : words_of(p.name)) words.push_back(std::move(word));
  }
  chapter("Which most?", "quoin::heavy_hitters");
  std::puts(
      "\nA summary that finds the most frequent keys and brackets their counts, for certain.");
  tell("Which countries have the most towns?  countries.add_many(all), .top(10)", "towns",
       countries, 40);
  tell("Which words are the most frequent in names?  words.add_many(all), .top(10)", "words", words,
       300);
  tell_capacity(words);
  tell_merge(places);
}

}  // namespace city_directory
