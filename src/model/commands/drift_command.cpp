#include "model/commands/drift_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "data_preprocessing/base/atomic_file.hpp"
#include "data_preprocessing/base/text_table.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "model/artefact/registry.hpp"
#include "model/drift/drift_reference.hpp"
#include "model/drift/drift_report.hpp"
#include "model/drift/drift_rows.hpp"
#include "model/drift/model_monitor.hpp"
#include "model/quality/quality_report.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::Arguments;
using preprocessing::Command;
using preprocessing::CommandContext;
using preprocessing::ExitCode;
using preprocessing::Failure;
using preprocessing::Flag;
using preprocessing::Require;

namespace fs = std::filesystem;

/// MODEL@VERSION of the registry, or a version's folder.
VersionInfo VersionOf(const Arguments& arguments) {
  const std::string reference = arguments.Text("reference");
  const fs::path folder(reference);
  if (fs::is_directory(folder)) {
    return {.model = folder.filename().string(),
            .number = 0,
            .folder = folder,
            .aliases = {},
            .published_at = {}};
  }
  const std::size_t at = reference.find('@');
  if (at == std::string::npos) {
    throw Failure(
        ExitCode::kUnfit,
        fmt::format("--reference {}: neither a version's folder nor MODEL@VERSION", reference));
  }
  return Require(
      Registry(arguments.Text("models")).Find(reference.substr(0, at), reference.substr(at + 1)));
}

std::string NumberText(const ordered_json& value, const char* form) {
  return fmt::format(fmt::runtime(form), value.get<double>());
}

/// The table of one report for people.
void PrintReport(const ordered_json& report, const CommandContext& context) {
  if (IsQualityReport(report)) {
    context.out << QualityText(report, context.style);
    return;
  }
  context.out << fmt::format(
      "{}, version {}, window {}: {}\n", report["deployment"].get<std::string>(),
      report["version"].get<std::string>(), report["window"]["number"].get<std::uint64_t>(),
      report["alarm"] == true ? "drifted" : "no drift");
  using enum TextTable::Align;
  TextTable table({{"column"},
                   {"status"},
                   {"rows", kNumber},
                   {"effect", kNumber},
                   {"p", kNumber},
                   {"PSI", kNumber},
                   {"missing", kNumber},
                   {"before", kNumber}});
  for (const ordered_json& column : report["columns"]) {
    table.Add({column["name"], column["status"], NumberText(column["rows"], "{:.0f}"),
               NumberText(column["effect"], "{:.4f}"), NumberText(column["p"], "{:.2g}"),
               NumberText(column["psi"], "{:.4f}"), NumberText(column["missing"], "{:.4f}"),
               NumberText(column["reference_missing"], "{:.4f}")});
  }
  context.out << table.Text(context.style);
}

void PrintReports(const std::vector<ordered_json>& reports, const Arguments& arguments,
                  const CommandContext& context) {
  if (arguments.Has("html")) {
    std::vector<ordered_json> drift;
    std::vector<std::string> sections;
    for (const ordered_json& report : reports) {
      if (IsQualityReport(report)) {
        sections.push_back(QualitySection(report));
      } else {
        drift.push_back(report);
      }
    }
    context.out << DriftPage(drift, sections);
  } else if (arguments.Has("json")) {
    context.out << ordered_json(reports).dump() << '\n';
  } else {
    for (const ordered_json& report : reports) PrintReport(report, context);
  }
}

/// Writes Model Monitor's three files, the last of them of all rows.
void WriteMonitorFiles(const fs::path& folder, const DriftReference& version,
                       const CountedRows& counted) {
  const fs::path file = version.folder / Reference::kFile;
  try {
    const ordered_json json = preprocessing::ReadJsonFile(file);
    const Reference reference =
        Reference::FromJson(preprocessing::JsonNode(json, file.string() + ": $"));
    std::vector<double> counts = counted.windows.front();
    for (std::size_t i = 1; i < counted.windows.size(); ++i) {
      std::ranges::transform(counts, counted.windows[i], counts.begin(), std::plus());
    }
    fs::create_directories(folder);
    const auto write = [&folder](const char* name, const ordered_json& document) {
      AtomicFile to(folder / name);
      to.Write(document.dump(2) + "\n");
      to.Commit();
    };
    write("statistics.json", MonitorStatistics(reference));
    write("constraints.json", MonitorConstraints(reference));
    write("constraint_violations.json", MonitorViolations(version.bins, counted.bins, counts));
  } catch (const preprocessing::SpecError& error) {
    throw Failure(ExitCode::kUnfit, error.what());
  } catch (const std::system_error& error) {
    throw Failure(ExitCode::kIo, error.what());
  }
}

