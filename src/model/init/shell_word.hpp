#pragma once

#include <string>

namespace forkcast::model {

/// A word as a shell takes it: in quotes where it would be torn apart.
[[nodiscard]] std::string ShellWord(const std::string& word);

}  // namespace forkcast::model
