// SPDX-License-Identifier: BSL-1.0
/// @file
/// A keyed permutation of the numbers below any limit: ids in a row become ids that nobody guesses.
///
/// Use it where numbers that count up are shown to strangers: who has seen order 1000 knows that
/// there is an order 999, and how many there were yesterday. Numbers below 62^7 become numbers below
/// 62^7, so a code keeps its length (`short_codes` does both). There is nothing to store: the key
/// leads back.
///
/// Guarantee   a bijection of [0, size) for each key and size, the same on every platform. Numbers in
///             a row give what tests cannot tell from a random permutation: each digit of the output
///             changes as by chance with any change of the input or of the key. (Of fewer than some
///             dozen numbers not every permutation is as frequent among keys as any other.)
/// Is not      encryption of strength. Its round function is a fast mixer, not a cipher: who gathers
///             many pairs of number and code may find others, and what is small enough can be tried
///             out. It hides order and amount from people who look; it does not keep secrets, and it
///             authorizes nobody. FF1 (NIST SP 800-38G) is for that, at a hundred times the price.
/// Cost        six rounds, each of which waits for three multiplications: docs/benchmarks.md#ids.
/// Threads     a constant after its construction: any number of threads.
/// Bytes       the permutation is a format: docs/formats.md#id-cipher.
/// Source      Black, Rogaway 2002, "Ciphers with arbitrary finite domains" (generalized Feistel,
///             cycle walking); Patarin 2004 on the rounds that a Feistel network needs.
///
/// @code
/// const quoin::id_cipher cipher({.key = {secret_word(), secret_word()}, .size = 3'521'614'606'208});
/// std::uint64_t code = cipher.encrypt(order.number);   // below 62^7 again
/// std::uint64_t number = cipher.decrypt(code);
/// @endcode
#ifndef QUOIN_ID_ID_CIPHER_HPP
#define QUOIN_ID_ID_CIPHER_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/hash/siphash.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace quoin::inline QUOIN_ABI {

/// Which permutation of which numbers.
struct id_cipher_options {
  siphash_key key;     ///< 128 random bits, not all 0; who loses them loses the way back
  std::uint64_t size;  ///< how many numbers, 1 to 2^63: 62^n for codes of n <= 10 digits, 2^63 for
                       ///< Snowflake ids
};

/// A permutation of [0, size). Value type of 128 bytes; constant expressions may use it.
class id_cipher {
 public:
  /// Draws the keys of the rounds. Fails for a size out of range, and for a key of zeros alone: one
  /// that was forgotten.
  constexpr explicit id_cipher(const id_cipher_options& options) : size_(options.size) {
    if (size_ == 0 || size_ > most) {
      detail::fail_argument("id_cipher", "size", size_, "from 1 to 2^63");
    }
    if ((options.key.k0 | options.key.k1) == 0) {
      detail::fail("quoin::id_cipher: key = {0, 0}, must be 128 random bits that you keep");
    }
    high_ = static_cast<std::uint32_t>(root_up(size_));
    low_ = static_cast<std::uint32_t>(detail::ceil_div(size_, std::uint64_t{high_}));
    shift_ = static_cast<std::uint64_t>(std::bit_width(low_ - 1));
    inverse_ = inverse_of(low_, shift_);
    for (std::size_t i = 0; i < rounds; ++i) {
      add_[i] = key_word(options.key, 2 * i) * golden;
      multiply_[i] = key_word(options.key, 2 * i + 1) | 1;
    }
  }

  /// The number that stands for `number`. Fails unless it is below `size()`.
  [[nodiscard]] constexpr std::uint64_t encrypt(std::uint64_t number) const {
    require_member(number);
    number = forward(split(number));
    if (number >= size_) [[unlikely]]
      return walk_forward(number);
    return number;
  }

  /// The number that `number` stands for. Fails unless it is below `size()`: check what comes from
  /// outside before.
  [[nodiscard]] constexpr std::uint64_t decrypt(std::uint64_t number) const {
    require_member(number);
    number = backward(split(number));
    if (number >= size_) [[unlikely]]
      return walk_backward(number);
    return number;
  }

