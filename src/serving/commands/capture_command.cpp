#include "serving/commands/capture_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/base/text_table.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "data_preprocessing/table/time_zone.hpp"
#include "serving/capture/capture_store.hpp"
#include "serving/capture/captured_rows.hpp"
#include "serving/wire/answer_writer.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using preprocessing::Arguments;
using preprocessing::Command;
using preprocessing::CommandContext;
using preprocessing::ExitCode;
using preprocessing::Failure;
using preprocessing::Flag;
using preprocessing::IsoTimestamp;
using preprocessing::Require;

constexpr std::uint64_t kMostListed = 1'000'000'000;

CaptureStore StoreOf(const Arguments& arguments) {
  return Require(CaptureStore::OpenToRead(arguments.Text("store")));
}

std::optional<Instant> TimeOf(const Arguments& arguments, std::string_view flag) {
  if (!arguments.Has(flag)) return std::nullopt;
  auto time = preprocessing::ParseTimestamp(arguments.Text(flag), preprocessing::TimeZone());
  if (time) return *time;
  throw Failure(ExitCode::kUsage, arguments.Refuse(flag, time.error().message).message);
}

/// The statuses that "404" or "4xx" means.
std::optional<std::pair<int, int>> StatusesOf(std::string_view text) {
  constexpr int kLeast = 100;
  constexpr int kGreatest = 599;
  constexpr int kInClass = 100;
  int number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (failed != std::errc()) return std::nullopt;
  if (rest == "xx" && number >= 1 && number <= kGreatest / kInClass) {
    return std::pair(number * kInClass, number * kInClass + kInClass - 1);
  }
  if (!rest.empty() || number < kLeast || number > kGreatest) return std::nullopt;
  return std::pair(number, number);
}

CaptureQuery QueryOf(const Arguments& arguments) {
  CaptureQuery query{.since = TimeOf(arguments, "since"),
                     .until = TimeOf(arguments, "until"),
                     .deployment = arguments.Text("deployment"),
                     .newest = arguments.Whole("limit")};
  if (arguments.Has("status")) {
    std::tie(query.least_status, query.greatest_status) = *StatusesOf(arguments.Text("status"));
  }
  return query;
}

ordered_json BodyOf(const CapturedBody& body) {
  return {{"content_type", body.content_type}, {"encoding", body.encoding}, {"data", body.data}};
}

double MillisecondsOf(const CaptureRecord& record) {
  return std::chrono::duration<double, std::milli>(record.latency).count();
}

ordered_json Summary(const CaptureRecord& record) {
  return {{"id", record.id},
          {"received", IsoTimestamp(record.received)},
          {"deployment", record.deployment},
          {"pipeline", record.pipeline},
          {"model_version", record.model_version},
          {"status", record.status},
          {"latency_ms", MillisecondsOf(record)},
          {"request_id", record.request_id}};
}

ExitCode List(const Arguments& arguments, const CommandContext& context) {
  ordered_json all = ordered_json::array();
  using enum TextTable::Align;
  TextTable table({{"id", kNumber},
                   {"received"},
                   {"deployment"},
                   {"version"},
                   {"status", kNumber},
                   {"ms", kNumber},
                   {"request id"}});
  Require(StoreOf(arguments).Visit(QueryOf(arguments), [&](const CaptureRecord& record) {
    if (arguments.Has("json")) {
      all.push_back(Summary(record));
    } else {
      table.Add({std::to_string(record.id), IsoTimestamp(record.received), record.deployment,
                 record.model_version, std::to_string(record.status),
                 fmt::format("{:.3f}", MillisecondsOf(record)), record.request_id});
    }
  }));
  if (arguments.Has("json")) {
    context.out << all.dump() << '\n';
  } else if (table.row_count() == 0) {
    context.out << "nothing captured is like that in " << arguments.Text("store") << '\n';
  } else {
    context.out << table.Text(context.style);
  }
  return ExitCode::kDone;
}

