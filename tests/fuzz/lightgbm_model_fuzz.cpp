// The input is a model of LightGBM, in its text format.
//
// What is taken can be compiled, and answers any row as the slow walk over its source does, by
// every kernel; how its inputs are read can be written and read back. What is refused says why.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "data_preprocessing/document/json_node.hpp"
#include "fuzz/forest_walks.hpp"
#include "fuzz/linear_forest_answers.hpp"
#include "fuzz/require.hpp"
#include "model/import/imported_model.hpp"
#include "model/import/lightgbm_format.hpp"

namespace {

using forkcast::ErrorCode;
using forkcast::Result;
using forkcast::fuzz::Require;
using forkcast::fuzz::RequireAsSlowWalk;
using forkcast::fuzz::RequireReadsAgain;
using namespace forkcast::model;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Result<ImportedModel> model = ImportLightGbm(bytes, Rounds::kAll);
  if (!model) {
    Require(!model.error().message.empty());
    Require(model.error().code == ErrorCode::kCorrupt ||
            model.error().code == ErrorCode::kInvalidArgument);
    return 0;
  }
  if (!CheckModel(*model)) return 0;
  if (model->linear) {
    RequireReadsAgain(*model->linear);
  } else {
    RequireAsSlowWalk(model->forest);
  }
  // As of another name: the file may call two inputs alike, which the importer refuses.
  for (std::size_t i = 0; i < model->inputs.size(); ++i) {
    model->inputs[i].name = std::to_string(i);
  }
  const auto transforms = TransformsJson(model->inputs);
  (void)FittedTransforms::FromJson(forkcast::preprocessing::JsonNode(transforms));
  return 0;
}
