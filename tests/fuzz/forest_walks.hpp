#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "fuzz/require.hpp"
#include "model/tree/forest.hpp"
#include "model/tree/forest_compiler.hpp"
#include "model/tree/forest_testing.hpp"

namespace forkcast::fuzz {

/// The same number, or none both.
inline bool IsSameNumber(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

/// Every kernel answers odd rows as the slow walk over `source` does.
inline void RequireAsSlowWalk(const model::ForestSource& source) {
  constexpr std::size_t kRows = 8;
  const std::string bytes = model::CompileForest(source);
  const std::vector<float> rows = model::RowsFor(source, kRows, 1);
  for (const model::ForestKernel& kernel : model::ForestKernels()) {
    const Result<model::Forest> forest = model::Forest::FromBytes(bytes, kernel);
    Require(forest.ok());
    const std::size_t outputs = forest->outputs().size();
    const std::size_t width = source.features.size();
    std::vector<double> answers(kRows * outputs);
    forest->Predict(rows, answers);
    for (std::size_t i = 0; i < kRows; ++i) {
      const std::vector<double> expected =
          model::AnswerOf(source, std::span(rows).subspan(i * width, width));
      Require(std::ranges::equal(std::span(answers).subspan(i * outputs, outputs), expected,
                                 IsSameNumber));
    }
  }
}

}  // namespace forkcast::fuzz
