#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/tree/forest_source.hpp"

namespace forkcast::model {

/// What a file of XGBoost holds.
struct XGBoostModel {
  ForestSource forest;
  std::array<std::uint32_t, 3> version{};  ///< Of the library that wrote it: {2, 1, 4}.
  std::string objective;                   ///< "binary:logistic".
  bool has_feature_names = false;          ///< Else they are f0, f1 and so on.
  /// Of features whose categories were texts in training: what category i stands for.
  std::map<std::uint32_t, std::vector<std::string>> category_texts;
  /// The same of features whose categories were numbers.
  std::map<std::uint32_t, std::vector<double>> category_numbers;
  std::size_t trees_a_round = 1;  ///< That boosting adds together; they stand beside each other.
  /// Of gblinear, which has no trees: of each feature, and of 1 at last, the weight for each
  /// margin.
  std::vector<float> linear_weights;
};

/// Reads a model as XGBoost 1.0 to 3.x writes it, UBJSON or JSON (told apart by their first bytes):
/// boosted trees and random forests, also with DART's weights, categories, several classes or
/// targets, of every objective whose answer is a function of the margins; and the weights of
/// gblinear. A tree whose leaves are
/// vectors becomes one tree a number. Nodes that no test leads to, which pruning leaves behind, are
/// left out; members that are not known are passed over.
///
/// kCorrupt when the bytes are no whole document, or contradict themselves: a child that is no
/// node, two tests that lead to one node. kInvalidArgument, naming the member, for what is no such
/// model or not understood: a later major version, another booster, an unknown objective.
/// O(bytes), and of leaves that are vectors O(bytes * numbers of one); takes about as much memory
/// as the bytes again.
[[nodiscard]] Result<XGBoostModel> ReadXGBoostModel(std::string_view bytes);

/// The forest alone, of a model whose categories are numbers of rows.
[[nodiscard]] Result<ForestSource> ReadXGBoost(std::string_view bytes);

}  // namespace forkcast::model
