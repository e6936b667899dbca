#include "serving/commands/predict_command.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/base/output_file.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/stage_progress.hpp"
#include "data_preprocessing/command/stop_signals.hpp"
#include "data_preprocessing/command/store_flags.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/csv_reader.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "model/artefact/registry.hpp"
#include "model/forecast/cold_start.hpp"
#include "model/forecast/forecast_request.hpp"
#include "model/forecast/forecast_version.hpp"
#include "model/forecast/forecaster.hpp"
#include "model/forecast/hierarchy_forecaster.hpp"
#include "serving/bulk/bulk_forecast.hpp"
#include "serving/bulk/bulk_hierarchy.hpp"
#include "serving/bulk/open_sink.hpp"
#include "serving/commands/flag_values.hpp"
#include "serving/config/deployment.hpp"

namespace forkcast::serving {
namespace {

using model::ColdStartRule;
using model::Forecaster;
using model::ForecastVersion;
using model::HierarchyForecaster;
using nlohmann::ordered_json;
using preprocessing::Arguments;
using preprocessing::Command;
using preprocessing::CommandContext;
using preprocessing::CsvTableReader;
using preprocessing::ExitCode;
using preprocessing::Failure;
using preprocessing::Flag;
using preprocessing::PipelineSpec;
using preprocessing::Require;
using preprocessing::Schema;
using preprocessing::StageProgress;
using preprocessing::Table;
using preprocessing::TableSpec;
using preprocessing::Value;

constexpr std::uint64_t kMostSteps = 1000;

// NOLINTNEXTLINE(readability-function-size): a table.
std::vector<Flag> PredictFlags() {
  using Kind = Flag::Kind;
  using Need = Flag::Need;
  return {
      {.name = "models",
       .argument = "DIR",
       .meaning = "The folder of models.",
       .variable = "FORKCAST_MODELS",
       .fallback = "models"},
      {.name = "deploy",
       .argument = "MODEL[@VERSION]",
       .meaning =
           "What forecasts: a model, and its version by an alias or a number, champion where "
           "none is named.",
       .need = Need::kRequired},
      preprocessing::StoreFlag(
          "The store, beside which ingest published the snapshots, and which has the table "
          "of --out table:NAME.",
          preprocessing::kStoreOrSnapshots),
      preprocessing::SnapshotsFlag(),
      {.name = "keys",
       .argument = "FILE",
       .meaning = "A CSV file with the fields of the key: what to forecast; - for standard input.",
       .when_absent = "every key that has data by the origin and has not ended"},
      {.name = "origin",
       .argument = "TIME",
       .meaning = "Forecasts from what was known then.",
       .when_absent = "the newest period"},
      {.name = "steps",
       .argument = "N",
       .meaning = "How many periods to forecast.",
       .when_absent = "the whole horizon",
       .allowed = preprocessing::WholeNumber(1, kMostSteps)},
      {.name = "cold-start",
       .argument = "BASELINE",
       .meaning = "What a key without history or model gets: a baseline as pipelines declare it "
                  "(naive, {\"moving_average\": 4}), or refuse.",
       .fallback = "refuse"},
      {.name = "hierarchy",
       .kind = Kind::kSwitch,
       .meaning = "Forecasts the sums of the pipeline's hierarchy, too, and makes keys and sums "
                  "agree.",
       .when_absent = "keys alone, as a server answers"},
      {.name = "skip-refused",
       .kind = Kind::kSwitch,
       .meaning = "Leaves out keys that cannot be forecast.",
       .when_absent = "the first one is the end, and nothing is written"},
      {.name = "out",
       .argument = "PLACE",
       .meaning = "Where the forecasts go: a file that ends in .csv or .jsonl, - for standard "
                  "output as CSV (a FIFO or device has CSV, too), or table:NAME of the store, "
                  "created when absent, in which a "
                  "forecast takes the place of an earlier one of its key, origin and step.",
       .fallback = "-"},
      ThreadsFlag("forecast"),
      preprocessing::JsonFlag("Prints one line of JSON in place of the report; not with --out -."),
      preprocessing::QuietFlag(),
  };
}

ColdStartRule ReadColdStartFlag(const Arguments& arguments) {
  const std::string text = arguments.Text("cold-start");
  // A name is written as such: quotes of its own would be asked of a shell.
  const ordered_json json = text.starts_with('{')
                                ? ordered_json::parse(text, nullptr, /*allow_exceptions=*/false)
                                : ordered_json(text);
  try {
    return model::ReadColdStart(preprocessing::JsonNode(json));
  } catch (const preprocessing::SpecError& error) {
    Refuse(arguments, "cold-start", error.what());
  }
}

ForecastVersion ReadVersion(const Arguments& arguments) {
  // "MODEL@ALIAS": as a server reads it, an alias that was left out included.
  const std::string model =
      RequireOf(arguments, "deploy", ParseDeployment(arguments.Text("deploy"))).model;
  const std::size_t at = model.find('@');
  const model::Registry registry(arguments.Text("models"));
  return Require(
      ForecastVersion::Read(Require(registry.Find(model.substr(0, at), model.substr(at + 1)))));
}

/// The rows of a file that has the key's fields.
Table ReadKeys(const PipelineSpec& spec, const std::filesystem::path& file,
               const std::optional<Instant>& origin) {
  if (spec.forecast->key.empty()) {
    throw Failure(ExitCode::kUsage,
                  fmt::format("--keys: series \"{}\" has no key, so there is one forecast: leave "
                              "it out",
                              spec.forecast->series));
  }
  Schema fields;
  for (const std::string& name : spec.forecast->key) {
    const std::size_t column = *spec.request.fields.Find(name);
    fields.columns.push_back(spec.request.fields.columns[column]);
    fields.columns.back().nullable = false;
  }
  CsvTableReader reader =
      Require(CsvTableReader::Open(file, fields, spec.zone, {.dialect = spec.request.csv}));
  constexpr std::size_t kRowsAtOnce = 10'000;
  Table batch(fields);
  Table keys(spec.request.fields);
  std::vector<Value> key(fields.columns.size());
  while (Require(reader.ReadBatch(kRowsAtOnce, batch))) {
    for (std::size_t row = 0; row < batch.row_count(); ++row) {
      for (std::size_t i = 0; i < key.size(); ++i) key[i] = ValueAt(batch.column(i), row);
      model::AppendForecastRequest(spec, key, origin, keys);
    }
  }
  return keys;
}

std::optional<Instant> OriginOf(const Arguments& arguments, const PipelineSpec& spec) {
  if (!arguments.Has("origin")) return std::nullopt;
  return RequireOf(arguments, "origin",
                   preprocessing::ParseTimestamp(arguments.Text("origin"), spec.zone));
}

/// What a refused key means: of data, not of the command's usage.
ExitCode MeaningOfRefusedKey(ErrorCode code) {
  switch (code) {
    case ErrorCode::kIo:
    case ErrorCode::kNotReady:
    case ErrorCode::kConflict:
      return ExitCode::kIo;
    default:
      return ExitCode::kNo;
  }
}

/// The sums that --hierarchy asks for.
std::optional<HierarchyForecaster> SumsOf(const Arguments& arguments,
                                          const ForecastVersion& version,
                                          const Forecaster& forecaster) {
  if (!arguments.Has("hierarchy")) return std::nullopt;
  if (arguments.Has("keys")) Refuse(arguments, "hierarchy", "sums are of all keys: without --keys");
  if (!version.plan().hierarchy) {
    Refuse(arguments, "hierarchy", "the pipeline of this version declares no \"hierarchy\"");
  }
  return Require(HierarchyForecaster::Open(version, forecaster));
}

BulkCounts Forecast(const Arguments& arguments, const CommandContext& context,
                    const ForecastVersion& version, const Forecaster& forecaster) {
  const PipelineSpec& spec = forecaster.spec();
  const std::optional<Instant> origin = OriginOf(arguments, spec);
  const std::optional<HierarchyForecaster> sums = SumsOf(arguments, version, forecaster);
  const TableSpec table = Require(sums ? HierarchyTable(spec, sums->hierarchy(), "forecasts")
                                       : ForecastTable(spec, forecaster.levels(), "forecasts"));
  (void)RequireOf(arguments, "origin", forecaster.PeriodAt(origin));
  const auto [keys, ended] =
      arguments.Has("keys")
          ? KeysToForecast{.rows = ReadKeys(spec, InputPath(arguments.Text("keys")), origin)}
          : Require(AllKeys(forecaster, origin));
  BulkQuestion question{.now = context.clock.Now(), .origin = origin};
  if (const auto steps = arguments.Whole("steps")) {
    question.steps = static_cast<std::int64_t>(*steps);
  }
  if (keys.row_count() > 0) {
    RequireOf(arguments, "steps",
              forecaster.Check({.rows = keys, .now = question.now, .steps = question.steps}));
  }
  const std::unique_ptr<RowSink> sink =
      RequireOf(arguments, "out",
                OpenSink(arguments.Text("out"), table,
                         {.store = arguments.Text("store"), .out = context.out}));
  StageProgress progress(context, {.label = "forecast", .unit = "keys"});
  const BulkOptions options{
      .when_refused = arguments.Has("skip-refused") ? WhenRefused::kSkip : WhenRefused::kStop,
      .threads = ThreadsOf(arguments),
      .on_keys = [&progress](std::size_t done, std::size_t total) {
        progress.Update(done, total);
        return preprocessing::StopSignals::Requested();
      }};
  BulkCounts counts =
      Require(sums ? ForecastHierarchy(forecaster, *sums, keys, question, options, *sink)
                   : ForecastAll(forecaster, keys, question, options, *sink),
              MeaningOfRefusedKey);
  if (counts.stopped) throw Failure(ExitCode::kStopped, "stopped; nothing was written");
  Require(sink->Finish());
  counts.ended = ended;
  return counts;
}

void ReportForecasts(const Arguments& arguments, const CommandContext& context,
                     const BulkCounts& counts, const ForecastVersion& version,
                     std::chrono::duration<double> took) {
  if (arguments.Has("json")) {
    ordered_json line{{"model", version.info().model},
                      {"version", version.info().number},
                      {"keys", counts.keys},
                      {"rows", counts.rows},
                      {"refused", counts.refused}};
    if (version.plan().ended_after) line["ended"] = counts.ended;
    line["seconds"] = took.count();
    context.out << line.dump() << '\n';
    return;
  }
  if (counts.ended > 0) {
    context.err << fmt::format("{} of {} keys have ended and are not forecast\n", counts.ended,
                               counts.keys + counts.ended);
  }
  if (counts.refused > 0) {
    context.err << fmt::format("{} of {} keys were left out, the first: {}\n", counts.refused,
                               counts.keys, counts.first_refusal);
  }
  if (context.quiet || OutputFile::IsStandardOutput(arguments.Text("out"))) return;
  context.out << fmt::format("{} forecasts of {} keys by {} {} in {:.1f} s\n", counts.rows,
                             counts.keys - counts.refused, version.info().model,
                             version.info().number, took.count());
}

ExitCode Predict(const Arguments& arguments, const CommandContext& context) {
  if (arguments.Has("keys") &&
      OutputFile::WouldReplace(arguments.Text("out"), arguments.Text("keys"))) {
    throw Failure(ExitCode::kUsage, "--out: would overwrite the file of --keys");
  }
  if (arguments.Has("json") && OutputFile::IsStandardOutput(arguments.Text("out"))) {
    Refuse(arguments, "json", "standard output has the forecasts already");
  }
  const preprocessing::StopSignals signals;
  const MonotonicTime start = context.clock.Monotonic();
  const ColdStartRule cold_start = ReadColdStartFlag(arguments);
  const std::filesystem::path snapshots = SnapshotsOf(arguments);
  const ForecastVersion version = ReadVersion(arguments);
  const std::unique_ptr<const Forecaster> forecaster =
      Require(Forecaster::Open(version, snapshots, cold_start));
  const BulkCounts counts = Forecast(arguments, context, version, *forecaster);
  ReportForecasts(arguments, context, counts, version, context.clock.Monotonic() - start);
  return ExitCode::kDone;
}

}  // namespace

Command PredictCommand() {
  return {
      .name = "predict",
      .meaning = "forecasts many keys at once, without a server",
      .description =
          "Forecasts many keys at once with a published version of a model: what a server answers\n"
          "for each of them, in one file or table, which is written as a whole or not at all.\n",
      .flags = PredictFlags(),
      .endings = {{.code = ExitCode::kDone},
                  {.code = ExitCode::kNo, .when = "a key cannot be forecast; nothing was written"},
                  {.code = ExitCode::kUsage},
                  {.code = ExitCode::kUnfit,
                   .when = "no such model, version or snapshots, or they are damaged"},
                  {.code = ExitCode::kIo, .when = "a file or the store cannot be read or written"},
                  {.code = ExitCode::kStopped, .when = "stopped by a signal; nothing was written"}},
      .run = Predict};
}

}  // namespace forkcast::serving
