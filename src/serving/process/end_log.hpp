#pragma once

#include <cstdint>
#include <string_view>

#include "serving/process/child_process.hpp"

namespace spdlog {
class logger;
}

namespace forkcast::serving {

/// Whether a child was told to end before it did.
enum class Asked : std::uint8_t { kNo, kYes };

/// The one line on the end of a child; its level says whether somebody has to look. `who`:
/// `worker=3`.
void LogEnd(spdlog::logger& log, std::string_view who, const ChildProcess& process,
            const ChildEnd& end, Asked asked);

}  // namespace forkcast::serving
