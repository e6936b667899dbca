#include "data_preprocessing/commands/ingest_command.hpp"

#include "data_preprocessing/commands/ingest_follow.hpp"
#include "data_preprocessing/commands/ingest_options.hpp"
#include "data_preprocessing/commands/ingest_run.hpp"
#include "data_preprocessing/commands/ingest_summary.hpp"

namespace forkcast::preprocessing {
namespace {

ExitCode Run(const Arguments& arguments, const CommandContext& context) {
  const IngestOptions options = ReadIngestOptions(arguments);
  if (options.follow) {
    RunFollow(options, arguments.Has("json") ? TurnFormat::kJson : TurnFormat::kText, context);
    return ExitCode::kDone;
  }
  const IngestSummary summary =
      options.is_from_kafka() ? RunKafkaOnce(options, context) : RunIngest(options, context);
  if (arguments.Has("json")) {
    context.out << JsonSummary(summary, options);
  } else if (!context.quiet) {
    context.out << TextSummary(summary, options);
  }
  return ExitCode::kDone;
}

}  // namespace

Command IngestCommand() {
  return {
      .name = "ingest",
      .meaning = "takes CSV files into the store and publishes snapshots",
      .description =
          "Takes CSV files into the store, all of them or none, and publishes a snapshot of every\n"
          "series for the server. What is stored already is left out: in a table with key every\n"
          "identical row, in a table without key every file whose content was taken in before. "
          "How\n"
          "files are written (delimiter, decimal comma, encoding ...) is declared in the "
          "pipeline.\n",
      .flags = IngestFlags(),
      .variables = {kKafkaConfigVariable, kTellVariable},
      .endings =
          {{.code = ExitCode::kDone},
           {.code = ExitCode::kNo,
            .when = "a CSV file is wrong or contradicts the store, or more rows were rejected than "
                    "allowed; the store is as before"},
           {.code = ExitCode::kUsage, .when = "wrong usage or pipeline file"},
           {.code = ExitCode::kUnfit,
            .when = "the rows are stored, but a series cannot be made of them"},
           {.code = ExitCode::kIo, .when = "the store or a file cannot be read or written"}},
      .run = Run};
}

}  // namespace forkcast::preprocessing