  /// How many numbers are permuted.
  [[nodiscard]] constexpr std::uint64_t size() const noexcept { return size_; }

  /// Whether both permute the same numbers in the same way.
  friend constexpr bool operator==(const id_cipher&, const id_cipher&) noexcept = default;

 private:
  static constexpr std::uint64_t most = std::uint64_t{1} << 63;
  /// Six leave no way to tell halves of n bits from random ones with less than about 2^n codes, were
  /// the round function random (Patarin); with four, pairs of codes of one digit give it away at once.
  static constexpr std::size_t rounds = 6;

  static constexpr std::uint64_t golden = 0x9e3779b97f4a7c15u;    ///< 2^64 / golden ratio
  static constexpr std::uint64_t ungolden = 0xf1de83e19937733du;  ///< golden * ungolden = 1
  static_assert(golden * ungolden == 1);

  /// A half, times `golden` modulo 2^64: the first step of a round. What is added to a half is
  /// multiplied apart from it, so that no round waits for the reduction of the sum and a product, one
  /// after the other: that is a fifth of the time of numbers of which each comes from the last.
  using scaled = std::uint64_t;
  struct halves {
    scaled high, low;
  };
  /// A half after a round, and with the key of the next one added.
  struct step {
    scaled half, keyed;
  };

  /// The least r with r * r >= n; n is at most 2^63.
  [[nodiscard]] static constexpr std::uint64_t root_up(std::uint64_t n) noexcept {
    std::uint64_t root = 0;
    for (std::uint64_t bit = std::uint64_t{1} << 31; bit != 0; bit >>= 1) {
      if ((root | bit) * (root | bit) < n) root |= bit;
    }
    return root + 1;
  }

  /// A word of the key schedule; each size has its own.
  [[nodiscard]] constexpr std::uint64_t key_word(const siphash_key& key,
                                                 std::uint64_t index) const noexcept {
    unsigned char message[24] = {'i', 'd', '_', 'c', 'i', 'p', 'h', '1'};
    detail::store_le(message + 8, size_);
    detail::store_le(message + 16, index);
    return siphash_2_4(message, key);
  }

  /// 2^(63 + shift) / divisor, rounded up; divisor is in (2^(shift - 1), 2^shift].
  [[nodiscard]] static constexpr std::uint64_t inverse_of(std::uint64_t divisor,
                                                          std::uint64_t shift) noexcept {
    std::uint64_t rest = std::uint64_t{1} << shift, quotient = 0;
    for (int bit = 0; bit < 64; ++bit) {
      const bool fits = rest >= divisor;
      quotient = 2 * quotient + fits;
      rest = 2 * (rest - (fits ? divisor : 0));
    }
    return quotient + (rest != 0);
  }

  /// `x`, of which the compiler knows nothing: it has to keep the order of sums that is written.
  [[nodiscard]] QUOIN_ALWAYS_INLINE static constexpr std::uint64_t opaque(
      std::uint64_t x) noexcept {
#if __SIZEOF_POINTER__ == 8
    if (!std::is_constant_evaluated()) __asm__("" : "+r"(x));
#endif
    return x;
  }
  /// Without a branch, which would be foreseen half of the time.
  [[nodiscard]] QUOIN_ALWAYS_INLINE static constexpr std::uint64_t select(
      bool which, std::uint64_t a, std::uint64_t b) noexcept {
    return opaque(which ? a : b);
  }

