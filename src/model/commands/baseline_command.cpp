#include "model/commands/baseline_command.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/base/output_file.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/rules/constraints.hpp"
#include "data_preprocessing/rules/rule_learner.hpp"
#include "data_preprocessing/source/open_source.hpp"
#include "model/artefact/registry.hpp"
#include "model/drift/learned_constraints.hpp"

namespace forkcast::model {
namespace {

using preprocessing::Arguments;
using preprocessing::Command;
using preprocessing::CommandContext;
using preprocessing::Constraints;
using preprocessing::ExitCode;
using preprocessing::Failure;
using preprocessing::Flag;
using preprocessing::PipelineSpec;
using preprocessing::Require;
using preprocessing::RuleLearner;
using preprocessing::Table;
using preprocessing::TableSpec;

std::vector<Flag> BaselineFlags() {
  using Need = Flag::Need;
  return {
      {.name = "out",
       .argument = "FILE",
       .meaning = "The constraints file that is written.",
       .need = Need::kRequired},
      {.name = "model",
       .argument = "MODEL[@VERSION]",
       .meaning = "Learns features and outputs from what this version was trained on and judged "
                  "by; VERSION is a number or an alias, champion by default.",
       .when_absent = "no features and outputs"},
      {.name = "models",
       .argument = "DIR",
       .meaning = "The folder of models.",
       .variable = "FORKCAST_MODELS",
       .fallback = "models"},
      {.name = "pipeline",
       .argument = "FILE",
       .meaning = "Learns the tables of this pipeline from the rows in --from.",
       .when_absent = "no tables"},
      {.name = "from",
       .argument = "DIR",
       .meaning = "Folder with the files of each table, as for ingest.",
       .when_absent = "no tables"},
      preprocessing::QuietFlag(),
  };
}

void LearnVersion(const Arguments& arguments, Constraints& constraints) {
  const std::string named = arguments.Text("model");
  const std::size_t at = named.find('@');
  const std::string reference = at == std::string::npos ? "champion" : named.substr(at + 1);
  const VersionInfo version =
      Require(Registry(arguments.Text("models")).Find(named.substr(0, at), reference));
  const std::filesystem::path file = version.folder / Reference::kFile;
  try {
    const auto json = preprocessing::ReadJsonFile(file);
    Constraints learned = LearnConstraints(Reference::FromJson(preprocessing::JsonNode(json)));
    constraints.features = std::move(learned.features);
    constraints.outputs = std::move(learned.outputs);
  } catch (const preprocessing::SpecError& error) {
    throw Failure(ExitCode::kUnfit, fmt::format("{}: {}", file.string(), error.what()));
  }
}

/// The rules of a table's rows in a folder. Returns how many rows there were.
std::size_t LearnTable(const PipelineSpec& spec, const TableSpec& table, const std::string& from,
                       Constraints& constraints) {
  constexpr std::size_t kBatchRows = 4096;
  preprocessing::FoundRows found =
      Require(preprocessing::OpenSources(from, table, spec.tables, spec.zone));
  RuleLearner learner(table.schema);
  std::size_t rows = 0;
  preprocessing::RowBatch batch(table.schema);
  for (const auto& source : found.sources) {
    while (Require(source->Read(kBatchRows, batch), ExitCode::kNo) ==
           preprocessing::Fetched::kRows) {
      rows += batch.rows.row_count();
      learner.Add(batch.rows);
    }
  }
  if (auto rules = learner.Rules(); !rules.empty()) constraints.tables[table.name] = rules;
  return rows;
}

ExitCode RunBaseline(const Arguments& arguments, const CommandContext& context) {
  if (!arguments.Has("model") && !arguments.Has("pipeline")) {
    throw Failure(ExitCode::kUsage,
                  "what is learned from? Give --model MODEL, or --pipeline FILE and --from DIR");
  }
  if (arguments.Has("pipeline") != arguments.Has("from")) {
    throw Failure(ExitCode::kUsage, "--pipeline FILE and --from DIR go together");
  }
  Constraints constraints;
  const std::string out = arguments.Text("out");
  Require(OutputFile::Check(out), ExitCode::kIo);
  std::string report;
  if (arguments.Has("model")) {
    LearnVersion(arguments, constraints);
    report = fmt::format("{}: {} features, {} outputs\n", arguments.Text("model"),
                         constraints.features.size(), constraints.outputs.size());
  }
  if (arguments.Has("pipeline")) {
    const PipelineSpec spec =
        Require(preprocessing::LoadPipelineSpec(arguments.Text("pipeline")), ExitCode::kUsage);
    for (const TableSpec& table : spec.tables) {
      const std::size_t rows = LearnTable(spec, table, arguments.Text("from"), constraints);
      report += fmt::format("{}: {} rows, {} columns with rules\n", table.name, rows,
                            constraints.tables[table.name].size());
    }
  }
  Require(WriteOutput(out, constraints.ToJson().dump(2) + "\n", context.out), ExitCode::kIo);
  if (!context.quiet && !OutputFile::IsStandardOutput(out)) {
    context.out << report << "constraints are in " << out << '\n';
  }
  return ExitCode::kDone;
}

}  // namespace

Command BaselineCommand() {
  return {
      .name = "baseline",
      .meaning = "learns what values may be, for thresholds and ingest",
      .description =
          "Learns from past data what values may be, and writes a constraints file: of features\n"
          "and outputs from what a version was trained on, of tables from their rows. The hook\n"
          "\"thresholds\" of serve checks requests by it, ingest --constraints rows. Look through\n"
          "the file before: what was never seen is not always wrong.\n",
      .flags = BaselineFlags(),
      .endings = {{.code = ExitCode::kDone},
                  {.code = ExitCode::kNo, .when = "a CSV file is wrong"},
                  {.code = ExitCode::kUsage, .when = "wrong usage or pipeline file"},
                  {.code = ExitCode::kUnfit, .when = "no such model or version"},
                  {.code = ExitCode::kIo, .when = "a file cannot be read or written"}},
      .run = RunBaseline};
}

}  // namespace forkcast::model
