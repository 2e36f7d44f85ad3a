// SPDX-License-Identifier: BSL-1.0
#include "directory.hpp"

#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string_view>

namespace city_directory {
namespace {

constexpr std::string_view header = "name\tcountry\tlat\tlng\tpopulation";

/// A number that fills all of `text` and lies within the limits.
double number(const std::string& text, double least, double most, const char* what) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value >= least && value <= most)) {
    throw std::runtime_error(std::string(what) + " is '" + text + "'");
  }
  return value;
}

place parse(const std::string& line) {
  std::array<std::string, 5> fields;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::size_t end = line.find('\t', begin);
    if ((end == std::string::npos) != (i + 1 == fields.size())) {
      throw std::runtime_error("not five fields separated by tabs");
    }
    fields[i] = line.substr(begin, end - begin);
    begin = end + 1;
  }
  const auto& [name, country, lat, lng, population] = fields;
  if (name.empty()) throw std::runtime_error("the name is empty");
  if (country.size() != 2) throw std::runtime_error("the country is '" + country + "'");
  return {name, country, number(lat, -90, 90, "the latitude"),
          number(lng, -180, 180, "the longitude"),
          static_cast<std::uint64_t>(number(population, 0, 1e10, "the population"))};
}

}  // namespace

std::vector<place> read_places(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error(file + ": " + std::strerror(errno));
  std::vector<place> places;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    try {
      if (number > 1) {
        places.push_back(parse(line));
      } else if (line != header) {
        throw std::runtime_error("not the header line: name, country, lat, lng, population");
      }
    } catch (const std::runtime_error& e) {
      throw std::runtime_error(file + ":" + std::to_string(number) + ": " + e.what());
    }
  }
  if (in.bad()) throw std::runtime_error(file + ": " + std::strerror(errno));
  if (places.empty()) throw std::runtime_error(file + ": no places in it");
  return places;
}

std::string grouped(std::uint64_t n) {
  std::string digits = std::to_string(n);
  for (std::size_t i = digits.size(); i > 3;) digits.insert(i -= 3, 1, ',');
  return digits;
}

std::string rounded(double n) { return grouped(static_cast<std::uint64_t>(n + 0.5)); }

void chapter(const char* question, const char* answer) {
  const std::string line = std::string(question) + "  " + answer;
  std::printf("\n%s\n%s\n", line.c_str(), std::string(line.size(), '=').c_str());
}

void section(const char* title) { std::printf("\n%s\n\n", title); }

}  // namespace city_directory
