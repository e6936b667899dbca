#pragma once

#include <span>
#include <string_view>

namespace forkcast::preprocessing {

/// How a command ends: a number means the same in all of them, so that a script can go by it
/// without knowing which it ran.
enum class ExitCode : int {
  kDone = 0,
  kNo = 1,
  kUsage = 2,
  kUnfit = 3,
  kGate = 4,
  kIo = 5,
  kGaveUp = 6,
  kUnexpected = 70,  ///< EX_SOFTWARE of sysexits.h.
  kInterrupted = 130,
  kStopped = 143,
};

/// A row of the table of exit codes, which `--help` and docs/operations.md show.
struct ExitMeaning {
  ExitCode code = ExitCode::kDone;
  std::string_view meaning;
};

/// Every code once, in the order of their numbers.
[[nodiscard]] std::span<const ExitMeaning> ExitCodes() noexcept;

[[nodiscard]] std::string_view MeaningOf(ExitCode code) noexcept;

}  // namespace forkcast::preprocessing
