#pragma once

#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "model/tree/forest_source.hpp"

namespace forkcast::model {

/// Reads a model as XGBoost 1.0 to 1.7 writes it, UBJSON or JSON (told apart by their first bytes):
/// boosted trees and random forests, also with DART's weights, categories, several classes or
/// targets, of every objective whose answer is a function of the margins. Nodes that no test leads
/// to, which pruning leaves behind, are left out; members that are not known are passed over.
/// A model without names of features has f0, f1 and so on.
///
/// kCorrupt when the bytes are no whole document, or contradict themselves: a child that is no
/// node, two tests that lead to one node. kInvalidArgument, naming the member, for what is no such
/// model or not understood: another booster, an unknown objective, leaves that are vectors.
/// O(bytes); takes about as much memory as the bytes again.
[[nodiscard]] Result<ForestSource> ReadXGBoost(std::string_view bytes);

}  // namespace forkcast::model
