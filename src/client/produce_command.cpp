#include "client/produce_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "client/moved_dates.hpp"
#include "client/send_schedule.hpp"
#include "client/topic_writer.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/stage_progress.hpp"
#include "data_preprocessing/command/stop_signals.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/csv_reader.hpp"
#include "data_preprocessing/table/read_dialect.hpp"

namespace forkcast::client {
namespace {

using preprocessing::Arguments;
using preprocessing::CommandContext;
using preprocessing::CsvTableReader;
using preprocessing::ExitCode;
using preprocessing::Failure;
using preprocessing::Flag;
using preprocessing::Require;
using preprocessing::StopSignals;
using preprocessing::Table;

constexpr const char* kConfigVariable = "FORKCAST_KAFKA_CONFIG";
constexpr std::size_t kBatchRows = 1000;
/// How long a signal may wait to be seen.
constexpr std::chrono::milliseconds kSlice{100};

std::vector<Flag> ProduceFlags() {
  using Kind = Flag::Kind;
  using Need = Flag::Need;
  const auto is_rate = [](std::string_view text) {
    double rate{};
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), rate);
    return failed == std::errc() && end == text.data() + text.size() && rate > 0 && rate <= 1e7;
  };
  return {
      {.name = "input",
       .argument = "FILE",
       .meaning = "The CSV file, or a gzip of one.",
       .need = Need::kRequired},
      {.name = "brokers",
       .argument = "HOST:PORT",
       .meaning = "Brokers of the cluster, more behind commas.",
       .need = Need::kRequired},
      {.name = "topic",
       .argument = "NAME",
       .meaning = "The topic, which must be there.",
       .need = Need::kRequired},
      {.name = "rate",
       .argument = "N",
       .meaning = "Messages a second.",
       .when_absent = "as fast as the brokers take them",
       .allowed = {.expected = "a number over 0, up to 10000000", .is_value = is_rate}},
      {.name = "key",
       .argument = "COLUMN",
       .meaning = "The column whose value is the key of a message, so that rows of one key stay in "
                  "their order.",
       .when_absent = "messages have no key"},
      {.name = "today",
       .argument = "COLUMN",
       .kind = Kind::kManyValues,
       .meaning = "Moves the dates of this column by so many days that the newest one of the file "
                  "is today (UTC). Its values begin with YYYY-MM-DD. May be given several times: "
                  "all are moved by the days of the first."},
      {.name = "csv",
       .argument = "JSON",
       .meaning = "How the file is written, as a pipeline says it: {\"delimiter\": \";\"}.",
       .when_absent = "with commas, in UTF-8"},
      {.name = "option",
       .argument = "NAME=VALUE",
       .kind = Kind::kManyValues,
       .meaning = "An option of librdkafka, such as security.protocol=SSL. Secrets belong into the "
                  "file that FORKCAST_KAFKA_CONFIG names, a line NAME=VALUE each."},
      preprocessing::JsonFlag("Prints one line of JSON in place of the report."),
      preprocessing::QuietFlag(),
  };
}

Failure WrongUse(const Error& error) { return {ExitCode::kUsage, error.message}; }

TopicWriter::Options ReadOptions(const Arguments& arguments, const CommandContext& context) {
  TopicWriter::Options options;
  const auto add = [&options](const std::string& line) {
    const std::size_t equals = line.find('=');
    if (equals == 0 || equals == std::string::npos) return false;
    options.emplace_back(line.substr(0, equals), line.substr(equals + 1));
    return true;
  };
  if (const auto file = context.environment(kConfigVariable)) {
    std::ifstream in(*file);
    if (!in) throw Failure(ExitCode::kIo, fmt::format("{}: cannot be read", *file));
    std::string line;
    for (std::size_t number = 1; std::getline(in, line); ++number) {
      if (line.empty() || line.starts_with('#') || add(line)) continue;
      throw Failure(ExitCode::kUsage,
                    fmt::format("{}: line {}: expected NAME=VALUE", *file, number));
    }
  }
  for (const std::string& text : arguments.Texts("option")) {
    if (!add(text)) throw WrongUse(arguments.Refuse("option", "expected NAME=VALUE"));
  }
  return options;
}

preprocessing::CsvDialect ReadCsv(const Arguments& arguments) {
  if (!arguments.Has("csv")) return {};
  try {
    const auto json = preprocessing::ParseJson(arguments.Text("csv"));
    return preprocessing::ReadDialect(preprocessing::JsonNode(json));
  } catch (const preprocessing::SpecError& error) {
    throw WrongUse(arguments.Refuse("csv", error.what()));
  }
}

/// One production, from the arguments to the number of messages. Throws Failure.
class Production {
 public:
  Production(const Arguments& arguments, const CommandContext& context)
      : arguments_(arguments),
        context_(context),
        dialect_(ReadCsv(arguments)),
        options_(ReadOptions(arguments, context)) {}

  std::size_t Run() {
    CsvTableReader reader = Open();
    for (const std::string& name : arguments_.Texts("today")) today_.push_back(Find(reader, name));
    if (arguments_.Has("key")) key_ = Find(reader, arguments_.Text("key"));
    if (!today_.empty()) days_ = DaysToToday();
    TopicWriter writer =
        Require(TopicWriter::Open(arguments_.Text("brokers"), arguments_.Text("topic"), options_));
    const StopSignals signals;
    const std::size_t sent = Send(reader, writer);
    Require(writer.Flush());
    return sent;
  }

 private:
  CsvTableReader Open() const {
    return Require(CsvTableReader::OpenAsText(arguments_.Text("input"), {.dialect = dialect_}),
                   ExitCode::kIo);
  }

