// SPDX-License-Identifier: BSL-1.0
/// @file
/// The hashes, the names and the arithmetic of ketama rings.
///
/// Source: libmemcached 1.1.4 (`update_continuum`, libhashkit), twemproxy 0.5 (nc_ketama.c,
/// hashkit/); told here in words of our own and held to the former by its own results.
#ifndef QUOIN_DETAIL_PLACEMENT_KETAMA_HPP
#define QUOIN_DETAIL_PLACEMENT_KETAMA_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/hash/crc32.hpp>
#include <quoin/hash/md5.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace quoin::inline QUOIN_ABI {

/// What makes a point of 32 bits of a key: names in libmemcached / twemproxy.
enum class ketama_hash : std::uint8_t {
  md5,            ///< MD5 / md5: the first four bytes of the digest
  one_at_a_time,  ///< DEFAULT / one_at_a_time, of Bob Jenkins
  crc,            ///< CRC / crc32: fifteen bits from the middle of the CRC-32, not all of the ring
  crc32,          ///< - / crc32a: the CRC-32
  fnv1_64,        ///< FNV1_64 / fnv1_64: its lower 32 bits
  fnv1a_64,       ///< FNV1A_64 / fnv1a_64, twemproxy's default: its lower 32 bits
  fnv1_32,        ///< FNV1_32 / fnv1_32
  fnv1a_32,       ///< FNV1A_32 / fnv1a_32
};

/// How the text that is hashed into a point comes from the name of a server.
enum class ketama_naming : std::uint8_t {
  libmemcached,  ///< "host:port-0"; "host-0" when the port is 11211 or missing
  spymemcached,  ///< "/host:port-0" always, as libmemcached's KETAMA_SPY; 11211 when missing
  verbatim,      ///< "name-0", whatever the name: twemproxy's servers that have one
};

namespace detail {

/// A byte of a key as those programs see it on x86, where `char` is signed.
template <byte_like Byte>
[[nodiscard]] constexpr std::uint32_t ketama_byte(Byte byte) noexcept {
  return static_cast<std::uint32_t>(static_cast<signed char>(byte));
}

template <byte_like Byte>
[[nodiscard]] constexpr std::uint32_t one_at_a_time(const Byte* p, std::size_t size) noexcept {
  std::uint32_t h = 0;
  for (std::size_t i = 0; i < size; ++i) {
    h += ketama_byte(p[i]);
    h += h << 10;
    h ^= h >> 6;
  }
  h += h << 3;
  h ^= h >> 11;
  return h + (h << 15);
}

/// The lower 32 bits of an FNV hash never depend on the upper ones.
template <byte_like Byte>
[[nodiscard]] constexpr std::uint32_t fnv1(const Byte* p, std::size_t size, std::uint32_t h,
                                           std::uint32_t prime) noexcept {
  for (std::size_t i = 0; i < size; ++i) h = (h * prime) ^ ketama_byte(p[i]);
  return h;
}
template <byte_like Byte>
[[nodiscard]] constexpr std::uint32_t fnv1a(const Byte* p, std::size_t size, std::uint32_t h,
                                            std::uint32_t prime) noexcept {
  for (std::size_t i = 0; i < size; ++i) h = (h ^ ketama_byte(p[i])) * prime;
  return h;
}

template <byte_like Byte>
[[nodiscard]] constexpr std::uint32_t ketama_point(ketama_hash hash, const Byte* p,
                                                   std::size_t size) noexcept {
  constexpr std::uint32_t start_32 = 0x811c9dc5, prime_32 = 0x01000193;
  constexpr std::uint32_t start_64 = 0x84222325, prime_64 = 0x000001b3;
  const auto crc = [=] { return ~crc_portable<crc32_polynomial>(~0u, p, size); };
  switch (hash) {
    case ketama_hash::one_at_a_time:
      return one_at_a_time(p, size);
    case ketama_hash::crc:
      return (crc() >> 16) & 0x7fff;
    case ketama_hash::crc32:
      return crc();
    case ketama_hash::fnv1_64:
      return fnv1(p, size, start_64, prime_64);
    case ketama_hash::fnv1a_64:
      return fnv1a(p, size, start_64, prime_64);
    case ketama_hash::fnv1_32:
      return fnv1(p, size, start_32, prime_32);
    case ketama_hash::fnv1a_32:
      return fnv1a(p, size, start_32, prime_32);
    case ketama_hash::md5:
      break;
  }
  return md5(p, size)[0];
}

/// `name` without a port 11211: two servers of which this is the same have the same points.
[[nodiscard]] inline std::string_view ketama_identity(ketama_naming naming,
                                                      std::string_view name) noexcept {
  constexpr std::string_view usual_port = ":11211";
  if (naming != ketama_naming::verbatim && name.size() > usual_port.size() &&
      name.substr(name.size() - usual_port.size()) == usual_port) {
    name.remove_suffix(usual_port.size());
  }
  return name;
}

[[nodiscard]] inline bool ends_in_port(std::string_view name) noexcept {
  std::size_t digits = 0;
  while (digits < name.size() && name[name.size() - 1 - digits] >= '0' &&
         name[name.size() - 1 - digits] <= '9') {
    ++digits;
  }
  return digits > 0 && digits < name.size() && name[name.size() - 1 - digits] == ':';
}

/// What stands before the number of a point: "10.0.1.1-".
[[nodiscard]] inline std::string ketama_prefix(ketama_naming naming, std::string_view name) {
  std::string prefix;
  if (naming == ketama_naming::spymemcached) {
    prefix.append("/").append(name);
    if (!ends_in_port(name)) prefix.append(":11211");
  } else {
    prefix.append(ketama_identity(naming, name));
  }
  return prefix.append("-");
}

/// How many groups of four points a weighted server has: 40 · servers · weight / total, in `float`
/// and rounded after each operation as there, so that 39.999996 gives 39 here too. What they add
/// before `floor`, 10^-10, is below half a unit in the last place of anything near an integer.
[[nodiscard]] inline std::uint32_t ketama_groups(std::uint32_t weight, std::uint64_t total,
                                                 std::uint32_t servers) noexcept {
  // Volatile, or else wide registers would keep more bits.
  volatile const auto part = static_cast<float>(weight);
  volatile const auto whole = static_cast<float>(total);
  volatile const auto count = static_cast<float>(servers);
  volatile const float share = part / whole;
  volatile const float points = share * 160.0F;
  volatile const float groups = points / 4.0F * count;
  return static_cast<std::uint32_t>(groups);
}

}  // namespace detail

}  // namespace quoin::inline QUOIN_ABI

#endif
