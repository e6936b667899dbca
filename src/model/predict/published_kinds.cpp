#include "model/predict/published_kinds.hpp"

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "data_preprocessing/document/json_node.hpp"
#include "model/linear/linear_explainer.hpp"
#include "model/onnx/graph.hpp"
#include "model/tree/forest_compiler.hpp"
#include "model/tree/tree_shap.hpp"
#include "model/tree/xgboost_reader.hpp"

namespace forkcast::model {
namespace {

Result<ScoringModel> Scoring(Result<Forest> forest) {
  if (!forest) return std::move(forest).error();
  return ScoringOf(*std::move(forest));
}

Result<ScoringModel> OpenForest(const std::filesystem::path& file, InputPool& pool) {
  Result<Forest> forest = Forest::Open(file);
  if (forest) forest->ShareInputs(pool);
  return Scoring(std::move(forest));
}

Result<ScoringModel> ConvertTrees(std::string_view bytes) {
  const Result<ForestSource> source = ReadXGBoost(bytes);
  if (!source) return source.error();
  if (!source->attributes.contains("forkcast_task")) {
    return Error{ErrorCode::kCorrupt, "the model was not written by this program's trainer"};
  }
  return Scoring(Forest::FromBytes(CompileForest(*source)));
}

/// A model whose file is a document, read whole.
template <typename DocumentModel>
Result<ScoringModel> OpenDocument(const std::filesystem::path& file, InputPool& pool) {
  std::string text;
  try {
    text = preprocessing::ReadTextFile(file);
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kIo, error.what()};
  }
  Result<DocumentModel> model = DocumentModel::Parse(text);
  if (!model) return std::move(model).error();
  model->ShareInputs(pool);
  return ScoringOf(*std::move(model));
}

Result<ScoringModel> OpenGraph(const std::filesystem::path& file, InputPool& pool) {
  try {
    Result<onnx::Graph> graph = onnx::Graph::FromBytes(preprocessing::ReadTextFile(file));
    if (!graph) return std::move(graph).error();
    graph->ShareInputs(pool);
    return ScoringOf(*std::move(graph));
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kIo, error.what()};
  }
}

Result<std::unique_ptr<const Explainer>> OpenShap(const std::filesystem::path& file) {
  Result<TreeShap> shap = TreeShap::Open(file);
  if (!shap) return std::move(shap).error();
  return std::unique_ptr<const Explainer>(std::make_unique<const TreeShap>(*std::move(shap)));
}

constexpr std::array kPublishedKinds{
    PublishedKind{.ending = kForestEnding,
                  .open = &OpenForest,
                  .interchange = kXGBoostEnding,
                  .convert = &ConvertTrees,
                  .explanation = kShapEnding,
                  .explain = &OpenShap},
    PublishedKind{.ending = kLinearEnding,
                  .open = &OpenDocument<LinearModel>,
                  .interchange = {},
                  .convert = nullptr},
    PublishedKind{.ending = kTableEnding,
                  .open = &OpenDocument<QuantileTable>,
                  .interchange = {},
                  .convert = nullptr},
    PublishedKind{.ending = kLinearForestEnding,
                  .open = &OpenDocument<LinearForest>,
                  .interchange = {},
                  .convert = nullptr},
    PublishedKind{
        .ending = kGraphEnding, .open = &OpenGraph, .interchange = {}, .convert = nullptr},
};

}  // namespace

std::span<const PublishedKind> PublishedKinds() noexcept { return kPublishedKinds; }

ScoringModel ScoringOf(Forest forest) {
  const bool are_shares = forest.link() == Link::kIdentity && forest.outputs().size() > 1;
  return {.model = std::make_unique<const Forest>(std::move(forest)), .are_shares = are_shares};
}

ScoringModel ScoringOf(LinearModel model) {
  auto linear = std::make_unique<const LinearModel>(std::move(model));
  auto explainer = std::make_unique<const LinearExplainer>(*linear);
  return {.model = std::move(linear), .explainer = std::move(explainer)};
}

ScoringModel ScoringOf(QuantileTable table) {
  return {.model = std::make_unique<const QuantileTable>(std::move(table))};
}

ScoringModel ScoringOf(LinearForest forest) {
  return {.model = std::make_unique<const LinearForest>(std::move(forest))};
}

ScoringModel ScoringOf(onnx::Graph graph) {
  return {.model = std::make_unique<const onnx::Graph>(std::move(graph))};
}

}  // namespace forkcast::model
