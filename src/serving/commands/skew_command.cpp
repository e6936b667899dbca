#include "serving/commands/skew_command.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/text_table.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/store_flags.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "serving/bulk/skew.hpp"
#include "serving/capture/capture_reader.hpp"
#include "serving/commands/flag_values.hpp"
#include "serving/quality/forecast_skew.hpp"

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
using preprocessing::PipelineSpec;
using preprocessing::Require;

constexpr std::uint64_t kMostShown = 1'000'000'000;

std::vector<Flag> SkewFlags() {
  using Need = Flag::Need;
  return {
      {.name = "capture",
       .argument = "PLACE",
       .meaning = "What the capture hook kept: its folder, one of its files, or its store.",
       .need = Need::kRequired},
      {.name = "pipeline",
       .argument = "FILE",
       .meaning = "The pipeline file that was served; also the pipeline.json of a published "
                  "version. Requests to other pipelines are left out.",
       .variable = "FORKCAST_PIPELINE",
       .need = Need::kRequired},
      preprocessing::StoreFlag("The store, beside which ingest published the snapshots.",
                               preprocessing::kStoreOrSnapshots),
      preprocessing::SnapshotsFlag(),
      {.name = "models",
       .argument = "DIR",
       .meaning = "Folder of the published versions, of a pipeline that forecasts: each request "
                  "is asked again of the version that answered it.",
       .variable = "FORKCAST_MODELS",
       .when_absent = "required for a pipeline that forecasts"},
      {.name = "limit",
       .argument = "N",
       .meaning = "At most so many differences are shown; all are counted.",
       .fallback = "20",
       .allowed = preprocessing::WholeNumber(0, kMostShown)},
      preprocessing::JsonFlag("Prints one line of JSON in place of the table.")};
}

void PrintJson(const SkewCounts& counts, const std::vector<SkewedValue>& found,
               const CommandContext& context) {
  ordered_json shown = ordered_json::array();
  const auto parsed = [](const std::string& text) {
    auto json = ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
    return json.is_discarded() ? ordered_json(text) : json;
  };
  for (const SkewedValue& one : found) {
    shown.push_back({{"request_id", one.request_id},
                     {"row", one.row},
                     {"time", IsoTimestamp(one.time)},
                     {"feature", one.feature},
                     {"captured", parsed(one.captured)},
                     {"recomputed", parsed(one.recomputed)}});
  }
  context.out << ordered_json{{"requests", counts.requests},
                              {"rows", counts.rows},
                              {"values", counts.values},
                              {"different_rows", counts.different_rows},
                              {"different_values", counts.different_values},
                              {"skipped", counts.skipped},
                              {"first_skipped", counts.first_skipped},
                              {"of_other_pipelines", counts.of_others},
                              {"differences", shown}}
                     .dump()
              << '\n';
}

void PrintSkew(const SkewCounts& counts, const std::vector<SkewedValue>& found,
               const CommandContext& context) {
  if (!found.empty()) {
    using enum TextTable::Align;
    TextTable table(
        {{"request id"}, {"row", kNumber}, {"time"}, {"feature"}, {"captured"}, {"recomputed"}});
    for (const SkewedValue& one : found) {
      table.Add({one.request_id, fmt::format("{}", one.row), IsoTimestamp(one.time), one.feature,
                 one.captured, one.recomputed});
    }
    context.out << table.Text(context.style);
  }
  if (counts.skipped > 0) {
    context.out << fmt::format("{} requests could not be compared, the first: {}\n", counts.skipped,
                               counts.first_skipped);
  }
  context.out << fmt::format("{} of {} rows differ, {} of {} values, in {} requests\n",
                             counts.different_rows, counts.rows, counts.different_values,
                             counts.values, counts.requests);
}

/// What recomputes rows of the pipeline; `snapshots` are for it.
std::unique_ptr<SkewCheck> CheckOf(const Arguments& arguments, const PipelineSpec& spec,
                                   std::chrono::microseconds precision,
                                   std::span<const preprocessing::Snapshot> snapshots) {
  if (!spec.forecast) return std::make_unique<RowSkewCheck>(spec, snapshots, precision);
  if (!arguments.Has("models")) {
    throw Failure(
        ExitCode::kUsage,
        fmt::format("--models is missing: \"{}\" forecasts, and its features of a step may "
                    "hang on the version's forecasts of those before it",
                    spec.name));
  }
  return std::make_unique<ForecastSkewCheck>(spec, arguments.Text("models"), SnapshotsOf(arguments),
                                             precision);
}

ExitCode FindSkew(const Arguments& arguments, const CommandContext& context) {
  const PipelineSpec spec = Require(preprocessing::LoadPipelineSpec(arguments.Text("pipeline")));
  const auto snapshots = Require(preprocessing::OpenSnapshots(spec, SnapshotsOf(arguments)));
  const std::filesystem::path place = arguments.Text("capture");
  const auto precision = AreCaptureFiles(place)
                             ? std::chrono::seconds(1) - std::chrono::microseconds(1)
                             : std::chrono::microseconds(0);
  const std::unique_ptr<SkewCheck> check = CheckOf(arguments, spec, precision, snapshots);
  std::vector<SkewedValue> found;
  const auto most = static_cast<std::size_t>(arguments.Whole("limit").value_or(0));
  Require(VisitCaptures(place,
                        [&](const CaptureRecord& record) { check->Compare(record, most, found); }));
  const SkewCounts& counts = check->counts();
  if (arguments.Has("json")) {
    PrintJson(counts, found, context);
  } else {
    PrintSkew(counts, found, context);
  }
  if (counts.rows == 0) {
    throw Failure(ExitCode::kUnfit, fmt::format("{}: no row of pipeline \"{}\" could be compared",
                                                place.string(), spec.name));
  }
  return counts.different_rows == 0 ? ExitCode::kDone : ExitCode::kNo;
}

}  // namespace

Command SkewCommand() {
  return {
      .name = "skew",
      .meaning = "recomputes captured features and shows those that differ",
      .description =
          "Recomputes every feature that the capture hook kept, as of its time and of what was\n"
          "known then, and shows those that are others today: 0 rows are the proof that\n"
          "training and serving agree. A row that came in late, or was changed, is a true\n"
          "difference: the server did not have it.\n",
      .flags = SkewFlags(),
      .endings = {{.code = ExitCode::kDone, .when = "nothing differs"},
                  {.code = ExitCode::kNo, .when = "rows differ"},
                  {.code = ExitCode::kUsage},
                  {.code = ExitCode::kUnfit, .when = "no such snapshots, or nothing to compare"},
                  {.code = ExitCode::kIo, .when = "a file or store cannot be read"}},
      .run = FindSkew};
}

}  // namespace forkcast::serving
