// SPDX-License-Identifier: BSL-1.0
/// @file
/// Chapter: have I seen it? Names without their repetitions, with a blocked Bloom filter.
#include <quoin/filter/blocked_bloom_filter.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "directory.hpp"

namespace city_directory {
namespace {

using names = std::vector<std::string>;
using filter = quoin::blocked_bloom_filter<>;

std::size_t count_distinct(const names& all) {
  return std::unordered_set<std::string>(all.begin(), all.end()).size();
}

/// Number `i` of the names that no place has: no name in the data contains '#'.
std::string stranger(const names& all, std::size_t i) {
  return all[i % all.size()] + " #" + std::to_string(i);
}

// --- repetitions --------------------------------------------------------------------------------

void tell_repetitions(const names& all, std::size_t distinct) {
  filter seen({.capacity = distinct, .bits_per_key = 10});
  std::unordered_set<std::string> truth;
  names lost;
  std::size_t reported = 0;
  for (const std::string& name : all) {
    const bool really_new = truth.insert(name).second;
    const bool new_to_filter = seen.try_insert(name);
    require(really_new || !new_to_filter, "a repeated name is never taken for a new one");
    reported += new_to_filter;
    if (really_new && !new_to_filter) lost.push_back(name);
  }
  double expected = 0;  // the sum of the rates as the filter fills, in steps
  for (std::size_t n = 0, step = 100; n < distinct; n += step) {
    expected += static_cast<double>(step) * seen.expected_false_positive_rate(n + step / 2);
  }

  section("Which names are new, as the places come in?  seen.try_insert(name)");
  std::printf("  names                                 %10s\n", grouped(all.size()).c_str());
  std::printf("  distinct, by std::unordered_set       %10s\n", grouped(distinct).c_str());
  std::printf("  repeated                              %10s\n",
              grouped(all.size() - distinct).c_str());
  std::printf("  new, by a filter of 10 bits per name  %10s\n", grouped(reported).c_str());
  std::printf("  new ones that it took for repeated    %10zu   (to be expected: %.0f +- %.0f)\n",
              lost.size(), expected, std::sqrt(expected));
  std::printf("  repeated ones that it took for new    %10d   (impossible)\n", 0);
  std::printf("  distinct, estimated from its bits     %10s\n",
              rounded(seen.estimated_count()).c_str());
  std::printf("\n  Lost: ");
  for (std::size_t i = 0; i < std::min<std::size_t>(lost.size(), 5); ++i) {
    std::printf("%s%s", i == 0 ? "" : ", ", lost[i].c_str());
  }
  std::puts(lost.size() > 5 ? ", ..." : "");
}

// --- false positives ----------------------------------------------------------------------------

void tell_false_positives(const names& all, std::size_t distinct) {
  constexpr std::size_t probes = 1'000'000, batch = 5'000;
  struct row {
    int bits_per_key;
    filter seen;
    std::size_t hits;
  };
  std::vector<row> rows;
  for (const int bits : {8, 10, 12, 16}) {
    rows.push_back({bits, filter({.capacity = distinct, .bits_per_key = double(bits)}), 0});
    rows.back().seen.insert_many(all);
  }
  names some(batch);
  const auto hit = std::make_unique<bool[]>(batch);
  for (std::size_t first = 0; first < probes; first += batch) {
    for (std::size_t i = 0; i < batch; ++i) some[i] = stranger(all, first + i);
    for (row& r : rows) {
      r.seen.contains_many(some, std::span(hit.get(), batch));
      r.hits += static_cast<std::size_t>(std::count(hit.get(), hit.get() + batch, true));
    }
  }

  section("How often does it say yes to a name that no place has?  (1,000,000 of them)");
  std::puts("  bits per name   memory   promised    by its bits   measured");
  for (const row& r : rows) {
    const double promised = r.seen.expected_false_positive_rate(distinct);
    const double actual = r.seen.false_positive_rate();
    const double measured = static_cast<double>(r.hits) / probes;
    const double deviation = std::sqrt(actual * (1 - actual) / probes);
    std::printf("  %13d %5.1f KB   %6.3f %%      %6.3f %%   %6.3f %% +- %.3f\n", r.bits_per_key,
                static_cast<double>(r.seen.size_bytes()) / 1e3, 100 * promised, 100 * actual,
                100 * measured, 100 * deviation);
    // Chance would fail this once in 1.7 million tries; with fixed data it fails always or never.
    require(std::abs(measured - actual) < 5 * deviation,
            "measured false positives are within five standard deviations");
  }
  std::puts("\n  promised: expected_false_positive_rate(n), the mean over all sets of n names");
  std::puts("  by its bits: false_positive_rate(), exact for the filter that these names made");
}

// --- speed and memory ---------------------------------------------------------------------------

/// Counts the bytes that a container asks for; what malloc adds to each request is not in it.
std::size_t counted_bytes = 0;

template <class T>
struct counting_allocator {
  using value_type = T;
  counting_allocator() = default;
  template <class U>
  explicit(false) counting_allocator(const counting_allocator<U>&) noexcept {}
  T* allocate(std::size_t n) {
    counted_bytes += n * sizeof(T);
    return std::allocator<T>().allocate(n);
  }
  void deallocate(T* p, std::size_t n) {
    counted_bytes -= n * sizeof(T);
    std::allocator<T>().deallocate(p, n);
  }
  friend bool operator==(const counting_allocator&, const counting_allocator&) { return true; }
};

using string_set = std::unordered_set<std::string, std::hash<std::string>, std::equal_to<>,
                                      counting_allocator<std::string>>;

std::size_t memory_of(const string_set& set) {
  std::size_t bytes = counted_bytes;  // nodes and buckets; there is one such set at a time
  for (const std::string& s : set) {
    if (s.capacity() > std::string().capacity()) bytes += s.capacity() + 1;
  }
  return bytes;
}

template <class F>
void keep_best(double& best_ns, std::size_t keys, F&& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
  best_ns = std::min(best_ns, time.count() / static_cast<double>(keys));
}

struct figures {
  double insert_ns = std::numeric_limits<double>::max();
  double lookup_ns = std::numeric_limits<double>::max();
  std::size_t bytes = 0;
  std::size_t hits = 0;
};

void print(const char* what, const figures& f, const figures& base) {
  std::printf("  %-34s %6.1f ns %5.1fx %8.1f ns %5.1fx %9.2f MB\n", what, f.insert_ns,
              base.insert_ns / f.insert_ns, f.lookup_ns, base.lookup_ns / f.lookup_ns,
              static_cast<double>(f.bytes) / 1e6);
}

/// Inserts `keys`, then looks up `probes`, half of which were inserted; the best of some rounds, in
/// which the three ways take turns.
void tell_speed(const std::string& title, const names& keys, const names& probes, int rounds) {
  figures set, single, batch;
  const auto hit = std::make_unique<bool[]>(probes.size());
  for (int round = 0; round < rounds; ++round) {
    {
      string_set seen;
      keep_best(set.insert_ns, keys.size(), [&] {
        seen.reserve(keys.size());
        for (const std::string& key : keys) seen.insert(key);
      });
      set.hits = 0;
      keep_best(set.lookup_ns, probes.size(), [&] {
        for (const std::string& key : probes) set.hits += seen.contains(key);
      });
      set.bytes = memory_of(seen);
    }
    filter one({.capacity = keys.size(), .bits_per_key = 10});
    keep_best(single.insert_ns, keys.size(), [&] {
      for (const std::string& key : keys) one.insert(key);
    });
    single.hits = 0;
    keep_best(single.lookup_ns, probes.size(), [&] {
      for (const std::string& key : probes) single.hits += one.contains(key);
    });
    filter many({.capacity = keys.size(), .bits_per_key = 10});
    keep_best(batch.insert_ns, keys.size(), [&] { many.insert_many(keys); });
    keep_best(batch.lookup_ns, probes.size(),
              [&] { many.contains_many(probes, std::span(hit.get(), probes.size())); });
    batch.hits = static_cast<std::size_t>(std::count(hit.get(), hit.get() + probes.size(), true));
    require(one == many, "one by one and in batches the filter becomes the same");
    single.bytes = batch.bytes = one.size_bytes();
  }
  require(single.hits == batch.hits && single.hits >= set.hits, "no false negatives");
  std::printf("  %-34s    insert            lookup           memory\n", title.c_str());
  print("std::unordered_set<std::string>", set, set);
  print("filter, one by one", single, set);
  print("filter, _many", batch, set);
}

void tell_speed(const names& all) {
  section("What does it cost?  (10 bits per name; half of the lookups are for strangers)");
  const auto measure = [&](const std::string& title, const names& keys, int rounds) {
    std::vector<std::size_t> order(keys.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::shuffle(order.begin(), order.end(), std::mt19937(1));
    names probes;  // made in the order of their use, as those of a request are
    for (const std::size_t i : order) probes.push_back(i % 2 == 0 ? keys[i] : stranger(all, i));
    tell_speed(title, keys, probes, rounds);
  };
  measure(grouped(all.size()) + " place names", all, 25);
  names addresses;
  for (std::size_t i = 0; i < 1'000'000; ++i) {
    addresses.push_back(all[i % all.size()] + " " + std::to_string(i));
  }
  std::puts("");
  measure(grouped(addresses.size()) + " addresses", addresses, 3);
  std::printf(
      "\n  Time per key, best of some rounds, with kernels for %s; memory of the set without\n"
      "  what malloc adds. The set answers exactly and can list its keys; the filter cannot.\n",
      std::string(to_string(quoin::active_isa())).c_str());
}

// --- files --------------------------------------------------------------------------------------

/// A new folder below the system's temporary one, removed at the end.
class scratch_folder {
 public:
  scratch_folder() {
    std::random_device random;
    for (int tries = 0; tries < 100; ++tries) {
      path_ = std::filesystem::temp_directory_path() /
              ("quoin-city-directory-" + std::to_string(random()));
      if (std::filesystem::create_directory(path_)) return;
    }
    throw std::runtime_error("cannot make a folder like " + path_.string());
  }
  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) throw std::runtime_error("cannot write " + path.string());
}

std::vector<std::byte> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

void tell_refusal(const char* what, std::span<const std::byte> bytes) {
  const auto loaded = filter::from_bytes(bytes);
  require(!loaded, "damaged bytes are refused");
  std::printf("\n  %s is refused:\n    %s\n", what, loaded.error().message().c_str());
}

void tell_files(const names& all, std::size_t distinct) {
  filter seen({.capacity = distinct, .bits_per_key = 10});
  seen.insert_many(all);
  const scratch_folder folder;
  write_file(folder / "seen.quoin", seen.to_bytes());
  std::vector<std::byte> bytes = read_file(folder / "seen.quoin");
  const auto loaded = filter::from_bytes(bytes);
  require(loaded.has_value() && *loaded == seen, "the filter that is loaded is the one saved");
  const auto view = quoin::blocked_bloom_filter_view<>::from_bytes(bytes);
  require(view.has_value() && view->contains(all.front()), "the file can be read in place");

  section("Can it be kept?  to_bytes(), from_bytes()");
  std::printf("  saved and loaded            %s bytes, equal bit for bit\n",
              grouped(bytes.size()).c_str());
  std::printf("  read in place               by a blocked_bloom_filter_view, nothing copied\n");
  bytes[bytes.size() / 2] ^= std::byte{1};
  tell_refusal("A file with one bit flipped", bytes);
  bytes[bytes.size() / 2] ^= std::byte{1};
  tell_refusal("A file without its last byte", std::span(bytes).first(bytes.size() - 1));
  tell_refusal("A file of something else", std::as_bytes(std::span(all.front())));
}

// --- two nodes ----------------------------------------------------------------------------------

void tell_merge(const std::vector<place>& places, const names& all, std::size_t distinct) {
  const quoin::blocked_bloom_options shape{.capacity = distinct, .bits_per_key = 10};
  filter west(shape), east(shape), whole(shape);
  std::unordered_set<std::string> in_west, in_east;
  for (const place& p : places) {
    (p.lng < 0 ? west : east).insert(p.name);
    (p.lng < 0 ? in_west : in_east).insert(p.name);
  }
  whole.insert_many(all);
  const auto shared = static_cast<std::size_t>(
      std::count_if(in_west.begin(), in_west.end(),
                    [&](const std::string& name) { return in_east.contains(name); }));
  const double estimate = west.estimated_intersection(east);

  section("Can two nodes put together what they saw?  west.merge(east)");
  std::printf("  node                   names    estimated\n");
  std::printf("  west of Greenwich   %8s   %10s\n", grouped(in_west.size()).c_str(),
              rounded(west.estimated_count()).c_str());
  std::printf("  east of it          %8s   %10s\n", grouped(in_east.size()).c_str(),
              rounded(east.estimated_count()).c_str());
  std::printf("  in both             %8s   %10s\n", grouped(shared).c_str(),
              rounded(estimate).c_str());
  west.merge(east);
  require(west == whole, "the merged filter is that of all names");
  std::printf("  merged              %8s   %10s   equal bit for bit to one filter of all\n",
              grouped(distinct).c_str(), rounded(west.estimated_count()).c_str());
  try {
    west.merge(filter({.capacity = 2 * distinct, .bits_per_key = 10}));
    require(false, "filters of different shapes are not merged");
  } catch (const std::invalid_argument& refusal) {
    std::printf("\n  A filter of another shape is refused: \"%s\"\n", refusal.what());
  }
}

}  // namespace

void have_i_seen_it(const std::vector<place>& places) {
  names all;
  for (const place& p : places) all.push_back(p.name);
  require(std::none_of(all.begin(), all.end(),
                       [](const std::string& s) { return s.find('#') != std::string::npos; }),
          "no name contains '#'");
  const std::size_t distinct = count_distinct(all);

  chapter("Have I seen it?", "quoin::blocked_bloom_filter");
  std::puts(
      "\nA filter says \"certainly not\" or \"probably\". The first is always true; the second is wrong\n"
      "about names that it never saw, as often as a formula says.");
  tell_repetitions(all, distinct);
  tell_false_positives(all, distinct);
  tell_speed(all);
  tell_files(all, distinct);
  tell_merge(places, all, distinct);
}

}  // namespace city_directory
