// The first line names one of the forests below, the others are changes to the bytes of its file
// (byte_changes.hpp). Then the file gets the checksum that fits: without it, nothing but the
// checksum would be tested.
//
// A file that was not changed is taken, and answers as its source does. One that was is either
// refused, as kCorrupt or kInvalidArgument with its reasons, or every kernel stays inside it and
// comes to an end, whatever row it is asked.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/byte_changes.hpp"
#include "fuzz/memory_file.hpp"
#include "fuzz/poisoned_tail.hpp"
#include "fuzz/require.hpp"
#include "model/tree/forest.hpp"
#include "model/tree/forest_compiler.hpp"
#include "model/tree/forest_format.hpp"
#include "model/tree/forest_testing.hpp"

namespace {

using forkcast::ErrorCode;
using forkcast::Result;
using forkcast::fuzz::ApplyChanges;
using forkcast::fuzz::MemoryFile;
using forkcast::fuzz::PoisonedTail;
using forkcast::fuzz::Require;
using forkcast::fuzz::TakeLine;
using namespace forkcast::model;

/// A forest and the file that it makes.
struct Compiled {
  ForestSource source;
  std::string bytes;
};

Compiled Compile(const ForestShape& shape) {
  ForestSource source = ForestMaker(shape, 1).Make();
  std::string bytes = CompileForest(source);
  return {std::move(source), std::move(bytes)};
}

const Compiled* ForestNamed(std::string_view name) {
  static const std::map<std::string, Compiled, std::less<>> kAll{
      {"numbers", Compile({.trees = 3, .features = 4, .depth = 7, .leaf_share = 0.2})},
      {"categories", Compile({.trees = 3, .features = 40, .depth = 5, .category_share = 0.5})},
      {"classes",
       Compile({.trees = 6, .features = 70, .depth = 3, .margins = 3, .link = Link::kSoftmax})},
      {"doubles", Compile({.trees = 3,
                           .features = 4,
                           .depth = 5,
                           .margins = 3,
                           .link = Link::kSoftmax,
                           .doubles = true})},
      {"leaves", Compile({.trees = 2, .features = 1, .depth = 0, .link = Link::kSigmoid})}};
  const auto found = kAll.find(name);
  return found == kAll.end() ? nullptr : &found->second;
}

void Seal(std::string& bytes) {
  if (bytes.size() < sizeof(forest_format::Header)) return;
  const auto checksum = forest_format::ComputeChecksum(std::as_bytes(std::span(bytes)));
  std::memcpy(bytes.data() + offsetof(forest_format::Header, checksum), checksum.data(),
              checksum.size());
}

std::vector<double> Predict(const Forest& forest, std::span<const float> rows) {
  std::vector<double> out(rows.size() / forest.inputs().size() * forest.outputs().size());
  forest.Predict(rows, out);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view changes(reinterpret_cast<const char*>(data), size);
  const Compiled* const compiled = ForestNamed(TakeLine(changes));
  if (compiled == nullptr) return 0;
  std::string bytes = compiled->bytes;
  ApplyChanges(changes, bytes);
  Seal(bytes);

  const MemoryFile file(bytes);
  for (const ForestKernel& kernel : ForestKernels()) {
    const Result<Forest> forest = Forest::Open(file.path(), kernel);
    if (!forest) {
      Require(bytes != compiled->bytes && !forest.error().message.empty());
      Require(forest.error().code == ErrorCode::kCorrupt ||
              forest.error().code == ErrorCode::kInvalidArgument);
      continue;
    }
    const PoisonedTail tail(forest->bytes());
    ForestSource like = compiled->source;
    like.features.resize(forest->inputs().size());
    const std::vector<float> rows = RowsFor(like, 9, 1);
    const std::vector<double> answers = Predict(*forest, rows);
    if (bytes != compiled->bytes) continue;
    for (std::size_t i = 0; i < 9; ++i) {
      const std::size_t outputs = forest->outputs().size();
      const std::size_t width = like.features.size();
      const std::vector<double> expected =
          AnswerOf(like, std::span(rows).subspan(i * width, width));
      Require(std::ranges::equal(std::span(answers).subspan(i * outputs, outputs), expected));
    }
  }
  return 0;
}
