// SPDX-License-Identifier: BSL-1.0
/// @file
/// Saves generators of ids readings of their clock: a counter of the processor, which costs a third
/// of one, says whether the clock was read just now.
#ifndef QUOIN_DETAIL_ID_TICKS_HPP
#define QUOIN_DETAIL_ID_TICKS_HPP

#include <quoin/detail/config.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <type_traits>

namespace quoin::inline QUOIN_ABI::detail {

/// No counter: the clock is read each time.
struct no_ticks {};

/// The processor's, which its cores have in common. For `most()` ticks the time is still that which
/// was read: x86's are those of the rated frequency, so that 1500 are 0.3 to 0.6 us at 5 to 2.5 GHz
/// (and 1.9 us at 0.8 GHz, the slowest); of ARM's the system says how many there are, and it is a
/// microsecond. (A reading makes each of the ids until the next one 0.7 ns dearer, with 1000 ticks
/// 1 ns.)
struct processor_ticks {
#if QUOIN_X86_64
  [[nodiscard]] QUOIN_ALWAYS_INLINE static std::uint64_t now() noexcept {
    return __builtin_ia32_rdtsc();
  }
  [[nodiscard]] static constexpr std::uint64_t most() noexcept { return 1500; }
#elif QUOIN_AARCH64
  [[nodiscard]] QUOIN_ALWAYS_INLINE static std::uint64_t now() noexcept {
    std::uint64_t count = 0;
    __asm__ __volatile__("mrs %0, cntvct_el0" : "=r"(count));
    return count;
  }
  [[nodiscard]] QUOIN_ALWAYS_INLINE static std::uint64_t most() noexcept {
    std::uint64_t a_second = 0;
    __asm__("mrs %0, cntfrq_el0" : "=r"(a_second));
    return a_second / 1'000'000;
  }
#endif
};

/// For the clock that no test sets, where there is such a counter.
template <class Clock>
using ticks_for = std::conditional_t<(QUOIN_X86_64 || QUOIN_AARCH64) &&
                                         std::is_same_v<Clock, std::chrono::system_clock>,
                                     processor_ticks, no_ticks>;

/// When the clock was last read by somebody who then put the time into a word that only grows.
/// Whoever finds that this was just now need not read it: the word has the time of that reading, or
/// a later one. So the counter only decides how old a time may be: less than `most()` ticks, more
/// by as much as cores disagree about them; one that stands still or jumps harms nothing else. A
/// clock that was set is found out at the next reading, that much later.
template <class Ticks, template <class> class Atomic>
class last_reading {
 public:
  /// `again()`, if the clock was read just now and that gives something; else `anew()`, which reads
  /// it and puts the time into the word if it gives something. (What it captures is to fit into two
  /// registers: the seldom call must not put anything into memory where the frequent one would.)
  template <class Again, class Anew>
  QUOIN_ALWAYS_INLINE auto take(Again again, Anew anew) {
    const std::uint64_t ticks = Ticks::now();
    if (ticks - at_.load(std::memory_order_acquire) < Ticks::most()) [[likely]] {
      if (auto given = again()) [[likely]]
        return given;
    }
    auto given = apart(anew);
    if (given) at_.store(ticks, std::memory_order_release);  // who sees it sees the word, too
    return given;
  }

 private:
  template <class Anew>
  __attribute__((noinline)) static auto apart(Anew anew) {
    return anew();
  }

  /// Nothing was read yet: so long before all ticks that cores may disagree about them.
  static constexpr std::uint64_t long_ago = std::uint64_t{1} << 62;
  alignas(8) Atomic<std::uint64_t> at_{Ticks::now() - long_ago};
};

template <template <class> class Atomic>
class last_reading<no_ticks, Atomic> {
 public:
  template <class Again, class Anew>
  QUOIN_ALWAYS_INLINE auto take(Again /*again*/, Anew anew) {
    return anew();
  }
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
