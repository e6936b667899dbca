// The input is a model of XGBoost, as text or UBJSON.
//
// What is taken can be compiled, and answers any row as the slow walk over its source does, by
// every kernel. What is refused says why.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.hpp"
#include "model/tree/forest.hpp"
#include "model/tree/forest_compiler.hpp"
#include "model/tree/forest_testing.hpp"
#include "model/tree/xgboost_reader.hpp"

namespace {

using forkcast::ErrorCode;
using forkcast::Result;
using forkcast::fuzz::Require;
using namespace forkcast::model;

/// The same number, or none both.
bool IsSame(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

void RequireAsSlowWalk(const ForestSource& source) {
  constexpr std::size_t kRows = 8;
  const std::string bytes = CompileForest(source);
  const std::vector<float> rows = RowsFor(source, kRows, 1);
  for (const ForestKernel& kernel : ForestKernels()) {
    const Result<Forest> forest = Forest::FromBytes(bytes, kernel);
    Require(forest.ok());
    const std::size_t outputs = forest->outputs().size();
    const std::size_t width = source.features.size();
    std::vector<double> answers(kRows * outputs);
    forest->Predict(rows, answers);
    for (std::size_t i = 0; i < kRows; ++i) {
      const std::vector<double> expected =
          AnswerOf(source, std::span(rows).subspan(i * width, width));
      Require(
          std::ranges::equal(std::span(answers).subspan(i * outputs, outputs), expected, IsSame));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Result<ForestSource> source = ReadXGBoost(bytes);
  if (!source) {
    Require(!source.error().message.empty());
    Require(source.error().code == ErrorCode::kCorrupt ||
            source.error().code == ErrorCode::kInvalidArgument);
    return 0;
  }
  RequireAsSlowWalk(*source);
  return 0;
}
