#pragma once

#include <string>

#include "model/tree/forest_source.hpp"

namespace forkcast::model {

/// The bytes of a SHAP file (FORMAT.md), of which TreeShap explains the forest's rows: its tests in
/// another order, with how many rows of training went which way. Nodes without weight below them
/// count as if rows went both ways alike. The same forest gives the same bytes. Throws
/// std::length_error for more than 2^31 tests or leaves in all.
[[nodiscard]] std::string CompileShap(const ForestSource& source);

}  // namespace forkcast::model
