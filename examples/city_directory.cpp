// SPDX-License-Identifier: BSL-1.0
/// @file
/// A small distributed directory of the world's towns, told in chapters, one per question that the
/// library answers. It works on real data and checks what it says: it fails where a promise does.
///
///     city_directory [cities.tsv]
#include "city_directory/directory.hpp"

#include <cstdio>
#include <exception>
#include <vector>

int main(int argc, char** argv) {
  if (argc > 2) {
    std::fputs("usage: city_directory [cities.tsv]\n", stderr);
    return 2;
  }
  try {
    const char* const file = argc == 2 ? argv[1] : QUOIN_CITIES;
    const std::vector<city_directory::place> places = city_directory::read_places(file);
    std::printf("A city directory: %s places of 15,000 people and more (GeoNames, CC BY 4.0)\n",
                city_directory::grouped(places.size()).c_str());
    city_directory::have_i_seen_it(places);
    city_directory::how_many(places);
    city_directory::how_often(places);
    city_directory::which_most(places);
    city_directory::how_large(places);
    city_directory::who_owns_it(places);
    city_directory::may_it_pass(places);
    city_directory::what_shall_i_call_it(places);
    std::puts("\nEvery figure above was computed or measured in this run.");
    if (std::fflush(stdout) != 0) throw std::runtime_error("cannot write to standard output");
    return 0;
  } catch (const std::exception& e) {
    std::fflush(stdout);
    std::fprintf(stderr, "city_directory: %s\n", e.what());
    return 1;
  }
}
