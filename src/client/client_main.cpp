#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <span>
#include <string_view>

#include "client/replay.hpp"
#include "data_preprocessing/base/progress.hpp"

namespace {

using forkcast::Progress;
using namespace forkcast::client;  // NOLINT(google-build-using-namespace): the program of this
                                   // module

constexpr int kUsage = 2;
constexpr int kIo = 4;

constexpr std::string_view kHelp =
    "usage: forkcast-client COMMAND [options]\n"
    "\n"
    "Commands:\n"
    "  replay  Sends every row of a CSV file to a Forkcast server and reports the answers\n"
    "\n"
    "forkcast-client COMMAND --help lists the options of a command.\n";

/// Prints and says whether all of it was written.
bool Print(std::string_view text) { return !!(std::cout << text << std::flush); }

int Replay(std::span<const char* const> arguments) {
  const auto parsed =
      ParseReplayOptions(arguments, [](const char* name) { return std::getenv(name); });
  if (!parsed) {
    std::cerr << "forkcast-client replay: " << parsed.error().message << '\n';
    return kUsage;
  }
  if (!*parsed) return Print(ReplayHelp()) ? EXIT_SUCCESS : kIo;
  const ReplayOptions& options = **parsed;

  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  const Progress::Style style = options.quiet ? Progress::Style::kNone
                                : terminal    ? Progress::Style::kBar
                                              : Progress::Style::kLines;
  Progress progress(style, std::cerr);
  // Ids that no other replay had: the server's log and captures are searched by them.
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::string run_id = fmt::format(
      "replay-{:x}", std::chrono::duration_cast<std::chrono::microseconds>(now).count());
  const ReplayReport report = RunReplay(options, RetryRules{}, run_id, progress);
  if (!report.problem.empty()) std::cerr << "forkcast-client replay: " << report.problem << '\n';
  const bool printed = Print(options.json ? ReportAsJson(report) : ReportAsText(report));
  return printed ? ExitCode(report) : kIo;
}

int Run(std::span<const char* const> arguments) {
  if (arguments.empty()) {
    std::cerr << kHelp;
    return kUsage;
  }
  const std::string_view command = arguments.front();
  if (command == "--help" || command == "-h") return Print(kHelp) ? EXIT_SUCCESS : kIo;
  if (command == "replay") return Replay(arguments.subspan(1));
  std::cerr << "forkcast-client: unknown command \"" << command << "\"; expected replay\n";
  return kUsage;
}

}  // namespace

int main(int argc, char** argv) {
  // A closed connection or pipe is an error code where it is written to, not the end of us.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return Run(std::span<const char* const>(argv, static_cast<std::size_t>(argc)).subspan(1));
  } catch (const std::exception& error) {
    std::cerr << "forkcast-client: " << error.what() << '\n';
    return kIo;
  }
}
