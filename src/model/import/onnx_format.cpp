#include "model/import/onnx_format.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "model/onnx/graph.hpp"

namespace forkcast::model {
namespace {

using onnx::GraphColumn;

ImportedInput InputOf(const GraphColumn& column) {
  ImportedInput input{.name = column.name};
  if (column.kind == GraphColumn::Kind::kText) {
    input.texts = column.texts;
    if (column.refuses_others) input.unknown = UnknownCategory::kError;
  } else if (column.kind == GraphColumn::Kind::kDouble) {
    input.reading = ExactReading{.as = ExactReading::As::kParts};
  } else if (column.kind != GraphColumn::Kind::kNumber) {
    input.reading = ExactReading{.as = ExactReading::As::kInteger};
  }
  return input;
}

TrainedAnswer AnswerOf(const onnx::Graph& graph) {
  if (!graph.classes().empty()) return ClassAnswer{graph.classes()};
  if (graph.outputs().size() == 1) return ValueAnswer{};
  return ValuesAnswer{graph.outputs().size()};
}

}  // namespace

Result<ImportedModel> ImportOnnx(std::string_view bytes, Rounds rounds) {
  if (rounds == Rounds::kBest) {
    return Error{ErrorCode::kInvalidArgument, "ONNX names no best round: take all of them"};
  }
  Result<onnx::Graph> graph = onnx::Graph::FromBytes(bytes);
  if (!graph) return std::move(graph).error();
  ImportedModel model;
  model.format_version = graph->producer();
  model.objective = graph->summary().empty() ? "no operator" : graph->summary();
  model.has_input_names = graph->has_column_names();
  model.answer = AnswerOf(*graph);
  for (const GraphColumn& column : graph->columns()) model.inputs.push_back(InputOf(column));
  model.tree_count = graph->tree_count();
  for (const onnx::GraphOutput& output : graph->named_outputs()) {
    model.graph_outputs.push_back(
        {.name = output.name, .is_integer = output.is_integer, .is_map = output.is_map});
  }
  if (std::optional<ForestSource> forest = graph->TakeForest()) {
    model.forest = *std::move(forest);
    return model;
  }
  model.graph = bytes;
  for (const GraphColumn& column : graph->columns()) {
    model.forest.features.push_back(column.name);
  }
  return model;
}

}  // namespace forkcast::model
