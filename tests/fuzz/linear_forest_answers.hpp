#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "fuzz/require.hpp"
#include "model/double_parts.hpp"
#include "model/tree/linear_forest.hpp"

namespace forkcast::fuzz {

/// Answers to rows of odd numbers, and of floats that are parts of none.
inline std::vector<double> OddAnswers(const model::LinearForest& forest) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<double> odd{0, 1.5, -3e300, 1e-320, -kInfinity, kInfinity, std::nan("")};
  const std::size_t width = forest.inputs().size();
  std::vector<double> answers;
  std::vector<double> out(forest.outputs().size());
  for (std::size_t first = 0; first < odd.size(); ++first) {
    std::vector<float> row;
    for (std::size_t i = 0; row.size() < width; ++i) {
      const double number = odd[(first + i) % odd.size()];
      const auto parts = model::SplitDouble(number);
      if (first % 2 == 0) {
        row.insert(row.end(), parts.begin(), parts.end());
      } else {
        row.push_back(static_cast<float>(number));
      }
    }
    row.resize(width);
    forest.Predict(row, out);
    answers.insert(answers.end(), out.begin(), out.end());
  }
  return answers;
}

inline void RequireSame(const std::vector<double>& some, const std::vector<double>& others) {
  Require(std::ranges::equal(
      some, others, [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }));
}

/// What is written of the trees reads as the same, and answers the same. Inputs are called by their
/// numbers: the importer refuses other files where two are called alike.
inline void RequireReadsAgain(model::LinearForestSource source) {
  for (std::size_t i = 0; i < source.inputs.size(); ++i) {
    source.inputs[i].name = std::to_string(i);
  }
  const model::LinearForest forest(source);
  const auto again = model::LinearForest::Parse(forest.Write());
  Require(again.ok() && again->source() == source);
  RequireSame(OddAnswers(forest), OddAnswers(*again));
}

}  // namespace forkcast::fuzz
