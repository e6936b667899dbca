#include "serving/commands/features_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/base/output_file.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/stage_progress.hpp"
#include "data_preprocessing/command/stop_signals.hpp"
#include "data_preprocessing/command/store_flags.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "model/forecast/forecast_data.hpp"
#include "serving/bulk/bulk_features.hpp"
#include "serving/bulk/row_file.hpp"
#include "serving/commands/flag_values.hpp"

namespace forkcast::serving {
namespace {

using model::ForecastData;
using nlohmann::ordered_json;
using preprocessing::Arguments;
using preprocessing::Command;
using preprocessing::CommandContext;
using preprocessing::ExitCode;
using preprocessing::Failure;
using preprocessing::Flag;
using preprocessing::PipelineSpec;
using preprocessing::Require;
using preprocessing::Schema;
using preprocessing::Snapshot;
using preprocessing::SourcePosition;
using preprocessing::StageProgress;

constexpr std::size_t kBytesAUnit = 1000;

// NOLINTNEXTLINE(readability-function-size): a table.
std::vector<Flag> FeaturesFlags() {
  using Kind = Flag::Kind;
  using Need = Flag::Need;
  return {
      {.name = "pipeline",
       .argument = "FILE",
       .meaning = "The pipeline file, whose features are computed; also the pipeline.json of a "
                  "published version.",
       .variable = "FORKCAST_PIPELINE",
       .need = Need::kRequired},
      {.name = "rows",
       .argument = "PLACE",
       .meaning = "The rows: a CSV file, or one that ends in .jsonl, with the request's fields; - "
                  "for CSV from standard input; table:NAME or \"query:SELECT ...\" of the store.",
       .when_absent = "this or --grid is required",
       .need = Need::kUsual},
      {.name = "grid",
       .kind = Kind::kSwitch,
       .meaning = "In place of rows: the examples that train would learn the pipeline's forecast "
                  "from, with key, origin, period, step and target; in .npy without the first "
                  "three."},
      preprocessing::StoreFlag(
          "The store, beside which ingest published the snapshots, and which has the "
          "rows of table:NAME and query:SELECT.",
          preprocessing::kStoreOrSnapshots),
      preprocessing::SnapshotsFlag(),
      {.name = "out",
       .argument = "FILE",
       .meaning = "Where the features go: a file that ends in .csv, .jsonl or .npy (doubles, with "
                  "the columns' names in FILE.columns.json), - for standard output as CSV.",
       .fallback = "-"},
      {.name = "keep",
       .argument = "COLUMN[:TYPE]",
       .kind = Kind::kManyValues,
       .meaning = "A column of the rows to write in front of the features, such as their key and "
                  "time. May be given several times."},
      {.name = "label",
       .argument = "COLUMN[:TYPE]",
       .meaning = "A column of the rows to write behind the features: what is to be learned, which "
                  "can be no feature. A column that the pipeline does not declare is text where "
                  "no type is named."},
      {.name = "skip-refused",
       .kind = Kind::kSwitch,
       .meaning = "Leaves out rows that cannot be read, or whose features cannot be computed.",
       .when_absent = "the first one is the end, and nothing is written"},
      ThreadsFlag("compute"),
      preprocessing::JsonFlag("Prints one line of JSON in place of the report; not with --out -."),
      preprocessing::QuietFlag(),
  };
}

void CheckFlags(const Arguments& arguments) {
  if (arguments.Has("rows") == arguments.Has("grid")) {
    throw Failure(ExitCode::kUsage, "--rows or --grid: expected one of both");
  }
  if (arguments.Has("grid") && (arguments.Has("label") || arguments.Has("keep"))) {
    throw Failure(ExitCode::kUsage,
                  "--grid: its columns are settled: leave out --keep and --label");
  }
  if (arguments.Has("rows") &&
      OutputFile::WouldReplace(arguments.Text("out"), arguments.Text("rows"))) {
    throw Failure(ExitCode::kUsage, "--out: would overwrite the file of --rows");
  }
  if (arguments.Has("json") && OutputFile::IsStandardOutput(arguments.Text("out"))) {
    Refuse(arguments, "json", "standard output has the features already");
  }
}

/// What a refused row means: of data, not of the command's usage.
ExitCode MeaningOfRefusedRow(ErrorCode code) {
  return code == ErrorCode::kIo || code == ErrorCode::kConflict ? ExitCode::kIo : ExitCode::kNo;
}

/// What is done is told to `progress`.
FeatureOptions OptionsOf(const Arguments& arguments, const CommandContext& context,
                         StageProgress& progress) {
  return {.when_refused = arguments.Has("skip-refused") ? WhenRefused::kSkip : WhenRefused::kStop,
          .now = context.clock.Now(),
          .threads = ThreadsOf(arguments),
          .on_read = [&progress](const SourcePosition& position) {
            // Rows of a store have no end that is known before.
            if (position.total > 0) progress.Update(position.done, position.total);
            return preprocessing::StopSignals::Requested();
          }};
}

RowFile Open(const Arguments& arguments, const CommandContext& context, Schema schema) {
  return RequireOf(arguments, "out",
                   RowFile::Open(arguments.Text("out"), std::move(schema), context.out));
}

FeatureCounts OfRows(const Arguments& arguments, const CommandContext& context,
                     const PipelineSpec& spec) {
  const char* const named = arguments.Has("label") ? "label" : "keep";
  const FeaturePlan plan = RequireOf(
      arguments, named, PlanFeatures(spec, arguments.Texts("keep"), arguments.Text("label")));
  const std::vector<Snapshot> snapshots =
      Require(preprocessing::OpenSnapshots(spec, SnapshotsOf(arguments)));
  RowFile file = Open(arguments, context, plan.output);
  StageProgress progress(context, {.label = "features", .unit = "kB", .per_unit = kBytesAUnit});
  FeatureCounts counts =
      Require(ComputeFeatures(spec, snapshots, plan,
                              {.place = arguments.Text("rows"),
                               .store = arguments.Text("store"),
                               .schema = plan.input,
                               .sets_bad_rows_aside = arguments.Has("skip-refused")},
                              OptionsOf(arguments, context, progress), file),
              MeaningOfRefusedRow);
  if (!counts.stopped) Require(file.Finish());
  return counts;
}

FeatureCounts OfGrid(const Arguments& arguments, const CommandContext& context,
                     const PipelineSpec& spec) {
  if (!spec.forecast) {
    throw Failure(ExitCode::kUsage,
                  fmt::format("--grid: pipeline \"{}\" forecasts nothing", spec.name));
  }
  const auto data = Require(ForecastData::Open(spec, SnapshotsOf(arguments)));
  const bool numbers_alone =
      !RequireOf(arguments, "out", RowFormOf(arguments.Text("out")))->names_columns;
  RowFile file =
      Open(arguments, context, RequireOf(arguments, "grid", GridSchema(spec, numbers_alone)));
  StageProgress progress(context, {.label = "features", .unit = "keys"});
  FeatureCounts counts =
      Require(ComputeGrid(*data, numbers_alone, OptionsOf(arguments, context, progress), file),
              MeaningOfRefusedRow);
  if (!counts.stopped) Require(file.Finish());
  return counts;
}

void ReportFeatures(const Arguments& arguments, const CommandContext& context,
                    const PipelineSpec& spec, const FeatureCounts& counts,
                    std::chrono::duration<double> took) {
  const double per_second = static_cast<double>(counts.rows) / std::max(took.count(), 1e-9);
  if (arguments.Has("json")) {
    context.out << ordered_json{{"pipeline", spec.name},
                                {"version", spec.version},
                                {"features", spec.features.size()},
                                {"rows", counts.rows},
                                {"refused", counts.refused},
                                {"first_refusal", counts.first_refusal},
                                {"seconds", took.count()},
                                {"rows_per_second", per_second}}
                       .dump()
                << '\n';
    return;
  }
  if (counts.refused > 0) {
    context.err << fmt::format("{} of {} rows were left out, the first: {}\n", counts.refused,
                               counts.rows + counts.refused, counts.first_refusal);
  }
  if (context.quiet || OutputFile::IsStandardOutput(arguments.Text("out"))) return;
  context.out << fmt::format("{} features of {} rows by {} {} in {:.1f} s, {:.0f} rows/s\n",
                             spec.features.size(), counts.rows, spec.name, spec.version,
                             took.count(), per_second);
}

ExitCode WriteFeatures(const Arguments& arguments, const CommandContext& context) {
  CheckFlags(arguments);
  const preprocessing::StopSignals signals;
  const MonotonicTime start = context.clock.Monotonic();
  const PipelineSpec spec = Require(preprocessing::LoadPipelineSpec(arguments.Text("pipeline")));
  const FeatureCounts counts =
      arguments.Has("grid") ? OfGrid(arguments, context, spec) : OfRows(arguments, context, spec);
  if (counts.stopped) throw Failure(ExitCode::kStopped, "stopped; nothing was written");
  ReportFeatures(arguments, context, spec, counts, context.clock.Monotonic() - start);
  return ExitCode::kDone;
}

}  // namespace

Command FeaturesCommand() {
  return {
      .name = "features",
      .meaning = "computes the features of any rows as a server would, for whoever trains",
      .description =
          "Computes the features of rows as they would have been served at the rows' times: what\n"
          "was known then, and nothing later. One line a row, in the rows' order, in a file that\n"
          "is written as a whole or not at all.\n",
      .flags = FeaturesFlags(),
      .endings = {{.code = ExitCode::kDone},
                  {.code = ExitCode::kNo,
                   .when =
                       "a row cannot be read, or a feature of it computed; nothing was written"},
                  {.code = ExitCode::kUsage},
                  {.code = ExitCode::kUnfit, .when = "no such snapshots, or they are damaged"},
                  {.code = ExitCode::kIo, .when = "a file or the store cannot be read or written"},
                  {.code = ExitCode::kStopped, .when = "stopped by a signal; nothing was written"}},
      .run = WriteFeatures};
}

}  // namespace forkcast::serving
