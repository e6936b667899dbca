#include "client/replay_command.hpp"

#include <fmt/format.h>

#include <chrono>

#include "client/replay.hpp"
#include "client/replay_options.hpp"
#include "client/replay_report.hpp"
#include "data_preprocessing/base/descriptor_limit.hpp"
#include "data_preprocessing/base/output_file.hpp"
#include "data_preprocessing/base/progress.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/stage_progress.hpp"

namespace forkcast::client {
namespace {

using preprocessing::Arguments;
using preprocessing::CommandContext;
using preprocessing::ExitCode;

/// What is open beside the connections: the standard streams, the files, Asio's own.
constexpr std::size_t kOtherDescriptors = 16;

ExitCode ReplayRows(const Arguments& arguments, const CommandContext& context) {
  const ReplayOptions options =
      preprocessing::Require(ReadReplayOptions(arguments), ExitCode::kUsage);
  const std::size_t needed = options.concurrency + kOtherDescriptors;
  if (const std::size_t allowed = RaiseDescriptorLimit(); allowed < needed) {
    throw preprocessing::Failure(
        ExitCode::kUsage,
        fmt::format("--concurrency: {} connections need {} open files, and {} are allowed; raise "
                    "that (ulimit -n) or take fewer",
                    options.concurrency, needed, allowed));
  }
  Progress progress(preprocessing::ProgressStyle(context), context.err, {}, "rows",
                    context.err_width);
  // Ids that no other replay had: the server's log and captures are searched by them.
  const std::string run_id = fmt::format("replay-{:x}", ToMicros(context.clock.Now()));
  const ReplayReport report = RunReplay(options, RetryRules{}, run_id, progress);
  if (report.end == ReplayEnd::kUnreadable && report.requests == 0) {
    throw preprocessing::Failure(ExitCode::kIo, report.problem);
  }
  if (!report.problem.empty()) {
    context.err << fmt::format("{} replay: {}\n", context.program, report.problem);
  }
  const bool has_answers = options.out && OutputFile::IsStandardOutput(*options.out);
  (has_answers ? context.err : context.out)
      << (arguments.Has("json") ? ReportAsJson(report) : ReportAsText(report, context.style));
  return ExitCodeOf(report);
}

}  // namespace

preprocessing::Command ReplayCommand() {
  return {
      .name = "replay",
      .meaning = "sends every row of a CSV file to a Forkcast server and reports the answers",
      .description =
          "Sends every row of a CSV file to a Forkcast server and reports the answers.\n",
      .flags = ReplayFlags(),
      .endings = {{.code = ExitCode::kDone, .when = "every row was answered, and as --expect says"},
                  {.code = ExitCode::kNo, .when = "a row failed, or differs from --expect"},
                  {.code = ExitCode::kUsage, .when = "wrong usage"},
                  {.code = ExitCode::kUnfit, .when = "the server did not become ready"},
                  {.code = ExitCode::kIo,
                   .when = "the input cannot be read, or the output not be written"},
                  {.code = ExitCode::kGaveUp,
                   .when = "the server was there and answers no more; --out has what it answered"},
                  {.code = ExitCode::kInterrupted,
                   .when = "interrupted (SIGINT): reported is what was done"},
                  {.code = ExitCode::kStopped, .when = "terminated (SIGTERM): the same"}},
      .remark =
          "A request is sent again, three times in all, when that is safe: no connection, a kept\n"
          "connection that the server had closed, 429 and 503 (after Retry-After, at most 5 s).\n",
      .run = ReplayRows};
}

}  // namespace forkcast::client
