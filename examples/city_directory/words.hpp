// SPDX-License-Identifier: BSL-1.0
/// @file
/// The words of names, and how often they really come: what the chapters on frequencies compare
/// themselves with.
#ifndef QUOIN_EXAMPLES_CITY_DIRECTORY_WORDS_HPP
#define QUOIN_EXAMPLES_CITY_DIRECTORY_WORDS_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace city_directory {

/// The parts of a name between blanks and hyphens.
std::vector<std::string> words_of(std::string_view name);

struct counted_word {
  std::string word;
  std::uint64_t count;
};
using counted_words = std::vector<counted_word>;

/// The different ones of `words`, the most frequent first; equally frequent ones in order of bytes.
counted_words count_words(const std::vector<std::string>& words);

/// `text` with blanks up to `width` letters (of UTF-8).
std::string padded(std::string_view text, std::size_t width);

}  // namespace city_directory

#endif
