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
/// Cost        six rounds of three multiplications: see docs/benchmarks.md#ids.
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

#include <cstddef>
#include <cstdint>

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
    high_ = root_up(size_);
    low_ = detail::ceil_div(size_, high_);
    inverse_ = ~std::uint64_t{0} / low_;
    for (std::size_t i = 0; i < rounds; ++i) {
      add_[i] = key_word(options.key, 2 * i);
      multiply_[i] = key_word(options.key, 2 * i + 1) | 1;
    }
  }

  /// The number that stands for `number`. Fails unless it is below `size()`.
  [[nodiscard]] constexpr std::uint64_t encrypt(std::uint64_t number) const {
    require_member(number);
    do {
      number = forward(number);
    } while (number >= size_);
    return number;
  }

  /// The number that `number` stands for. Fails unless it is below `size()`: check what comes from
  /// outside before.
  [[nodiscard]] constexpr std::uint64_t decrypt(std::uint64_t number) const {
    require_member(number);
    do {
      number = backward(number);
    } while (number >= size_);
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

  struct halves {
    std::uint64_t high, low;
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

  /// The upper bits of what comes out decide: all of them depend on all bits of `half`, since the
  /// last step is a product. The first product brings them there from below, the shift from above.
  [[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t mixed(
      std::size_t round, std::uint64_t half) const noexcept {
    std::uint64_t z = (half + add_[round]) * 0x9e3779b97f4a7c15u;  // 2^64 / golden ratio
    z ^= z >> 32;
    return z * multiply_[round];
  }

  /// `number` = high * low_ + low. The quotient by way of the inverse is exact or one too small.
  [[nodiscard]] QUOIN_ALWAYS_INLINE constexpr halves split(std::uint64_t number) const noexcept {
    halves h{detail::mul_high(number, inverse_), 0};
    h.low = number - h.high * low_;
    const bool one_more = h.low >= low_;
    h.high += one_more;
    h.low -= one_more ? low_ : 0;
    return h;
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE static constexpr std::uint64_t add(
      std::uint64_t a, std::uint64_t b, std::uint64_t modulus) noexcept {
    const std::uint64_t sum = a + b;
    return sum - (sum >= modulus ? modulus : 0);
  }
  [[nodiscard]] QUOIN_ALWAYS_INLINE static constexpr std::uint64_t subtract(
      std::uint64_t a, std::uint64_t b, std::uint64_t modulus) noexcept {
    return a - b + (a < b ? modulus : 0);
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t forward(
      std::uint64_t number) const noexcept {
    halves h = split(number);
    for (std::size_t i = 0; i < rounds; i += 2) {
      h.high = add(h.high, detail::mul_high(mixed(i, h.low), high_), high_);
      h.low = add(h.low, detail::mul_high(mixed(i + 1, h.high), low_), low_);
    }
    return h.high * low_ + h.low;
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t backward(
      std::uint64_t number) const noexcept {
    halves h = split(number);
    for (std::size_t i = rounds; i != 0; i -= 2) {
      h.low = subtract(h.low, detail::mul_high(mixed(i - 1, h.high), low_), low_);
      h.high = subtract(h.high, detail::mul_high(mixed(i - 2, h.low), high_), high_);
    }
    return h.high * low_ + h.low;
  }

  constexpr void require_member(std::uint64_t number) const {
    if (number >= size_) [[unlikely]] {
      detail::fail_argument("id_cipher", "number", number, "below size()");
    }
  }

  std::uint64_t size_;
  std::uint64_t high_ = 0;     ///< as many values has the upper half …
  std::uint64_t low_ = 0;      ///< … and the lower; their product is `size_` or little more
  std::uint64_t inverse_ = 0;  ///< of `low_`, times 2^64
  std::uint64_t add_[rounds] = {};
  std::uint64_t multiply_[rounds] = {};
};

}  // namespace quoin::inline QUOIN_ABI

#endif
