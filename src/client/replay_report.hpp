#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "client/tally.hpp"
#include "data_preprocessing/base/text_table.hpp"
#include "data_preprocessing/command/exit_code.hpp"

namespace forkcast::client {

/// Why a replay ended.
enum class ReplayEnd {
  kDone,
  kNeverReady,
  kUnreadable,   ///< The input, or the file of --expect.
  kUnwritable,   ///< The file of --out.
  kInterrupted,  ///< By a signal.
  kGaveUp,       ///< Too many requests in a row got no answer.
};

/// Per request, from when it was due (see --rate) or first sent to the end of its last try.
struct LatencySummary {
  std::chrono::microseconds p50{}, p90{}, p99{}, p999{}, max{};
};

struct ExpectationSummary {
  std::size_t compared = 0;
  std::size_t different = 0;
  std::vector<std::string> first_differences;
};

/// What a replay did.
struct ReplayReport {
  ReplayEnd end = ReplayEnd::kDone;
  std::string problem;  ///< What ended it early; empty when done.
  int signal = 0;       ///< The one that interrupted it.

  std::size_t rows = 0;  ///< Of the requests that were sent: answered and failed.
  std::size_t answered = 0;
  std::size_t failed = 0;
  std::size_t requests = 0;
  std::size_t retried = 0;  ///< Times a request was sent again.
  std::chrono::nanoseconds elapsed{};
  std::optional<LatencySummary> latency;  ///< None when nothing was sent.
  std::string count_by;
  std::vector<Tally::Entry> counts;
  std::vector<std::string> first_failures;
  std::optional<ExpectationSummary> expectation;
};

/// How the command ends.
[[nodiscard]] preprocessing::ExitCode ExitCodeOf(const ReplayReport& report) noexcept;
/// A few lines to read, each ended by a line feed.
[[nodiscard]] std::string ReportAsText(const ReplayReport& report, const TextStyle& style = {});
/// One line of JSON with a line feed.
[[nodiscard]] std::string ReportAsJson(const ReplayReport& report);

}  // namespace forkcast::client