ExitCode Check(const Arguments& arguments, const CommandContext& context) {
  const VersionInfo version = VersionOf(arguments);
  const auto reference = Require(ReadDriftReference(version.folder), ExitCode::kUnfit);
  const std::uint64_t length = arguments.Whole("window").value_or(0);
  const CountedRows counted = Require(CountRowsOf(arguments.Text("rows"), reference->bins, length));
  if (counted.windows.empty()) {
    throw Failure(ExitCode::kUnfit, fmt::format("{}: has no rows", arguments.Text("rows")));
  }
  if (arguments.Has("model-monitor")) {
    WriteMonitorFiles(arguments.Text("model-monitor"), *reference, counted);
  }
  DriftRules rules;
  // One window cannot be confirmed by another.
  if (length == 0) rules.persistence = 1;
  DriftJudge judge(counted.bins, rules);
  std::vector<ordered_json> reports;
  bool alarm = false;
  for (const std::vector<double>& counts : counted.windows) {
    const DriftWindow window{
        .deployment = arguments.Text("rows"),
        .pipeline = version.model,
        .version = version.number == 0 ? version.folder.string() : std::to_string(version.number),
        .number = reports.size() + 1,
        .from = {},
        .to = {},
        .rules = rules,
        .columns = judge.Judge(counts)};
    alarm = alarm || HasAlarm(window.columns);
    reports.push_back(ToJson(window, counted.bins));
  }
  PrintReports(reports, arguments, context);
  return alarm ? ExitCode::kNo : ExitCode::kDone;
}

/// In alphabetical order.
std::vector<fs::path> ReportsIn(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  if (failed) {
    throw Failure(ExitCode::kIo, fmt::format("{}: {}", folder.string(), failed.message()));
  }
  std::ranges::sort(files);
  return files;
}

ExitCode ShowReports(const Arguments& arguments, const CommandContext& context) {
  const fs::path folder = arguments.operands()[0];
  std::vector<fs::path> files = ReportsIn(folder);
  // What `drift quality` left there.
  std::error_code nobody_asked;
  if (fs::is_directory(folder / "quality", nobody_asked)) {
    std::ranges::move(ReportsIn(folder / "quality"), std::back_inserter(files));
  }
  std::vector<ordered_json> reports;
  for (const fs::path& file : files) {
    try {
      reports.push_back(preprocessing::ReadJsonFile(file));
      if (!IsQualityReport(reports.back())) RequireDriftReport(reports.back());
    } catch (const preprocessing::SpecError& error) {
      throw Failure(ExitCode::kUnfit, fmt::format("{}: {}", file.string(), error.what()));
    }
  }
  if (reports.empty() && !arguments.Has("html") && !arguments.Has("json")) {
    context.out << "no reports in " << folder.string() << '\n';
  }
  PrintReports(reports, arguments, context);
  const bool alarm =
      std::ranges::any_of(reports, [](const auto& report) { return report["alarm"] == true; });
  return alarm ? ExitCode::kNo : ExitCode::kDone;
}

std::vector<Command> DriftVerbs() {
  constexpr std::uint64_t kMostRows = 1'000'000'000;
  return {{.name = "check",
           .meaning = "whether rows of a CSV file or of a capture file (.jsonl) have drifted",
           .flags = {{.name = "reference",
                      .argument = "VERSION",
                      .meaning =
                          "What they are compared with: MODEL@VERSION, where VERSION is a number "
                          "or an alias, or a version's folder.",
                      .need = Flag::Need::kRequired},
                     {.name = "rows",
                      .argument = "FILE",
                      .meaning = "The rows; columns are called as features and outputs are.",
                      .need = Flag::Need::kRequired},
                     {.name = "window",
                      .argument = "ROWS",
                      .meaning = "Rows of a window; two of three have to show a drift.",
                      .when_absent = "all rows are one window, which decides alone",
                      .allowed = preprocessing::WholeNumber(1, kMostRows)},
                     {.name = "model-monitor",
                      .argument = "DIR",
                      .meaning =
                          "Writes SageMaker Model Monitor's statistics.json and constraints.json "
                          "of the version there, and constraint_violations.json of the rows."},
                     {.name = "models",
                      .argument = "DIR",
                      .meaning = "The folder of models.",
                      .variable = "FORKCAST_MODELS",
                      .fallback = "models"}},
           .run = Check},
          {.name = "report",
           .meaning = "the newest reports of a server, in the folder that its hook names",
           .operands = {{"FOLDER"}},
           .run = ShowReports}};
}

}  // namespace

Command DriftCommand() {
  return {.name = "drift",
          .meaning = "tells whether data have drifted from what a version was trained on",
          .flags = {preprocessing::JsonFlag("Prints one line of JSON in place of tables."),
                    {.name = "html",
                     .kind = Flag::Kind::kSwitch,
                     .meaning = "Prints one page of HTML in place of tables."}},
          .endings = {{.code = ExitCode::kDone, .when = "nothing has drifted"},
                      {.code = ExitCode::kNo, .when = "a feature or an output has"},
                      {.code = ExitCode::kUsage, .when = "wrong usage"},
                      {.code = ExitCode::kUnfit,
                       .when = "no such version, rows that do not fit to it, or no report"},
                      {.code = ExitCode::kIo, .when = "a file or folder cannot be read"}},
          .verbs = DriftVerbs()};
}

}  // namespace forkcast::model