ordered_json Whole(const CaptureRecord& record) {
  ordered_json whole = Summary(record);
  whole["event_id"] = record.event_id;
  whole["inference_id"] = record.inference_id;
  whole["custom_attributes"] = record.custom_attributes;
  whole["traceparent"] = record.traceparent;
  whole["endpoint"] = record.endpoint;
  whole["variant"] = record.variant;
  whole["withheld"] = record.withheld;
  whole["request"] = BodyOf(record.request);
  whole["answer"] = BodyOf(record.answer);
  whole["features"] = ordered_json::parse(record.features, nullptr, /*allow_exceptions=*/false);
  return whole;
}

/// ID is the number of a record, or a request id, of which there may be several.
ExitCode Show(const Arguments& arguments, const CommandContext& context) {
  const std::string& id = arguments.operands()[0];
  CaptureQuery query;
  if (const auto number = preprocessing::ParseInt64(id)) {
    query.id = *number;
  } else {
    query.request_id = id;
  }
  std::size_t shown = 0;
  Require(StoreOf(arguments).Visit(query, [&](const CaptureRecord& record) {
    // What is no UTF-8 is in base64, but for ids, which are ASCII.
    context.out << Whole(record).dump(arguments.Has("json") ? -1 : 2) << '\n';
    ++shown;
  }));
  if (shown > 0) return ExitCode::kDone;
  throw Failure(ExitCode::kUnfit,
                fmt::format("{}: nothing captured has the number or request id {}",
                            arguments.Text("store"), id));
}

/// A row of a request with its answer; of either there may be none.
struct ExportedRow {
  std::size_t row = 0;
  ordered_json request;
  ordered_json answer;
};

/// Row by row where there are as many of both. Else nobody can say which belong together.
std::vector<ExportedRow> ExportedRowsOf(const CaptureRecord& record) {
  std::vector<ordered_json> requests = RowsOf(record.request);
  std::vector<ordered_json> answers = RowsOf(record.answer);
  std::vector<ExportedRow> rows;
  const bool are_pairs = requests.size() == answers.size();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    rows.push_back({.row = i,
                    .request = std::move(requests[i]),
                    .answer = are_pairs ? std::move(answers[i]) : ordered_json()});
  }
  for (std::size_t i = 0; !are_pairs && i < answers.size(); ++i) {
    rows.push_back({.row = i, .request = {}, .answer = std::move(answers[i])});
  }
  return rows;
}

ordered_json HeadOf(const CaptureRecord& record, std::size_t row) {
  return {{"id", record.id},
          {"received", IsoTimestamp(record.received)},
          {"deployment", record.deployment},
          {"model_version", record.model_version},
          {"request_id", record.request_id},
          {"status", record.status},
          {"row", row}};
}

void ExportLines(const CaptureStore& store, const CaptureQuery& query,
                 const CommandContext& context) {
  Require(store.Visit(query, [&](const CaptureRecord& record) {
    for (ExportedRow& one : ExportedRowsOf(record)) {
      ordered_json line = HeadOf(record, one.row);
      if (!one.request.is_null()) line["request"] = std::move(one.request);
      if (!one.answer.is_null()) line["answer"] = std::move(one.answer);
      context.out << line.dump() << '\n';
    }
  }));
}

/// The columns of a CSV: those of every record, then each field of any request or answer.
class ExportedColumns {
 public:
  /// Takes the fields of a row along.
  void Add(const ExportedRow& row) {
    Each(row, [this](const std::string& name, const ordered_json& /*value*/) {
      if (std::ranges::find(names_, name) == names_.end()) names_.push_back(name);
    });
  }
  [[nodiscard]] std::string Header(const ordered_json& head) const {
    std::string line;
    for (const auto& [name, value] : head.items()) AppendCell(name, line);
    for (const std::string& name : names_) AppendCell(name, line);
    return line + '\n';
  }
  [[nodiscard]] std::string Line(const ordered_json& head, const ExportedRow& row) const {
    ordered_json cells = ordered_json::object();
    Each(row, [&](const std::string& name, const ordered_json& value) { cells[name] = value; });
    std::string line;
    for (const ordered_json& value : head) AppendCell(value, line);
    for (const std::string& name : names_) AppendCell(cells.value(name, ordered_json()), line);
    return line + '\n';
  }

