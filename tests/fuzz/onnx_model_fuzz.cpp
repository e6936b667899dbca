// The input is a model of ONNX.
//
// What is taken answers any row with numbers, the same each time; as a forest it answers as the
// slow walk over its source does, by every kernel. What is refused says why.

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "fuzz/forest_walks.hpp"
#include "fuzz/require.hpp"
#include "model/import/onnx_format.hpp"
#include "model/onnx/graph.hpp"

namespace {

using forkcast::ErrorCode;
using forkcast::Result;
using forkcast::fuzz::Require;
using forkcast::fuzz::RequireAsSlowWalk;
using namespace forkcast::model;

bool IsSame(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Result<ImportedModel> model = ImportOnnx(bytes, Rounds::kAll);
  if (!model) {
    Require(!model.error().message.empty());
    Require(model.error().code == ErrorCode::kCorrupt ||
            model.error().code == ErrorCode::kInvalidArgument);
    return 0;
  }
  if (model->graph.empty() && CheckModel(*model)) RequireAsSlowWalk(model->forest);
  const Result<onnx::Graph> graph = onnx::Graph::FromBytes(bytes);
  Require(graph.ok());
  constexpr std::array<float, 5> kNumbers{0, 1.5F, -3e30F, std::numeric_limits<float>::infinity(),
                                          std::numeric_limits<float>::quiet_NaN()};
  for (std::size_t first = 0; first < kNumbers.size(); ++first) {
    std::vector<float> row(graph->inputs().size());
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = kNumbers[(first + i) % kNumbers.size()];
    std::vector<double> once(graph->outputs().size());
    std::vector<double> twice(once.size());
    graph->Predict(row, once);
    graph->Predict(row, twice);
    for (std::size_t i = 0; i < once.size(); ++i) Require(IsSame(once[i], twice[i]));
  }
  return 0;
}
