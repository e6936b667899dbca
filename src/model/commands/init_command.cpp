#include "model/commands/init_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <optional>
#include <ostream>
#include <utility>

#include "data_preprocessing/base/output_file.hpp"
#include "data_preprocessing/base/text_table.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/init/column_roles.hpp"
#include "model/init/forecast_draft.hpp"
#include "model/init/label_draft.hpp"
#include "model/init/pipeline_text.hpp"
#include "model/init/shell_word.hpp"

namespace forkcast::model {
namespace {

namespace fs = std::filesystem;
using preprocessing::Arguments;
using preprocessing::Command;
using preprocessing::CommandContext;
using preprocessing::ExitCode;
using preprocessing::Failure;
using preprocessing::Flag;
using preprocessing::Period;
using preprocessing::Require;
using preprocessing::TimeZone;

std::vector<Flag> RoleFlags() {
  using Kind = Flag::Kind;
  return {
      {.name = "from",
       .argument = "FILE",
       .meaning = "The rows: a CSV file with a header, or the gzip of one.",
       .need = Flag::Need::kRequired},
      {.name = "time",
       .argument = "COLUMN",
       .meaning = "Says when a row happened.",
       .when_absent = "the only column of times"},
      {.name = "key",
       .argument = "COLUMN",
       .kind = Kind::kManyValues,
       .meaning = "Says whose a row is: a product, a shop. May be given several times: their "
                  "columns together.",
       .when_absent = "the only column that has one row at each time, or whose values come back"},
      {.name = "target",
       .argument = "COLUMN",
       .meaning = "The number that is forecast.",
       .when_absent = "the only column of numbers left"},
      {.name = "known",
       .argument = "COLUMN",
       .kind = Kind::kManyValues,
       .meaning = "Is known in advance, such as promotions and opening days: read at the time that "
                  "is forecast. May be given several times.",
       .when_absent = "none"},
      {.name = "label",
       .argument = "COLUMN",
       .meaning = "Learns the class of a row in place of a forecast.",
       .when_absent = "none"},
  };
}

std::vector<Flag> DraftFlags() {
  return {
      {.name = "period",
       .argument = "PERIOD",
       .meaning = "What is forecast by: day, week or month.",
       .when_absent = "the shortest of which most hold rows",
       .allowed = preprocessing::OneOf({"day", "week", "month"})},
      {.name = "horizon",
       .argument = "N",
       .meaning = "How many periods ahead.",
       .when_absent = "14 days, 4 weeks or 3 months, fewer of a short history",
       .allowed = preprocessing::WholeNumber(1, 1000)},
      {.name = "timezone",
       .argument = "ZONE",
       .meaning = "Of times without one (Europe/Berlin), and of days and weeks.",
       .fallback = "UTC"},
      {.name = "name",
       .argument = "NAME",
       .meaning = "Of the pipeline, and of the model that is trained by it.",
       .when_absent = "the file's"},
      {.name = "out",
       .argument = "FILE",
       .meaning = "Where the pipeline is written; - for standard output.",
       .when_absent = "NAME.json in this folder"},
      {.name = "force", .kind = Flag::Kind::kSwitch, .meaning = "Writes over a file that exists."},
      preprocessing::QuietFlag(),
  };
}

/// `text` as a name of tables and pipelines.
std::string PlainName(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char c) { return c > 127 || (std::isalnum(c) == 0 && c != '-'); }, '_');
  const bool is_reserved = text.starts_with("forkcast_");
  const bool has_letter =
      std::ranges::any_of(text, [](unsigned char c) { return std::isalnum(c); });
  return is_reserved || !has_letter ? fmt::format("rows_{}", text) : text;
}

/// What `ingest` calls the table of a file: its name without .csv and .gz.
std::string StemOf(const fs::path& file) {
  fs::path name = file.filename();
  if (name.extension() == ".gz") name = name.stem();
  return name.stem().string();
}

struct InitOptions {
  fs::path from;
  fs::path out;
  bool overwrites = false;
  TimeZone zone;
  GivenRoles given;
  DraftOptions draft;
  std::string typed;  ///< The command so far, for messages that say what to add.
};

std::string TypedCommand(const Arguments& arguments) {
  std::string typed = fmt::format("forkcast init --from {}", ShellWord(arguments.Text("from")));
  for (const char* const flag : {"time", "key", "target", "known", "label", "period", "horizon",
                                 "timezone", "name", "out"}) {
    const auto given = arguments.given().find(flag);
    if (given == arguments.given().end()) continue;
    for (const std::string& value : given->second) {
      typed += fmt::format(" --{} {}", flag, ShellWord(value));
    }
  }
  return typed;
}

InitOptions ReadOptions(const Arguments& arguments) {
  InitOptions options{.from = arguments.Text("from"),
                      .out = arguments.Text("out"),
                      .overwrites = arguments.Has("force"),
                      .zone = Require(TimeZone::Load(arguments.Text("timezone")), ExitCode::kUsage),
                      .given = {.time = arguments.Text("time"),
                                .key = arguments.Texts("key"),
                                .target = arguments.Text("target"),
                                .label = arguments.Text("label"),
                                .known = arguments.Texts("known")},
                      .draft = {},
                      .typed = TypedCommand(arguments)};
  const std::string stem = PlainName(StemOf(options.from));
  options.draft.table = stem;
  options.draft.name = arguments.Has("name") ? arguments.Text("name") : stem;
  if (PlainName(options.draft.name) != options.draft.name) {
    throw Failure(ExitCode::kUsage, "--name: expected letters, digits, _ and - only");
  }
  options.draft.period = preprocessing::PeriodFromString(arguments.Text("period"));
  if (const auto horizon = arguments.Whole("horizon")) {
    options.draft.horizon = static_cast<int>(*horizon);
  }
  if (options.out.empty()) options.out = fmt::format("{}.json", options.draft.name);
  return options;
}