  static std::size_t Find(const CsvTableReader& reader, const std::string& column) {
    if (const auto found = reader.schema().Find(column)) return *found;
    throw Failure(ExitCode::kUsage, fmt::format("the file has no column \"{}\"", column));
  }

  std::chrono::sys_days DateAt(const Table& batch, std::size_t column, std::size_t row) const {
    const std::string_view text = batch.column(column).Text(row);
    if (const auto date = DateOf(text)) return *date;
    throw Failure(ExitCode::kNo,
                  fmt::format("--today: column \"{}\": expected a time that begins with "
                              "YYYY-MM-DD, got \"{}\"",
                              batch.schema().columns[column].name, text));
  }

  /// Reads the whole file for the newest date of the first column that is moved.
  std::chrono::days DaysToToday() const {
    CsvTableReader reader = Open();
    Table batch(reader.schema());
    std::optional<std::chrono::sys_days> newest;
    while (Require(reader.ReadBatch(kBatchRows, batch), ExitCode::kNo)) {
      for (std::size_t row = 0; row < batch.row_count(); ++row) {
        if (batch.column(today_.front()).IsMissing(row)) continue;
        const auto date = DateAt(batch, today_.front(), row);
        newest = newest ? std::max(*newest, date) : date;
      }
    }
    const auto today = std::chrono::floor<std::chrono::days>(context_.clock.Now());
    return newest ? std::chrono::days(today - *newest) : std::chrono::days(0);
  }

  std::size_t Send(CsvTableReader& reader, TopicWriter& writer) const {
    const MonotonicTime start = context_.clock.Monotonic();
    const std::optional<double> rate = arguments_.Real("rate");
    const SendSchedule schedule(start, rate.value_or(1));
    preprocessing::StageProgress progress(context_,
                                          {.label = "messages", .unit = "kB", .per_unit = 1000});
    Table batch(reader.schema());
    std::size_t sent = 0;
    while (Require(reader.ReadBatch(kBatchRows, batch), ExitCode::kNo)) {
      for (std::size_t row = 0; row < batch.row_count(); ++row) {
        if (rate) WaitUntil(schedule.Due(sent));
        if (StopSignals::Requested()) return sent;
        const bool has_key = key_ && !batch.column(*key_).IsMissing(row);
        Require(writer.Write(has_key ? batch.column(*key_).Text(row) : "", MessageOf(batch, row)));
        ++sent;
      }
      progress.Update(reader.bytes_read(), reader.bytes_total());
    }
    return sent;
  }

  void WaitUntil(MonotonicTime due) const {
    while (!StopSignals::Requested()) {
      const auto left = due - context_.clock.Monotonic();
      if (left <= MonotonicTime::duration::zero()) return;
      std::this_thread::sleep_for(std::min<MonotonicTime::duration>(left, kSlice));
    }
  }

  /// Every value is a text, since only whoever reads it knows its type; a missing one is null.
  std::string MessageOf(const Table& batch, std::size_t row) const {
    nlohmann::ordered_json message = nlohmann::ordered_json::object();
    for (std::size_t i = 0; i < batch.column_count(); ++i) {
      const std::string& name = batch.schema().columns[i].name;
      if (batch.column(i).IsMissing(row)) {
        message[name] = nullptr;
      } else if (std::ranges::find(today_, i) != today_.end()) {
        static_cast<void>(DateAt(batch, i, row));
        message[name] = Moved(batch.column(i).Text(row), days_);
      } else {
        message[name] = batch.column(i).Text(row);
      }
    }
    return message.dump();
  }

  const Arguments& arguments_;
  const CommandContext& context_;
  preprocessing::CsvDialect dialect_;
  TopicWriter::Options options_;
  std::vector<std::size_t> today_;  // columns whose dates are moved
  std::optional<std::size_t> key_;
  std::chrono::days days_{0};
};

ExitCode Produce(const Arguments& arguments, const CommandContext& context) {
  const StopSignals signals;  // also while the file is read for its newest date
  const MonotonicTime start = context.clock.Monotonic();
  const std::size_t sent = Production(arguments, context).Run();
  const double seconds = std::chrono::duration<double>(context.clock.Monotonic() - start).count();
  if (arguments.Has("json")) {
    context.out << fmt::format("{{\"messages\":{},\"seconds\":{:.3f}}}\n", sent, seconds);
  } else if (!context.quiet) {
    context.out << fmt::format("{} messages in {:.1f} s: {:.0f} a second\n", sent, seconds,
                               static_cast<double>(sent) / std::max(seconds, 1e-3));
  }
  return StopSignals::Requested() ? ExitCode::kStopped : ExitCode::kDone;
}

}  // namespace

preprocessing::Command ProduceCommand() {
  return {.name = "produce",
          .meaning = "sends every row of a CSV file to a Kafka topic, at a rate",
          .description =
              "Sends every row of a CSV file to a Kafka topic, a JSON object each, for tests "
              "and demonstrations.\n",
          .flags = ProduceFlags(),
          .variables = {kConfigVariable},
          .endings = {{.code = ExitCode::kDone, .when = "the brokers have every message"},
                      {.code = ExitCode::kNo, .when = "the file has a row that is none"},
                      {.code = ExitCode::kUsage, .when = "wrong usage"},
                      {.code = ExitCode::kUnfit, .when = "there is no such topic"},
                      {.code = ExitCode::kIo,
                       .when = "the file cannot be read, or the brokers do not answer"},
                      {.code = ExitCode::kStopped, .when = "a signal: those before were sent"}},
          .run = Produce};
}

}  // namespace forkcast::client
