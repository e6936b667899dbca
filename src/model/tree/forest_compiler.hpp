#pragma once

#include <string>

#include "model/tree/forest_source.hpp"

namespace forkcast::model {

/// The bytes of a forest file (FORMAT.md), the same for the same source: what Forest maps. Answers
/// of the one are those of the other, bit for bit. O(nodes).
/// Precondition: the source is as its comments say. Throws std::length_error for over 2^28 tiles,
/// 16 GB.
[[nodiscard]] std::string CompileForest(const ForestSource& source);

}  // namespace forkcast::model
