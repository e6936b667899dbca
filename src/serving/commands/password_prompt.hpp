#pragma once

#include <ostream>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

/// A password that somebody types twice, and sees neither time; where standard input is no
/// terminal, its first line. Never an argument or a variable: other programs on the machine see
/// those. `err` is where the questions go. kInvalidArgument when both times differ, or there is
/// none; kIo when it cannot be read.
[[nodiscard]] Result<std::string> AskNewPassword(std::string_view name, std::ostream& err);

}  // namespace forkcast::serving
