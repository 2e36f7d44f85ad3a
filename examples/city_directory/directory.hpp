// SPDX-License-Identifier: BSL-1.0
/// @file
/// What the chapters share: the places, and how the account is printed.
#ifndef QUOIN_EXAMPLES_CITY_DIRECTORY_DIRECTORY_HPP
#define QUOIN_EXAMPLES_CITY_DIRECTORY_DIRECTORY_HPP

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace city_directory {

struct place {
  std::string name;     ///< UTF-8
  std::string country;  ///< ISO 3166-1 alpha-2
  double lat;           ///< degrees
  double lng;           ///< degrees
  std::uint64_t population;
};

/// The places of a file like data/cities.tsv, largest first. Throws `std::runtime_error` with the
/// number of the line that is wrong.
std::vector<place> read_places(const std::string& file);

/// 1234567 as "1,234,567".
std::string grouped(std::uint64_t n);

/// 1234566.7 as "1,234,567".
std::string rounded(double n);

/// Prints the heading of a chapter.
void chapter(const char* question, const char* answer);

/// Prints the heading of a section.
void section(const char* title);

/// Ends the program with an error: what the account is about to say is not true.
inline void require(bool truth, const char* claim) {
  if (!truth) throw std::runtime_error(std::string("this does not hold: ") + claim);
}

// --- the chapters, each in the file of its name -------------------------------------------------

void have_i_seen_it(const std::vector<place>& places);
void how_many(const std::vector<place>& places);
void how_often(const std::vector<place>& places);
void which_most(const std::vector<place>& places);
void how_large(const std::vector<place>& places);
void who_owns_it(const std::vector<place>& places);
void may_it_pass(const std::vector<place>& places);
void what_shall_i_call_it(const std::vector<place>& places);

}  // namespace city_directory

#endif
