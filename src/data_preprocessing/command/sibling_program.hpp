#pragma once

#include <string>
#include <vector>

namespace forkcast::preprocessing {

/// Goes on as another program of Forkcast, which is installed beside the running one: the process
/// stays, and with it terminal, files, and whoever waits for it or signals it. Returns never;
/// throws Failure, naming the path, when the program cannot be run.
[[noreturn]] void BecomeSibling(const std::string& program, const std::vector<std::string>& words);

}  // namespace forkcast::preprocessing