 private:
  template <typename Visit>
  static void Each(const ExportedRow& row, Visit visit) {
    const std::pair<const char*, const ordered_json&> sides[] = {{"request", row.request},
                                                                 {"answer", row.answer}};
    for (const auto& [side, fields] : sides) {
      if (!fields.is_object()) continue;
      for (const auto& [name, value] : fields.items()) {
        visit(fmt::format("{}.{}", side, name), value);
      }
    }
  }
  static void AppendCell(const ordered_json& value, std::string& line) {
    if (!line.empty()) line += ',';
    if (value.is_null()) return;
    wire::AppendCsvField(value.is_string() ? value.get<std::string>() : value.dump(), line);
  }

  std::vector<std::string> names_;
};

void ExportCsv(const CaptureStore& store, const CaptureQuery& query,
               const CommandContext& context) {
  ExportedColumns columns;
  Require(store.Visit(query, [&](const CaptureRecord& record) {
    for (const ExportedRow& one : ExportedRowsOf(record)) columns.Add(one);
  }));
  context.out << columns.Header(HeadOf({}, 0));
  Require(store.Visit(query, [&](const CaptureRecord& record) {
    for (const ExportedRow& one : ExportedRowsOf(record)) {
      context.out << columns.Line(HeadOf(record, one.row), one);
    }
  }));
}

ExitCode Export(const Arguments& arguments, const CommandContext& context) {
  const CaptureStore store = StoreOf(arguments);
  const CaptureQuery query = QueryOf(arguments);
  if (arguments.Text("format") == "csv") {
    ExportCsv(store, query, context);
  } else {
    ExportLines(store, query, context);
  }
  return ExitCode::kDone;
}

std::vector<Flag> FilterFlags(const std::string& fallback_limit) {
  return {
      {.name = "since",
       .argument = "TIME",
       .meaning = "only requests that were received then or later; UTC where it names no zone."},
      {.name = "until", .argument = "TIME", .meaning = "only requests received before."},
      {.name = "deployment", .argument = "NAME", .meaning = "only what this one answered."},
      {.name = "status",
       .argument = "STATUS",
       .meaning = "only answers of this HTTP status, such as 200, or of its kind, such as 4xx.",
       .allowed = {.expected = "a status from 100 to 599, or 1xx to 5xx",
                   .is_value = [](std::string_view text) { return StatusesOf(text).has_value(); }}},
      {.name = "limit",
       .argument = "N",
       .meaning = "at most so many of the newest invocations.",
       .fallback = fallback_limit,
       .when_absent = "all",
       .allowed = preprocessing::WholeNumber(1, kMostListed)}};
}

std::vector<Command> Verbs() {
  std::vector<Flag> export_flags = FilterFlags("");
  export_flags.push_back({.name = "format",
                          .argument = "FORMAT",
                          .meaning = "how the rows are written.",
                          .fallback = "jsonl",
                          .allowed = preprocessing::OneOf({"jsonl", "csv"})});
  return {{.name = "list",
           .meaning = "invocations, a line each, the newest last",
           .flags = FilterFlags("20"),
           .run = List},
          {.name = "show",
           .meaning = "all of one invocation, by its number or request id",
           .operands = {{"ID"}},
           .run = Show},
          {.name = "export",
           .meaning = "rows of requests with their answers, as JSON lines or CSV",
           .flags = std::move(export_flags),
           .run = Export}};
}

}  // namespace

Command CaptureCommand() {
  return {.name = "capture",
          .meaning = "lists, shows and exports what the capture hook keeps in a store",
          .flags = {{.name = "store",
                     .argument = "PATH",
                     .meaning = "The store, as the hook's setting of that name says.",
                     .need = Flag::Need::kRequired},
                    preprocessing::JsonFlag("Prints one line of JSON in place of the table.")},
          .endings = {{.code = ExitCode::kDone},
                      {.code = ExitCode::kUsage, .when = "wrong usage"},
                      {.code = ExitCode::kUnfit, .when = "no such store or invocation"},
                      {.code = ExitCode::kIo, .when = "the store cannot be read"}},
          .verbs = Verbs()};
}

}  // namespace forkcast::serving
