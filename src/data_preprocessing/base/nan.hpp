#pragma once

#include <limits>

namespace forkcast {

/// A number that is not there.
inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace forkcast
