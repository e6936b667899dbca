// The input is a model of XGBoost, as text or UBJSON.
//
// What is taken can be compiled, and answers any row as the slow walk over its source does, by
// every kernel. What is refused says why.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz/forest_walks.hpp"
#include "fuzz/linear_forest_answers.hpp"
#include "fuzz/require.hpp"
#include "model/import/imported_model.hpp"
#include "model/import/xgboost_format.hpp"

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
  const Result<ImportedModel> model = ImportXGBoost(bytes, Rounds::kAll);
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
  return 0;
}
