#include "serving/commands/drift_command.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "data_preprocessing/base/atomic_file.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/store_flags.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/artefact/registry.hpp"
#include "model/commands/drift_command.hpp"
#include "model/drift/drift_report.hpp"
#include "model/quality/quality_report.hpp"
#include "serving/quality/told_classes.hpp"
#include "serving/quality/told_forecasts.hpp"

namespace forkcast::serving {
namespace {

using model::QualityFindings;
using model::VersionInfo;
using nlohmann::ordered_json;
using preprocessing::Arguments;
using preprocessing::Command;
using preprocessing::CommandContext;
using preprocessing::ExitCode;
using preprocessing::Failure;
using preprocessing::Flag;
using preprocessing::Require;

namespace fs = std::filesystem;

VersionInfo VersionOf(const Arguments& arguments) {
  const std::string name = arguments.Text("model");
  const std::size_t at = name.find('@');
  const std::string reference = at == std::string::npos ? "champion" : name.substr(at + 1);
  return Require(model::Registry(arguments.Text("models")).Find(name.substr(0, at), reference));
}

QualitySources SourcesOf(const Arguments& arguments) {
  if (arguments.Has("capture") == arguments.Has("forecasts")) {
    throw Failure(ExitCode::kUsage,
                  "one of --capture and --forecasts is needed: where the answers are");
  }
  QualitySources sources{.captures = arguments.Text("capture"),
                         .forecasts = arguments.Text("forecasts"),
                         .deployment = arguments.Text("deployment"),
                         .store = arguments.Text("store"),
                         .snapshots = arguments.Text("snapshots"),
                         .window = arguments.Whole("window").value_or(0)};
  if (sources.snapshots.empty()) {
    sources.snapshots = Require(preprocessing::DefaultSnapshotFolder(sources.store));
  }
  return sources;
}

QualityFindings Judged(const VersionInfo& info, const QualitySources& sources) {
  const ordered_json manifest = Require(model::Registry::ReadManifest(info));
  if (manifest.value("kind", "") == "forecast") {
    return Require(JudgeForecasts(Require(model::ForecastVersion::Read(info)), sources));
  }
  if (!sources.forecasts.empty()) {
    throw Failure(ExitCode::kUsage,
                  fmt::format("--forecasts: {} is no forecast; its answers are in what was "
                              "captured (--capture)",
                              info.model));
  }
  return Require(JudgeClasses(Require(model::ClassifierVersion::Read(info)), sources));
}

/// Where `drift report` and a server's recorder look for it.
void LeaveReport(const fs::path& folder, const ordered_json& report) {
  try {
    fs::create_directories(folder / "quality");
    AtomicFile file(folder / "quality" / (report.at("model").get<std::string>() + ".json"));
    file.Write(report.dump() + "\n");
    file.Commit();
  } catch (const std::system_error& error) {
    throw Failure(ExitCode::kIo, error.what());
  }
}

ExitCode Quality(const Arguments& arguments, const CommandContext& context) {
  const QualitySources sources = SourcesOf(arguments);
  const VersionInfo version = VersionOf(arguments);
  QualityFindings findings = Judged(version, sources);
  findings.now = context.clock.Now();
  const ordered_json report = ToJson(findings);
  if (arguments.Has("report")) LeaveReport(arguments.Text("report"), report);
  if (arguments.Has("record")) (void)Require(RecordQuality(version, report));
  if (arguments.Has("html")) {
    const std::string section = model::QualitySection(report);
    context.out << model::DriftPage({}, {&section, 1});
  } else if (arguments.Has("json")) {
    context.out << report.dump() << '\n';
  } else {
    context.out << model::QualityText(report, context.style);
  }
  return report.at("alarm") == true ? ExitCode::kNo : ExitCode::kDone;
}

std::vector<Flag> QualityFlags() {
  constexpr std::uint64_t kLongest = 1'000'000'000;
  return {{.name = "model",
           .argument = "MODEL[@VERSION]",
           .meaning = "Whose answers are judged: a model, and its version by an alias or a "
                      "number, champion where none is named.",
           .need = Flag::Need::kRequired},
          {.name = "capture",
           .argument = "PLACE",
           .meaning = "What a server captured: the folder of the capture hook, one of its files, "
                      "or its store."},
          {.name = "forecasts",
           .argument = "PLACE",
           .meaning = "Instead: what predict wrote, table:NAME of the store or a CSV file."},
          {.name = "deployment",
           .argument = "NAME",
           .meaning = "Only what this one answered.",
           .when_absent = "all"},
          preprocessing::StoreFlag("The store, into which ingest takes what happened."),
          preprocessing::SnapshotsFlag(),
          {.name = "window",
           .argument = "N",
           .meaning = "Periods of a window, of a classifier its rows.",
           .when_absent = "as many as a fold of the training was judged on",
           .allowed = preprocessing::WholeNumber(1, kLongest)},
          {.name = "report",
           .argument = "DIR",
           .meaning = "The folder of the drift hook: leaves the report there, for `drift report` "
                      "and for a server, which logs, counts and shows it."},
          {.name = "record",
           .kind = Flag::Kind::kSwitch,
           .meaning = "Adds windows to the version's history, which `models show` prints."},
          {.name = "models",
           .argument = "DIR",
           .meaning = "The folder of models.",
           .variable = "FORKCAST_MODELS",
           .fallback = "models"}};
}

}  // namespace

Command DriftCommand() {
  Command command = model::DriftCommand();
  command.verbs.push_back({.name = "quality",
                           .meaning = "how good answers were, by what is known by now",
                           .flags = QualityFlags(),
                           .run = Quality});
  return command;
}

}  // namespace forkcast::serving
