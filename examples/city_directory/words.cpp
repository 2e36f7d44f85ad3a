// SPDX-License-Identifier: BSL-1.0
#include "words.hpp"

#include <algorithm>
#include <cstddef>
#include <unordered_map>

namespace city_directory {

std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words;
  while (!name.empty()) {
    const std::size_t end = std::min(name.find_first_of(" -"), name.size());
    if (end != 0) words.emplace_back(name.substr(0, end));
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return words;
}

counted_words count_words(const std::vector<std::string>& words) {
  std::unordered_map<std::string, std::uint64_t> counts;
  for (const std::string& word : words) ++counts[word];
  counted_words all;
  for (const auto& [word, count] : counts) all.push_back({word, count});
  std::sort(all.begin(), all.end(), [](const counted_word& a, const counted_word& b) {
    return a.count != b.count ? a.count > b.count : a.word < b.word;
  });
  return all;
}

std::string padded(std::string_view text, std::size_t width) {
  const auto letters = static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
  std::string result(text);
  if (letters < width) result.append(width - letters, ' ');
  return result;
}

}  // namespace city_directory
