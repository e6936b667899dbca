#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "model/linear/linear_model.hpp"
#include "model/predict/scoring_model.hpp"
#include "model/quantile_table/quantile_table.hpp"
#include "model/tree/forest.hpp"
#include "model/tree/linear_forest.hpp"

namespace forkcast::model::onnx {
class Graph;
}  // namespace forkcast::model::onnx

namespace forkcast::model {

/// A kind of model that training publishes, known by how its files end (artefact/FORMAT.md).
struct PublishedKind {
  /// Of the file that is served.
  std::string_view ending;
  /// kCorrupt when it is not as it was written, kInvalidArgument for one of later days, kIo. What
  /// of the file can be shared with other processes is mapped; what models of a version have alike
  /// is in `pool` once. Blocks on the disk.
  Result<ScoringModel> (*open)(const std::filesystem::path& file, InputPool& pool);
  /// Of the file beside it that it was made of, for other programs to read; empty: there is none.
  std::string_view interchange;
  /// From the bytes of that one, which is all that versions of before have. As `open`. Null where
  /// there is none.
  Result<ScoringModel> (*convert)(std::string_view bytes);
  /// Of the file beside it that explains its answers, where that is not the served one itself
  /// (`open` then knows the explainer); empty: there is none. Versions of before have none either.
  std::string_view explanation{};
  /// As `open`.
  Result<std::unique_ptr<const Explainer>> (*explain)(const std::filesystem::path& file) = nullptr;
};

/// Every kind there is. A new one is a line in this table (../README.md).
[[nodiscard]] std::span<const PublishedKind> PublishedKinds() noexcept;

/// Endings of the files of trees.
inline constexpr std::string_view kXGBoostEnding = ".ubj";
inline constexpr std::string_view kForestEnding = ".forest";
inline constexpr std::string_view kShapEnding = ".shap";
/// Of trees whose leaves are linear functions, which no trainer here makes.
inline constexpr std::string_view kLinearForestEnding = ".linear_forest.json";
/// Of the file of a linear model.
inline constexpr std::string_view kLinearEnding = ".linear.json";
/// Of the file of a quantile table.
inline constexpr std::string_view kTableEnding = ".table.json";
/// Of the file of a graph of operators, which no trainer here makes.
inline constexpr std::string_view kGraphEnding = ".onnx";

/// A forest as a trained model: several numbers that went through no link are shares.
[[nodiscard]] ScoringModel ScoringOf(Forest forest);
/// A linear model as one: its numbers of classes are probabilities.
[[nodiscard]] ScoringModel ScoringOf(LinearModel model);
[[nodiscard]] ScoringModel ScoringOf(QuantileTable table);
[[nodiscard]] ScoringModel ScoringOf(LinearForest forest);
[[nodiscard]] ScoringModel ScoringOf(onnx::Graph graph);

}  // namespace forkcast::model
