#pragma once

#include <span>
#include <vector>

namespace forkcast::model {

/// A history without holes: a missing value is taken from the line between its neighbours that are
/// there, one before the first or behind the last of them from that one. Puts it into `filled` only
/// where something is missing, and returns a view of what is whole. Precondition: a value is there.
[[nodiscard]] std::span<const double> IntactHistory(std::span<const double> history,
                                                    std::vector<double>& filled);

}  // namespace forkcast::model
