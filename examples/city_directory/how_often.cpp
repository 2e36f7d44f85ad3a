// SPDX-License-Identifier: BSL-1.0
/// @file
/// Chapter: how often? The words that names are made of, with a count-min sketch.
#include <quoin/sketch/count_min_sketch.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "directory.hpp"
#include "words.hpp"

namespace city_directory {
namespace {

using sketch = quoin::count_min_sketch<>;

constexpr double delta = 0.01;

/// How far estimates are above the truth, over all words.
struct errors {
  double mean = 0;
  std::uint64_t largest = 0;
  double none = 0;    ///< share of words whose estimate is right
  double beyond = 0;  ///< share of words beyond the bound
};

errors errors_of(const sketch& s, const counted_words& truth) {
  const double bound = s.epsilon(delta) * static_cast<double>(s.total());
  const auto n = static_cast<double>(truth.size());
  errors e;
  for (const counted_word& w : truth) {
    const std::uint64_t estimate = s.estimate(w.word);
    require(estimate >= w.count, "an estimate is never below the truth");
    const std::uint64_t error = estimate - w.count;
    e.mean += static_cast<double>(error) / n;
    e.largest = std::max(e.largest, error);
    e.none += (error == 0) / n;
    e.beyond += (static_cast<double>(error) > bound) / n;
  }
  return e;
}

void tell_words(const std::vector<std::string>& all, const counted_words& truth) {
  const quoin::count_min_options shape{.width = 4096, .depth = 4};
  sketch counts(shape), plain({.width = 4096, .depth = 4, .conservative = false});
  counts.add_many(all);
  plain.add_many(all);

  section("How often does each word come?  words.add_many(all), .estimate(word)");
  std::printf(
      "  words %s, different ones %s by std::unordered_map; the sketch has 4 x 4,096\n"
      "  counters, %s bytes, whatever is counted\n\n",
      grouped(all.size()).c_str(), grouped(truth.size()).c_str(),
      grouped(counts.size_bytes()).c_str());
  std::puts("  word            exact   estimate   plain update");
  for (std::size_t i = 0; i < 10; ++i) {
    std::printf("  %s %8s   %8s       %8s\n", padded(truth[i].word, 12).c_str(),
                grouped(truth[i].count).c_str(), grouped(counts.estimate(truth[i].word)).c_str(),
                grouped(plain.estimate(truth[i].word)).c_str());
  }

  std::puts("\n  over all words            conservative       plain");
  const errors c = errors_of(counts, truth), p = errors_of(plain, truth);
  std::printf("  exactly right                 %6.2f %%    %6.2f %%\n", 100 * c.none, 100 * p.none);
  std::printf("  too high by, on average       %8.2f    %8.2f\n", c.mean, p.mean);
  std::printf("  too high by, at most          %8s    %8s\n", grouped(c.largest).c_str(),
              grouped(p.largest).c_str());
  std::printf("  too low                       %8d    %8d   (impossible)\n", 0, 0);
  const double bound = counts.epsilon(delta) * static_cast<double>(counts.total());
  std::printf("  too high by more than %-5.1f   %6.2f %%    %6.2f %%   (promised: 1 %% at most)\n",
              bound, 100 * c.beyond, 100 * p.beyond);
  require(c.beyond <= delta && p.beyond <= delta, "few words are beyond the bound");
  require(c.mean <= p.mean, "conservative update is nearer to the truth");
}

void tell_strangers(const std::vector<std::string>& all) {
  sketch counts({.width = 4096, .depth = 4});
  counts.add_many(all);
  constexpr std::size_t strangers = 100'000;
  const double bound = counts.epsilon(delta) * static_cast<double>(counts.total());
  std::size_t zero = 0, beyond = 0;
  for (std::size_t i = 0; i < strangers; ++i) {
    const std::uint64_t n = counts.estimate("#" + std::to_string(i));
    zero += n == 0;
    beyond += static_cast<double>(n) > bound;
  }
  section("And a word that no name has?  (100,000 of them)");
  std::printf("  estimated to come 0 times %s, more than %.1f times %s\n", grouped(zero).c_str(),
              bound, grouped(beyond).c_str());
  require(static_cast<double>(beyond) <= delta * strangers, "few strangers are beyond the bound");
}

void tell_merge(const std::vector<place>& places, const counted_words& truth) {
  const quoin::count_min_options shape{.width = 4096, .depth = 4, .conservative = false};
  sketch west(shape), east(shape), whole(shape);
  for (const place& p : places) {
    for (const std::string& word : words_of(p.name)) {
      (p.lng < 0 ? west : east).add(word);
      whole.add(word);
    }
  }
  section("Where does a word come from?  west.estimate(word), west.merge(east)");
  std::puts("  word             west       east    together      exact");
  for (const char* const word : {"San", "Santa", "al", "Bad"}) {
    const auto exact = std::find_if(truth.begin(), truth.end(),
                                    [&](const counted_word& w) { return w.word == word; });
    require(exact != truth.end(), "there are such words");
    std::printf("  %-10s %10s %10s  %10s %10s\n", word, grouped(west.estimate(word)).c_str(),
                grouped(east.estimate(word)).c_str(), grouped(whole.estimate(word)).c_str(),
                grouped(exact->count).c_str());
  }
  west.merge(east);
  require(west == whole, "the merged sketch is that of all words");
  std::puts("\n  With plain update the merged sketch is equal bit for bit to one of all words.");
}

}  // namespace

void how_often(const std::vector<place>& places) {
  std::vector<std::string> all;
  for (const place& p : places) {
    for (std::string& word : words_of(p.name)) all.push_back(std::move(word));
  }
  const counted_words truth = count_words(all);
  chapter("How often?", "quoin::count_min_sketch");
  std::puts("\nA sketch that says how often a key came, or a little more, never less.");
  tell_words(all, truth);
  tell_strangers(all);
  tell_merge(places, truth);
}

}  // namespace city_directory
