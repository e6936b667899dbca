#pragma once

#include <cstddef>

#include "data_preprocessing/base/environment.hpp"
#include "data_preprocessing/base/text_table.hpp"

namespace forkcast::preprocessing {

/// Columns of the terminal that a descriptor is; 0: it is none. A terminal that does not know has
/// those of the variable COLUMNS, else 80.
[[nodiscard]] std::size_t TerminalWidth(int fd, const Environment& environment);

/// How text looks best where a descriptor leads to: colors on a terminal alone, and not where
/// NO_COLOR is set (no-color.org) or TERM says that there are none.
[[nodiscard]] TextStyle StyleOf(int fd, const Environment& environment);

}  // namespace forkcast::preprocessing
