// The input is a file of trees whose leaves are linear functions.
//
// What is taken is written as it reads again, and answers any row, however odd, the same each time.
// What is refused says where.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz/document_error.hpp"
#include "fuzz/linear_forest_answers.hpp"
#include "fuzz/require.hpp"
#include "model/tree/linear_forest.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using forkcast::model::LinearForest;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const forkcast::Result<LinearForest> forest = LinearForest::Parse(text);
  if (!forest) {
    forkcast::fuzz::RequireSaysWhere(forest.error());
    return 0;
  }
  forkcast::fuzz::RequireSame(forkcast::fuzz::OddAnswers(*forest),
                              forkcast::fuzz::OddAnswers(*forest));
  forkcast::fuzz::RequireReadsAgain(forest->source());
  return 0;
}