  /// The upper bits of the product decide: all of them depend on all bits of the half, since the
  /// last step is a product. The first, by `golden`, brings them there from below, the shift from
  /// above.
  [[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t mixed(
      std::size_t round, scaled keyed, std::uint64_t modulus) const noexcept {
    return detail::mul_high((keyed ^ (keyed >> 32)) * multiply_[round], modulus);
  }

  /// `number` = high * low_ + low. The quotient is exact below 2^63 (Granlund, Montgomery 1994).
  [[nodiscard]] QUOIN_ALWAYS_INLINE constexpr halves split(std::uint64_t number) const noexcept {
    // Opaque: a shift of which one byte alone is loaded has to wait for the last value of its word.
    return halves_of(number, detail::mul_high(2 * number, inverse_) >> opaque(shift_));
  }
  [[nodiscard]] QUOIN_ALWAYS_INLINE constexpr halves halves_of(std::uint64_t number,
                                                               std::uint64_t high) const noexcept {
    return {high * golden, number * golden - high * (low_ * golden)};
  }

  /// (half + more) mod modulus; `more` is below `modulus`.
  [[nodiscard]] QUOIN_ALWAYS_INLINE static constexpr step sum(scaled half, std::uint64_t more,
                                                              std::uint64_t modulus,
                                                              scaled key) noexcept {
    const scaled less = half - modulus * golden;
    const scaled base = select(more >= less * (0 - ungolden), less, half);
    const scaled product = more * golden;
    return {base + product, opaque(base + key) + product};
  }
  /// (half - less) mod modulus; `less` is below `modulus`.
  [[nodiscard]] QUOIN_ALWAYS_INLINE static constexpr step difference(scaled half,
                                                                     std::uint64_t less,
                                                                     std::uint64_t modulus,
                                                                     scaled key) noexcept {
    const scaled more = half + modulus * golden;
    const scaled base = select(less > half * ungolden, more, half);
    const scaled product = less * golden;
    return {base - product, opaque(base + key) - product};
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t forward(halves h) const noexcept {
    step high{h.high, 0}, low{h.low, h.low + add_[0]};
#pragma GCC unroll 2
    for (std::size_t i = 0; i < rounds - 2; i += 2) {
      high = sum(high.half, mixed(i, low.keyed, high_), high_, add_[i + 1]);
      low = sum(low.half, mixed(i + 1, high.keyed, low_), low_, add_[i + 2]);
    }
    high = sum(high.half, mixed(rounds - 2, low.keyed, high_), high_, add_[rounds - 1]);
    const std::uint64_t all = (high.half * low_ + low.half) * ungolden;
    const std::uint64_t left = low_ - low.half * ungolden, less = opaque(all - low_);
    const std::uint64_t more = mixed(rounds - 1, high.keyed, low_);
    return select(more >= left, less, all) + more;
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t backward(halves h) const noexcept {
    step high{h.high, h.high + add_[rounds - 1]}, low{h.low, 0};
#pragma GCC unroll 2
    for (std::size_t i = rounds - 1; i > 1; i -= 2) {
      low = difference(low.half, mixed(i, high.keyed, low_), low_, add_[i - 1]);
      high = difference(high.half, mixed(i - 1, low.keyed, high_), high_, add_[i - 2]);
    }
    low = difference(low.half, mixed(1, high.keyed, low_), low_, add_[0]);
    const std::uint64_t all = (high.half * low_ + low.half) * ungolden;
    const std::uint64_t left = high.half * ungolden;
    const std::uint64_t more = opaque(all + std::uint64_t{high_} * low_);
    const std::uint64_t less = mixed(0, low.keyed, high_);
    return select(less > left, more, all) - less * low_;
  }

  /// Further passes, until the number is below `size_`. It may be beyond 2^63 here.
  QUOIN_COLD constexpr std::uint64_t walk_forward(std::uint64_t number) const noexcept {
    do {
      number = forward(halves_of(number, number / low_));
    } while (number >= size_);
    return number;
  }
  QUOIN_COLD constexpr std::uint64_t walk_backward(std::uint64_t number) const noexcept {
    do {
      number = backward(halves_of(number, number / low_));
    } while (number >= size_);
    return number;
  }

  constexpr void require_member(std::uint64_t number) const {
    if (number >= size_) [[unlikely]] {
      detail::fail_argument("id_cipher", "number", number, "below size()");
    }
  }

  std::uint64_t size_;
  std::uint32_t high_ = 0;     ///< as many values has the upper half …
  std::uint32_t low_ = 0;      ///< … and the lower; their product is `size_` or little more
  std::uint64_t inverse_ = 0;  ///< of `low_`, times 2^(63 + shift_)
  std::uint64_t shift_ = 0;
  scaled add_[rounds] = {};
  std::uint64_t multiply_[rounds] = {};
};

}  // namespace quoin::inline QUOIN_ABI

#endif