/// What an error of the file's rows means.
ExitCode MeaningOfError(ErrorCode code) {
  return code == ErrorCode::kIo || code == ErrorCode::kNotFound ? ExitCode::kIo : ExitCode::kNo;
}

PipelineDraft MakeDraft(const InitOptions& options, Instant now) {
  ProfiledFile file{
      .path = options.from,
      .table = Require(preprocessing::ProfileTable(options.from, options.zone), MeaningOfError),
      .zone = options.zone,
      .now = now};
  file.table.TakeNumbersForTimes(options.given.time);
  for (const std::string& key : options.given.key) file.table.TakeWordsForText(key);
  file.table.TakeWordsForText(options.given.label);
  if (file.table.rows == 0) {
    throw Failure(ExitCode::kNo,
                  fmt::format("{} has a header and no row to learn from", options.from.string()));
  }
  const ColumnRoles roles = Require(ChooseRoles(file, options.given, options.typed));
  const Result<PipelineDraft> draft = roles.label != nullptr
                                          ? DraftLabel(file, roles, options.draft)
                                          : DraftForecast(file, roles, options.draft);
  if (!draft) throw Failure(ExitCode::kUnfit, draft.error().message);
  return *draft;
}

/// The commands that lead on, as they are typed.
std::string NextCommands(const PipelineDraft& draft, const InitOptions& options) {
  const std::string& name = options.draft.name;
  std::string commands = fmt::format(
      "\nNext:\n"
      "  forkcast train --pipeline {} --store sqlite:{}.db --file {} --models models\n"
      "  forkcast serve --store sqlite:{}.db --models models --deploy {}\n",
      ShellWord(options.out.string()), name,
      ShellWord(fmt::format("{}={}", options.draft.table, options.from.string())), name, name);
  if (!draft.question.is_null()) {
    commands += fmt::format("  curl -s http://127.0.0.1:8080/invocations --json {}\n",
                            ShellWord(draft.question.dump()));
  }
  return commands;
}

void Print(const PipelineDraft& draft, const InitOptions& options, const CommandContext& context) {
  std::ostream& out = OutputFile::IsStandardOutput(options.out) ? context.err : context.out;
  out << fmt::format("{} written\n\nChosen:\n", options.out.string());
  const auto list = [&](const std::vector<std::string>& lines) {
    for (const std::string& one : lines) {
      out << Paragraph(fmt::format("- {}", one), context.style.width, 2);
    }
  };
  list(draft.choices);
  if (!draft.warnings.empty()) out << "\nLook at:\n";
  list(draft.warnings);
  out << NextCommands(draft, options);
}

ExitCode Run(const Arguments& arguments, const CommandContext& context) {
  const InitOptions options = ReadOptions(arguments);
  if (!options.overwrites && fs::exists(options.out) && !OutputFile::IsStream(options.out)) {
    throw Failure(ExitCode::kUsage,
                  fmt::format("{} exists: --force writes over it, --out names another",
                              options.out.string()));
  }
  // First, so that a folder that cannot be written is told at once.
  Require(OutputFile::Check(options.out));
  const PipelineDraft draft = MakeDraft(options, context.clock.Now());
  const std::string text = PipelineText(draft.document);
  const auto spec = preprocessing::ParsePipelineSpec(text, options.out.parent_path());
  if (!spec) {
    throw Failure(ExitCode::kUnfit, fmt::format("{} makes no pipeline: {}", options.from.string(),
                                                spec.error().message));
  }
  Require(WriteOutput(options.out, text, context.out));
  if (!context.quiet) Print(draft, options, context);
  return ExitCode::kDone;
}

}  // namespace

Command InitCommand() {
  std::vector<Flag> flags = RoleFlags();
  for (Flag& flag : DraftFlags()) flags.push_back(std::move(flag));
  return {
      .name = "init",
      .meaning = "writes a pipeline for a file of rows",
      .description =
          "Looks at a CSV file and writes a pipeline for it: one that forecasts a number by key\n"
          "and period, or, with --label, one that learns the class of a row. It works as it\n"
          "stands, and says what was chosen and what was seen in the data that may hurt. What\n"
          "cannot be decided is asked for, with the command to type.\n",
      .flags = std::move(flags),
      .endings = {{.code = ExitCode::kDone},
                  {.code = ExitCode::kNo, .when = "the file is no CSV of rows"},
                  {.code = ExitCode::kUsage,
                   .when = "wrong usage, or a column has to be named; the message lists them"},
                  {.code = ExitCode::kUnfit, .when = "there are too few rows to learn from"},
                  {.code = ExitCode::kIo,
                   .when = "the file cannot be read, or the pipeline not be written"}},
      .run = Run};
}

}  // namespace forkcast::model
