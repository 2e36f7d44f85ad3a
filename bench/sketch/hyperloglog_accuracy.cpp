// SPDX-License-Identifier: BSL-1.0
// Characterizes HyperLogLog: bias and relative standard error over many trials, as the table and
// the plot of docs/accuracy-hyperloglog.md.
//
//   hyperloglog_accuracy [TRIALS [LARGEST [PLOT.svg]]]     (default 1000 1e7; a minute on one core)
//
// A trial inserts 64-bit hashes of integers, distinct since that hash is a bijection, into one
// sketch and reads its estimates at 1, 2 and 5 times the powers of ten on the way. Errors are given
// times √m, so that precisions compare; `stream` is estimate() of a sketch that was never merged,
// `state` is estimate_from_state(), which is what estimate() gives after merging.
#include <quoin/sketch/hyperloglog.hpp>

#include "distinct_accuracy.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

constexpr unsigned precisions[] = {10, 12, 14};

using quoin_bench::checkpoint;
using quoin_bench::errors;
using quoin_bench::rms;

// --- plot ---------------------------------------------------------------------------------------

constexpr double width = 760, height = 380, left = 60, bottom = 330, top = 30, right = 640;

double x_of(double n, double largest) {
  return left + (right - left) * (std::log10(n) - 1) / (std::log10(largest) - 1);
}
double y_of(double error) { return bottom - (bottom - top) * error / 1.2; }

void draw_curve(std::FILE* out, const std::vector<checkpoint>& all, errors checkpoint::*which,
                unsigned precision, int trials, double largest, const char* style) {
  std::fprintf(out, "<polyline fill=\"none\" stroke-width=\"1.6\" %s points=\"", style);
  const double root = std::sqrt(std::ldexp(1.0, static_cast<int>(precision)));
  for (const checkpoint& c : all) {
    std::fprintf(out, "%.1f,%.1f ", x_of(static_cast<double>(c.n), largest),
                 y_of(root * rms(c.*which, trials)));
  }
  std::fprintf(out, "\"/>\n");
}

void draw_frame(std::FILE* out, double largest) {
  std::fprintf(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
               "font-family=\"sans-serif\" font-size=\"12\">\n"
               "<rect width=\"%.0f\" height=\"%.0f\" fill=\"white\"/>\n",
               width, height, width, height);
  for (double error = 0; error <= 1.21; error += 0.2) {
    std::fprintf(out,
                 "<path d=\"M%.0f %.1fH%.0f\" stroke=\"#ddd\"/><text x=\"%.0f\" y=\"%.1f\" "
                 "text-anchor=\"end\">%.1f</text>\n",
                 left, y_of(error), right, left - 6, y_of(error) + 4, error);
  }
  for (int power = 1; std::pow(10, power) <= largest; ++power) {
    const double x = x_of(std::pow(10, power), largest);
    std::fprintf(out,
                 "<path d=\"M%.1f %.0fV%.0f\" stroke=\"#ddd\"/><text x=\"%.1f\" y=\"%.0f\" "
                 "text-anchor=\"middle\">10<tspan dy=\"-4\" font-size=\"9\">%d</tspan></text>\n",
                 x, top, bottom, x, bottom + 16, power);
  }
  for (const double limit : {std::sqrt(3 * std::log(2.0) - 1), std::sqrt(std::log(2.0))}) {
    std::fprintf(out,
                 "<path d=\"M%.0f %.1fH%.0f\" stroke=\"#999\" stroke-dasharray=\"2 3\"/>"
                 "<text x=\"%.0f\" y=\"%.1f\" fill=\"#666\">theory %.3f</text>\n",
                 left, y_of(limit), right, right + 6, y_of(limit) + 4, limit);
  }
  std::fprintf(out,
               "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"middle\">distinct keys</text>"
               "<text x=\"%.0f\" y=\"18\">relative standard error × √m: full lines count along the "
               "stream, broken ones from the state</text>\n",
               (left + right) / 2, bottom + 38, left);
}

bool draw(const char* path, const std::vector<std::vector<checkpoint>>& results, int trials,
          double largest) {
  std::FILE* const out = std::fopen(path, "w");
  if (out == nullptr) return false;
  draw_frame(out, largest);
  const char* const colours[] = {"#1b6ca8", "#c0392b", "#2e8b57"};
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::string stroke = std::string("stroke=\"") + colours[i] + "\"";
    draw_curve(out, results[i], &checkpoint::stream, precisions[i], trials, largest,
               stroke.c_str());
    draw_curve(out, results[i], &checkpoint::state, precisions[i], trials, largest,
               (stroke + " stroke-dasharray=\"6 3\"").c_str());
    std::fprintf(out, "<text x=\"%.0f\" y=\"%.0f\" fill=\"%s\">precision %u</text>\n", right + 6,
                 200.0 + 18 * static_cast<double>(i), colours[i], precisions[i]);
  }
  std::fprintf(out, "</svg>\n");
  return std::fclose(out) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  const int trials = argc > 1 ? std::atoi(argv[1]) : 1000;
  const double largest = argc > 2 ? std::atof(argv[2]) : 1e7;
  if (trials < 1 || trials > 1'000'000 || !(largest >= 10 && largest <= 1e10)) {
    std::fprintf(stderr, "usage: %s [TRIALS [LARGEST [PLOT.svg]]]\n", argv[0]);
    return 2;
  }
  std::vector<std::vector<checkpoint>> results;
  for (const unsigned precision : precisions) {
    results.push_back(quoin_bench::characterize<quoin::hyperloglog<>>(precision, trials, largest));
    quoin_bench::print(precision, results.back(), trials);
  }
  if (argc > 3 && !draw(argv[3], results, trials, largest)) {
    std::perror(argv[3]);
    return 1;
  }
}
