#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::client {

/// `forkcast-client replay`: sends every row of a CSV file to a server and prints a report, as text
/// or as one line of JSON.
[[nodiscard]] preprocessing::Command ReplayCommand();

}  // namespace forkcast::client
