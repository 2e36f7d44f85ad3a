// SPDX-License-Identifier: BSL-1.0
// What no test has the time for: 10^8 ids of many threads and of many processes, each looked up in a
// map of bits that all share, and a guarded generator that is killed hundreds of times. Prints what
// went wrong, which should be nothing, and fails if anything did. Takes about a minute.
#include <quoin/id/snowflake.hpp>

#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using layout = quoin::twitter_layout;
using quoin::snowflake_generator;
using milliseconds = std::chrono::milliseconds;
using mark_time = std::chrono::sys_time<milliseconds>;

/// Memory of all processes that are forked afterwards, filled with zeros.
template <class T>
T* shared_by_processes(std::size_t count) {
  void* const at = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) {
    std::perror("mmap");
    std::exit(2);
  }
  return static_cast<T*>(at);
}

struct tally {
  std::atomic<std::uint64_t> made, twice, back, outside, last;

  [[nodiscard]] std::uint64_t faults() const { return twice + back + outside; }
};

/// A bit for each id of four workers in 100 seconds.
class seen_ids {
 public:
  explicit seen_ids(tally& counts)
      : start_(layout::tick_of(std::chrono::system_clock::now().time_since_epoch())),
        words_(shared_by_processes<std::atomic<std::uint64_t>>(all / 64)),
        counts_(&counts) {}
  seen_ids(const seen_ids&) = delete;
  seen_ids& operator=(const seen_ids&) = delete;
  ~seen_ids() { munmap(words_, all / 8); }

  void note(std::uint64_t id) {
    const std::uint64_t tick = (id >> 22) - static_cast<std::uint64_t>(start_);
    const std::uint64_t bit = (tick * 4 + (id >> 12 & 3)) << 12 | (id & 4095);
    if (bit >= all) {
      ++counts_->outside;
      return;
    }
    const std::uint64_t one = std::uint64_t{1} << bit % 64;
    if (words_[bit / 64].fetch_or(one, std::memory_order_relaxed) & one) ++counts_->twice;
  }

 private:
  static constexpr std::size_t all = std::size_t{100'000} * 4 * 4096;
  std::int64_t start_;
  std::atomic<std::uint64_t>* words_;
  tally* counts_;
};

/// One by one, and every seventh time up to sixteen at once.
void make_ids(snowflake_generator<layout>& ids, std::uint64_t count, seen_ids& seen,
              tally& counts) {
  std::uint64_t last = 0;
  const auto check = [&](std::uint64_t id) {
    if (id <= last) ++counts.back;
    last = id;
    seen.note(id);
    ++counts.made;
  };
  for (std::uint64_t i = 0; i < count;) {
    if (i % 7 != 0) {
      check(ids.next());
      ++i;
      continue;
    }
    for (const std::uint64_t id : ids.reserve(16)) {
      check(id);
      ++i;
    }
  }
}

std::uint64_t run(std::uint64_t processes, std::uint64_t threads, std::uint64_t total) {
  tally& counts = *shared_by_processes<tally>(1);
  seen_ids seen(counts);
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t p = 0; p < processes; ++p) {
    if (fork() != 0) continue;
    snowflake_generator<layout> ids({.worker = p});
    std::vector<std::thread> makers;
    for (std::uint64_t t = 0; t < threads; ++t) {
      makers.emplace_back([&] { make_ids(ids, total / processes / threads, seen, counts); });
    }
    for (std::thread& maker : makers) maker.join();
    _exit(0);
  }
  std::uint64_t failed = 0;
  for (std::uint64_t p = 0; p < processes; ++p) {
    int status = 0;
    if (wait(&status) < 0 || status != 0) ++failed;
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto made = static_cast<double>(counts.made.load());
  std::printf(
      "%d processes of %d threads: %.0f ids in %.1f s, %.2f million a second\n"
      "  %d made twice, %d not greater than the one before, %d of another time, %d processes failed\n",
      static_cast<int>(processes), static_cast<int>(threads), made, seconds, made / seconds / 1e6,
      static_cast<int>(counts.twice), static_cast<int>(counts.back),
      static_cast<int>(counts.outside), static_cast<int>(failed));
  std::fflush(stdout);
  return counts.faults() + failed + (counts.made < total / 2 ? 1 : 0);
}

/// Makes ids until it is killed, from the mark in `file` on.
[[noreturn]] void make_guarded(const std::filesystem::path& file, tally& counts) {
  std::int64_t mark = INT64_MIN;
  if (std::ifstream in(file); !(in >> mark)) mark = INT64_MIN;
  const auto save = [&](mark_time time) {
    std::filesystem::path next = file;
    next += ".new";
    std::ofstream(next) << time.time_since_epoch().count() << '\n';
    std::error_code error;
    std::filesystem::rename(next, file, error);
    return !error;
  };
  auto ids = quoin::guarded_snowflake<layout>(
      {.worker = 1, .not_before = mark_time(milliseconds(mark)), .guard_interval = milliseconds(8)},
      save);
  for (;;) {
    const std::uint64_t id = ids.next();
    if (id <= counts.last) ++counts.back;
    counts.last = id;
    ++counts.made;
  }
}

std::uint64_t kill_again_and_again(int times) {
  tally& counts = *shared_by_processes<tally>(1);
  std::string folder = (std::filesystem::temp_directory_path() / "snowflake-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) {
    std::perror("mkdtemp");
    return 1;
  }
  std::mt19937 random(1);
  for (int i = 0; i < times; ++i) {
    const pid_t child = fork();
    if (child == 0) make_guarded(std::filesystem::path(folder) / "mark", counts);
    usleep(static_cast<useconds_t>(random() % 30'000));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  std::filesystem::remove_all(folder);
  std::printf("killed %d times, with a guard: %.0f ids, %d repeated or smaller\n", times,
              static_cast<double>(counts.made.load()), static_cast<int>(counts.back));
  return counts.faults() + (counts.made == 0 ? 1 : 0);
}

/// How much of a processor it takes to wait for the next unit of time.
void wait_at_the_limit() {
  snowflake_generator<quoin::sonyflake_layout> ids({});
  const auto start = std::chrono::steady_clock::now();
  const std::clock_t before = std::clock();
  for (int i = 0; i < 256 * 100; ++i) static_cast<void>(ids.next());
  const double cpu = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  const double wall =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("25,600 ids at 256 each 10 ms: %.3f s, %.2f %% of a processor\n", wall,
              100 * cpu / wall);
}

}  // namespace

int main() {
  constexpr std::uint64_t ids = 100'000'000;
  const std::uint64_t faults = run(1, 8, ids) + run(4, 2, ids) + kill_again_and_again(300);
  wait_at_the_limit();
  return faults == 0 ? 0 : 1;
}
