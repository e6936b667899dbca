#include "data_preprocessing/commands/ingest_command.hpp"

#include "data_preprocessing/commands/ingest_follow.hpp"
#include "data_preprocessing/commands/ingest_options.hpp"
#include "data_preprocessing/commands/ingest_run.hpp"
#include "data_preprocessing/commands/ingest_summary.hpp"
#include "data_preprocessing/follow/follow_status.hpp"
#include "data_preprocessing/push/push_message.hpp"

namespace forkcast::preprocessing {
namespace {

ExitCode Run(const Arguments& arguments, const CommandContext& context) {
  const auto pushes = context.environment(kPushVariable) ? TakesPushes::kYes : TakesPushes::kNo;
  const IngestOptions options = ReadIngestOptions(arguments, pushes);
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
          "pipeline.\n"
          "With --follow it does not end, and each file is a transaction of its own.\n"
          "Messages of a Kafka topic are taken in once each, whatever is killed.\n",
      .flags = IngestFlags(),
      .variables = {kKafkaConfigVariable, kTellVariable, kPushVariable},
      .endings =
          {{.code = ExitCode::kDone},
           {.code = ExitCode::kNo,
            .when = "a CSV file is wrong or contradicts the store, or more rows were rejected than "
                    "allowed; the store is as before"},
           {.code = ExitCode::kUsage, .when = "wrong usage or pipeline file"},
           {.code = ExitCode::kUnfit,
            .when = "the rows are stored, but a series cannot be made of them"},
           {.code = ExitCode::kIo,
            .when =
                "the store, a file or a topic cannot be read or written; with --follow: another "
                "one follows the same"}},
      .remark =
          "FORKCAST_KAFKA_CONFIG names a file with options of librdkafka, a line NAME=VALUE\n"
          "each: secrets. FORKCAST_TELL_FD is the number of an open descriptor, to which the\n"
          "state is written with each turn of --follow, a JSON object in a line. A server that\n"
          "takes rows hands them on by the descriptor that FORKCAST_PUSH_FD is the number of.\n",
      .run = Run};
}

}  // namespace forkcast::preprocessing
