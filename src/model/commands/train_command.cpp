#include "model/commands/train_command.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "data_preprocessing/base/file_lock.hpp"
#include "data_preprocessing/base/output_file.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/stop_signals.hpp"
#include "data_preprocessing/command/store_flags.hpp"
#include "data_preprocessing/commands/ingest_command.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "model/artefact/registry.hpp"
#include "model/commands/mlflow_log.hpp"
#include "model/commands/pipeline_kinds.hpp"
#include "model/commands/retrain_turn.hpp"
#include "model/commands/retrain_verdict.hpp"
#include "model/commands/sharded_training.hpp"
#include "model/commands/training_console.hpp"
#include "model/commands/training_programs.hpp"
#include "model/forecast/key_replacement_job.hpp"
#include "model/learn/model_files.hpp"
#include "model/learn/trainers/trainer_kinds.hpp"
#include "model/learn/training_run.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::Allowed;
using preprocessing::Arguments;
using preprocessing::Command;
using preprocessing::CommandContext;
using preprocessing::ExitCode;
using preprocessing::Failure;
using preprocessing::Flag;
using preprocessing::Require;

constexpr const char* kHowItJudges =
    "Judges the pipeline's model on its past beside its baselines (a forecast by\n"
    "walk-forward validation, a classifier on the last of its labelled rows)";

struct Options {
  std::filesystem::path pipeline;
  std::vector<std::string> ingest{};  ///< What ingest is told first; empty: nothing is taken in.
  JobSources sources{};
  std::optional<Publication> publication{};  ///< Of train.
  std::filesystem::path report{};
  std::vector<std::string> report_keys{};
  std::filesystem::path judged_rows{};
  std::vector<std::string> only_keys{};
  std::string from_version{};
  bool dry_run = false;
  std::string mlflow{};                ///< Whom else to tell; empty: nobody.
  const JoinedFits* joined = nullptr;  ///< Of which shards the models are; null: they are trained.
};

std::vector<Flag> Joined(std::vector<Flag> flags, const std::vector<Flag>& more) {
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

/// Where rows come from.
std::vector<Flag> SourceFlags() {
  return {
      preprocessing::StoreFlag(
          "The store, beside which ingest published the snapshots.",
          "none; this or --snapshots is required, this where rows have a label"),
      preprocessing::SnapshotsFlag(),
  };
}

/// What is taken in before anything is learned.
std::vector<Flag> IngestFlags() {
  using Kind = Flag::Kind;
  return {
      {.name = "from",
       .argument = "DIR",
       .meaning = "Takes the rows of this folder into the store first, as ingest does.",
       .when_absent = "what the store has"},
      {.name = "file",
       .argument = "TABLE=PATH",
       .kind = Kind::kManyValues,
       .meaning = "Takes this file of the table into the store first, as ingest does. May be given "
                  "several times.",
       .when_absent = "what the store has"},
  };
}

/// What is judged, and what is taken in before.
std::vector<Flag> DataFlags() {
  const Flag pipeline{.name = "pipeline",
                      .argument = "FILE",
                      .meaning = "The pipeline file.",
                      .variable = "FORKCAST_PIPELINE",
                      .need = Flag::Need::kRequired};
  return Joined(Joined({pipeline}, IngestFlags()), SourceFlags());
}

/// How it is judged, and what shows that.
std::vector<Flag> JudgingFlags() {
  using Kind = Flag::Kind;
  return {
      {.name = "since",
       .argument = "TIME",
       .meaning = "Leaves out periods that begin before, or rows.",
       .when_absent = "none"},
      {.name = "until",
       .argument = "TIME",
       .meaning = "Periods that end after it, and rows whose label was known after it, are as if "
                  "they had not happened.",
       .when_absent = "none"},
      {.name = "last",
       .argument = "SPAN",
       .meaning = "Uses only the last days, weeks or months: 120d, 17w, 4mo.",
       .when_absent = "everything"},
      {.name = "seed",
       .argument = "N",
       .meaning = "In place of the pipeline's seed.",
       .allowed = preprocessing::WholeNumber(0, kMostSeed)},
      {.name = "threads",
       .argument = "N",
       .meaning = "In place of the pipeline's number of threads.",
       .allowed = preprocessing::WholeNumber(0, kMostThreads)},
      {.name = "report",
       .argument = "FILE",
       .meaning = "Writes a page with plots, all in one HTML file; - for standard output, in place "
                  "of the tables."},
      {.name = "report-key",
       .argument = "KEY",
       .kind = Kind::kManyValues,
       .meaning = "A key whose forecasts the page shows, its columns joined by commas; may be "
                  "given several times. Forecasts only.",
       .when_absent = "the four with the largest values"},
      {.name = "judged-rows",
       .argument = "FILE",
       .meaning = "Writes every row that was judged as CSV: key, fold, step, period, what came, "
                  "what was forecast, its intervals, and what baselines say. Forecasts only."},
      {.name = "mlflow",
       .argument = "URL",
       .meaning = "Also logs the run to MLflow's tracking server, as http://HOST:PORT: parameters, "
                  "metrics by fold, the page, and of what is published a registered version with "
                  "its alias. That MLflow does not answer is a warning.",
       .variable = "FORKCAST_MLFLOW",
       .when_absent = "nobody else is told"},
  };
}

Flag ModelsFlag() {
  return {.name = "models",
          .argument = "PLACE",
          .meaning = "The registry of models: a folder, or s3://BUCKET/PREFIX.",
          .variable = "FORKCAST_MODELS",
          .fallback = "models"};
}

Allowed Share(double most) {
  const auto is_share = [most](std::string_view text) {
    const Result<double> number = preprocessing::ParseDouble(text);
    return number.ok() && *number >= 0 && *number <= most;
  };
  return {.expected = fmt::format("a number from 0 to {:g}", most), .is_value = is_share};
}

/// Whose place is at stake, and what it takes.
std::vector<Flag> ContestFlags() {
  return {ModelsFlag(),
          {.name = "name",
           .argument = "NAME",
           .meaning = "The model's name.",
           .when_absent = "--deploy says it",
           .need = Flag::Need::kUsual},
          {.name = "alias",
           .argument = "NAME",
           .meaning = "Whoever has it is the champion; a better version gets it.",
           .fallback = "champion"},
          {.name = "least-gain",
           .argument = "SHARE",
           .meaning = "How much smaller its error has to be than the champion's; 0.01 is 1 %.",
           .fallback = "0.01",
           .allowed = Share(1)},
          {.name = "most-chance",
           .argument = "P",
           .meaning = "The most that chance may explain it: a p value; 1: is not asked.",
           .fallback = "0.05",
           .allowed = Share(1)}};
}

/// Whose model it is, and what else is told of it.
std::vector<Flag> DeploymentFlags() {
  using Kind = Flag::Kind;
  return {
      {.name = "deploy",
       .argument = "NAME",
       .meaning = "A deployment of a server: its model and alias, the folder of models, store "
                  "and snapshots, as its config file and variables say; flags beside it go "
                  "before."},
      {.name = "config",
       .argument = "FILE",
       .meaning = "With --deploy: the server's config file.",
       .variable = "FORKCAST_CONFIG",
       .when_absent = "none; NAME is a model, whose champion is served"},
      {.name = "pipeline",
       .argument = "FILE",
       .meaning = "The challenger's pipeline: another way to forecast the same value.",
       .when_absent = "the champion's"},
      {.name = "again",
       .kind = Kind::kSwitch,
       .meaning = "Trains also when nothing is new: a version has learned from the same data by "
                  "the same pipeline, and is the champion or was compared with it."},
      {.name = "require-promotion",
       .kind = Kind::kSwitch,
       .meaning = "Ends with 4 whenever nothing was promoted, also since nothing is new."},
      {.name = "verdict",
       .argument = "FILE",
       .meaning = "Where the verdict is written, as JSON; - for standard output.",
       .when_absent = "retrain.json in the model's folder"}};
}

/// What is made of it.
std::vector<Flag> PublishingFlags() {
  using Kind = Flag::Kind;
  return {
      ModelsFlag(),
      {.name = "name",
       .argument = "NAME",
       .meaning = "The model's name.",
       .when_absent = "the pipeline's"},
      {.name = "alias",
       .argument = "NAME",
       .meaning = "The alias that a version which beats its baselines gets.",
       .fallback = "champion"},
      {.name = "only-key",
       .argument = "KEY",
       .kind = Kind::kManyValues,
       .meaning = "Trains and judges this key alone and takes the models of all others from "
                  "--from-version, byte for byte; for \"scope\": \"per_key\". Its columns joined "
                  "by commas, or, where several keys are called so, a JSON array of its values. "
                  "May be given several times.",
       .when_absent = "all keys"},
      {.name = "from-version",
       .argument = "VERSION",
       .meaning = "With --only-key: a number or an alias.",
       .fallback = "champion"},
      {.name = "force-promote",
       .kind = Kind::kSwitch,
       .meaning = "Moves the alias also when the version does not beat its baselines."},
  };
}

std::vector<Flag> ShowingFlags() {
  return {{.name = "dry-run",
           .kind = Flag::Kind::kSwitch,
           .meaning = "Checks pipeline, data and folds and says what would be done."},
          preprocessing::JsonFlag("Prints one line of JSON in place of the tables."),
          preprocessing::QuietFlag()};
}

std::optional<std::uint32_t> NumberOf(const Arguments& arguments, std::string_view flag) {
  const auto number = arguments.Whole(flag);
  if (!number) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

/// `place`: the folder that names of files in the pipeline's are relative to.
JobSources ReadSources(const Arguments& arguments, std::filesystem::path place) {
  JobSources sources{.folder = std::move(place),
                     .snapshots = arguments.Text("snapshots"),
                     .store = arguments.Text("store"),
                     .window = {.since = arguments.Text("since"),
                                .until = arguments.Text("until"),
                                .last = arguments.Text("last")},
                     .seed = NumberOf(arguments, "seed"),
                     .threads = NumberOf(arguments, "threads"),
                     .trainers = TrainerKinds()};
  if (!sources.snapshots.empty()) return sources;
  if (sources.store.empty()) {
    throw Failure(ExitCode::kUsage, "--store (or FORKCAST_STORE) or --snapshots is missing");
  }
  const Result<std::string> folder = preprocessing::DefaultSnapshotFolder(sources.store);
  if (!folder) throw Failure(ExitCode::kUsage, "store: " + folder.error().message);
  sources.snapshots = *folder;
  return sources;
}

/// What `ingest` is to be told before anything is learned. Throws Failure.
std::vector<std::string> IngestWords(const Arguments& arguments,
                                     const std::filesystem::path& pipeline) {
  const char* const flag = arguments.Has("from") ? "from" : "file";
  if (!arguments.Has(flag)) return {};
  if (arguments.Text("store").empty()) {
    throw Failure(ExitCode::kUsage,
                  fmt::format("--{}: --store says where the rows are taken to", flag));
  }
  if (arguments.Has("dry-run")) {
    throw Failure(ExitCode::kUsage,
                  fmt::format("--{}: a dry run takes nothing in; try the rows with ingest", flag));
  }
  std::vector<std::string> words{"--pipeline", pipeline.string()};
  for (const char* const name : {"store", "from", "file", "snapshots"}) {
    for (const std::string& value : arguments.Texts(name)) {
      words.insert(words.end(), {fmt::format("--{}", name), value});
    }
  }
  if (arguments.Has("json")) words.emplace_back("--quiet");
  return words;
}

Options ReadOptions(const Arguments& arguments) {
  const std::filesystem::path pipeline = arguments.Text("pipeline");
  return {.pipeline = pipeline,
          .ingest = IngestWords(arguments, pipeline),
          .sources = ReadSources(arguments, pipeline.parent_path()),
          .report = arguments.Text("report"),
          .report_keys = arguments.Texts("report-key"),
          .judged_rows = arguments.Text("judged-rows"),
          .dry_run = arguments.Has("dry-run"),
          .mlflow = arguments.Text("mlflow")};
}

Options ReadTrainOptions(const Arguments& arguments) {
  Options options = ReadOptions(arguments);
  options.publication = Publication{.models = arguments.Text("models"),
                                    .name = arguments.Text("name"),
                                    .alias = arguments.Text("alias"),
                                    .force_promote = arguments.Has("force-promote")};
  options.only_keys = arguments.Texts("only-key");
  options.from_version = arguments.Text("from-version");
  if (arguments.Has("from-version") && options.only_keys.empty()) {
    throw Failure(ExitCode::kUsage, "--from-version: only --only-key has a version to begin with");
  }
  return options;
}

Contest ReadContest(const Arguments& arguments) {
  if (arguments.Has("deploy")) {
    throw Failure(ExitCode::kUsage,
                  "--deploy: only forkcast itself reads what a server is configured by; here "
                  "--name, --alias, --models and --store say it");
  }
  const std::string name = arguments.Text("name");
  if (name.empty()) throw Failure(ExitCode::kUsage, "--name or --deploy is missing");
  const std::string alias = arguments.Text("alias");
  if (Status named = Registry::CheckNames(name, alias); !named) {
    throw Failure(ExitCode::kUsage, named.error().message);
  }
  const Registry registry(arguments.Text("models"));
  return {.champion = Require(registry.Find(name, alias), ExitCode::kUsage),
          .rules = {.least_gain = *arguments.Real("least-gain"),
                    .most_chance = *arguments.Real("most-chance")}};
}

Options ReadRetrainOptions(const Arguments& arguments) {
  Contest contest = ReadContest(arguments);
  const std::filesystem::path pipeline = arguments.Has("pipeline")
                                             ? std::filesystem::path(arguments.Text("pipeline"))
                                             : contest.champion.folder / kPipelineFile;
  return {.pipeline = pipeline,
          .ingest = IngestWords(arguments, pipeline),
          .sources = ReadSources(arguments, pipeline.parent_path()),
          .publication = Publication{.models = arguments.Text("models"),
                                     .name = arguments.Text("name"),
                                     .alias = arguments.Text("alias"),
                                     .contest = std::move(contest),
                                     .even_if_known = arguments.Has("again")},
          .report = arguments.Text("report"),
          .report_keys = arguments.Texts("report-key"),
          .judged_rows = arguments.Text("judged-rows"),
          .dry_run = arguments.Has("dry-run"),
          .mlflow = arguments.Text("mlflow")};
}

/// The document's job, of all its keys or of those that were named.
Result<std::unique_ptr<TrainingJob>> Open(const ordered_json& document, const Options& options) {
  const PipelineKind& kind = KindOf(document);
  for (const auto& [flag, keys] :
       {std::pair("report-key", &options.report_keys), std::pair("only-key", &options.only_keys)}) {
    if (kind.has_keys || keys->empty()) continue;
    return Error{ErrorCode::kInvalidArgument, fmt::format("--{}: only a forecast has keys", flag)};
  }
  if (!kind.has_keys && !options.judged_rows.empty()) {
    return Error{ErrorCode::kInvalidArgument, "--judged-rows: a classifier has no forecasts"};
  }
  if (options.only_keys.empty()) {
    Result<std::unique_ptr<TrainingJob>> job = kind.open(document, options.sources);
    if (!job || options.joined == nullptr) return job;
    Status of_this = options.joined->CheckOrigin((*job)->Origin());
    if (!of_this) return std::move(of_this).error();
    return job;
  }
  return KeyReplacementJob::Load(document, options.sources, Registry(options.publication->models),
                                 {.model = options.publication->name,
                                  .base = options.from_version,
                                  .keys = options.only_keys});
}

ordered_json ReadDocument(const std::filesystem::path& pipeline) {
  try {
    return preprocessing::ReadJsonFile(pipeline);
  } catch (const preprocessing::SpecError& error) {
    throw Failure(ExitCode::kUsage, error.what());
  }
}

/// A message that begins with a place of the document ("$.training.metric") names the file, too.
std::string InFile(const std::filesystem::path& pipeline, const std::string& message) {
  return message.starts_with('$') ? fmt::format("{}: {}", pipeline.string(), message) : message;
}

/// A file that a flag writes.
struct Output {
  const char* flag;
  const char* holds;
  const std::filesystem::path& file;
};

/// What would otherwise only be found out when all is judged; whether it goes to standard output,
/// which has no place for tables then. `taken_by`: the flag that has that already; null: none.
bool CheckOutput(const Output& output, const std::filesystem::path& pipeline,
                 const char* taken_by) {
  if (output.file.empty()) return false;
  if (OutputFile::WouldReplace(output.file, pipeline)) {
    throw Failure(ExitCode::kUsage,
                  fmt::format("{}: would overwrite the file of --pipeline", output.flag));
  }
  Require(OutputFile::Check(output.file));
  const bool is_printed = OutputFile::IsStandardOutput(output.file);
  if (is_printed && taken_by != nullptr) {
    throw Failure(ExitCode::kUsage, fmt::format("{}: standard output has the {} of {} already",
                                                taken_by, output.holds, output.flag));
  }
  return is_printed;
}

/// Takes in what is to be taken in first; whether that went well.
ExitCode TakeIn(const Options& options, const CommandContext& context) {
  if (options.ingest.empty()) return ExitCode::kDone;
  return static_cast<ExitCode>(
      preprocessing::RunCommand(preprocessing::IngestCommand(), options.ingest, context));
}

TrainingOutcome Train(const Options& options, bool prints_json, const CommandContext& context) {
  const preprocessing::StopSignals signals;
  CheckMlflow(options.mlflow, context);
  const char* printed_by = prints_json ? "--json" : nullptr;
  if (CheckOutput({.flag = "--report", .holds = "page", .file = options.report}, options.pipeline,
                  printed_by)) {
    printed_by = "--report";
  }
  if (CheckOutput({.flag = "--judged-rows", .holds = "rows", .file = options.judged_rows},
                  options.pipeline, printed_by)) {
    printed_by = "--judged-rows";
  }
  TrainingConsole console(context, printed_by == nullptr ? TrainingConsole::Texts::kShown
                                                         : TrainingConsole::Texts::kHidden);
  MlflowLog log{.url = options.mlflow,
                .document = ReadDocument(options.pipeline),
                .models = options.publication ? options.publication->models.string() : "",
                .alias = options.publication ? options.publication->alias : "",
                .begun = context.clock.Now()};
  TrainingOutcome outcome = RunTraining(
      {.document = log.document,
       .open = [&options](const ordered_json& document) { return Open(document, options); },
       .publication = options.publication,
       .report = options.report,
       .wants_page = !options.mlflow.empty(),
       .standard_output = &context.out,
       .report_keys = options.report_keys,
       .judged_rows = options.judged_rows,
       .dry_run = options.dry_run},
      context.clock, console);
  TellMlflow(log, outcome, context);
  return outcome;
}

/// Prints what is left to be said, and returns the exit code. Throws Failure.
ExitCode End(const TrainingOutcome& outcome, const Options& options, bool prints_json,
             const CommandContext& context) {
  const ExitCode code = ExitOf(outcome.end);
  if (!outcome.message.empty()) throw Failure(code, InFile(options.pipeline, outcome.message));
  if (prints_json) context.out << outcome.summary.dump() << '\n';
  return code;
}

ExitCode Run(const Options& options, bool prints_json, const CommandContext& context) {
  if (const ExitCode code = TakeIn(options, context); code != ExitCode::kDone) return code;
  return End(Train(options, prints_json, context), options, prints_json, context);
}

/// Joins the shards that a plan speaks of.
ExitCode RunJoined(Options options, const WholeTraining& whole, const ShardPlan& plan,
                   bool prints_json, const CommandContext& context) {
  const std::unique_ptr<JoinedFits> joined = JoinShards(whole, plan, context);
  options.sources.fits = joined.get();
  options.joined = joined.get();
  return End(Train(options, prints_json, context), options, prints_json, context);
}

/// A training that is cut into shards.
ExitCode RunSharded(Options options, const ShardPlan& plan, bool prints_json,
                    const CommandContext& context) {
  const preprocessing::StopSignals signals;
  if (const ExitCode code = TakeIn(options, context); code != ExitCode::kDone) return code;
  const WholeTraining whole{.pipeline = options.pipeline,
                            .document = ReadDocument(options.pipeline),
                            .sources = options.sources,
                            .name = options.publication->name};
  TrainingConsole console(
      context, prints_json ? TrainingConsole::Texts::kHidden : TrainingConsole::Texts::kShown);
  switch (plan.part) {
    case ShardPlan::Part::kShard:
      return End(TrainShard(whole, plan, context, console), options, prints_json, context);
    case ShardPlan::Part::kJoin:
      return RunJoined(std::move(options), whole, plan, prints_json, context);
    case ShardPlan::Part::kRay: {
      const ShardsOnRay shards(whole, plan, context, console);
      return RunJoined(std::move(options), whole, shards.ToJoin(), prints_json, context);
    }
  }
  return ExitCode::kUnexpected;
}

/// Whether a training would only make a known version again, so that nobody need train its shards.
bool IsKnown(const Options& options) {
  const Publication& as = *options.publication;
  if (as.even_if_known) return false;
  const auto job = Require(Open(ReadDocument(options.pipeline), options));
  const auto known = FindKnownVersion(Registry(as.models), job->Origin(), *as.contest, as.alias);
  return Require(known).has_value();
}

/// Models of a training that others have trained, for as long as they are read.
class ModelsOfShards {
 public:
  /// Has `options` take its models from there. Throws Failure.
  ModelsOfShards(const ShardPlan& plan, TrainingConsole::Texts texts, const CommandContext& context,
                 Options& options) {
    const std::filesystem::path& champion = options.publication->contest->champion.folder;
    const bool is_of_version = options.pipeline == champion / kPipelineFile;
    const WholeTraining whole{
        .pipeline = is_of_version ? std::filesystem::path() : options.pipeline,
        .document = ReadDocument(options.pipeline),
        .sources = options.sources,
        .name = {}};
    ShardPlan join = plan;
    if (plan.part == ShardPlan::Part::kRay) {
      TrainingConsole console(context, texts);
      join = on_ray_.emplace(whole, plan, context, console).ToJoin();
    }
    joined_ = JoinShards(whole, join, context);
    options.sources.fits = joined_.get();
    options.joined = joined_.get();
  }

 private:
  std::optional<ShardsOnRay> on_ray_;
  std::unique_ptr<JoinedFits> joined_;
};

ExitCode Retrain(const Arguments& arguments, const CommandContext& context) {
  const preprocessing::StopSignals signals;
  const bool prints_json = arguments.Has("json");
  const std::optional<ShardPlan> plan = ReadShardPlan(arguments, context);
  Options options = ReadRetrainOptions(arguments);
  if (options.dry_run) return Run(options, prints_json, context);
  const std::filesystem::path folder =
      Registry(options.publication->models).folder() / options.publication->name;
  const std::filesystem::path place = arguments.Has("verdict")
                                          ? std::filesystem::path(arguments.Text("verdict"))
                                          : folder / kVerdictFile;
  Require(OutputFile::Check(place));
  const FileLock turn = AwaitTurn(folder, context);
  options = ReadRetrainOptions(arguments);  // another one may be the champion now
  if (const ExitCode code = TakeIn(options, context); code != ExitCode::kDone) return code;
  std::optional<ModelsOfShards> shards;
  if (plan && !IsKnown(options)) {
    shards.emplace(*plan,
                   prints_json ? TrainingConsole::Texts::kHidden : TrainingConsole::Texts::kShown,
                   context, options);
  }
  const TrainingOutcome outcome = Train(options, prints_json, context);
  if (outcome.end != TrainingEnd::kStopped) {
    const std::string text = VerdictOn(outcome, *options.publication, context.clock.Now()).dump(2);
    Require(WriteOutput(place, text + "\n", context.out));
  }
  const ExitCode code = End(outcome, options, prints_json, context);
  const bool is_promoted = outcome.summary.value("promoted", false);
  return arguments.Has("require-promotion") && !is_promoted ? ExitCode::kGate : code;
}

}  // namespace

Command TrainCommand() {
  Command command = TrainElsewhere();
  command.program.clear();
  command.description = fmt::format(
      "{}, trains on\n"
      "all data, publishes the model as a new version, and promotes it when it beats the\n"
      "baselines. With --only-key all this is of single keys, whose models take the place\n"
      "of their old ones in a copy of a version.\n",
      kHowItJudges);
  command.flags = Joined(Joined(Joined(DataFlags(), JudgingFlags()), PublishingFlags()),
                         Joined(ShardFlags(), ShowingFlags()));
  command.variables = {"JOB_COMPLETION_INDEX", "RAY_AUTH_TOKEN"};
  command.endings = {
      {.code = ExitCode::kDone, .when = "done, published and promoted"},
      {.code = ExitCode::kNo,
       .when = "with --from or --file: a file of rows is wrong; the store is as before"},
      {.code = ExitCode::kUsage, .when = "wrong usage or pipeline file"},
      {.code = ExitCode::kUnfit, .when = "the data do not allow it; trying again changes nothing"},
      {.code = ExitCode::kGate,
       .when = "published, but not promoted: it does not beat the baselines, or too little was "
               "judged"},
      {.code = ExitCode::kIo,
       .when = "store or snapshots, or the folder of models, cannot be read or written"},
      {.code = ExitCode::kStopped, .when = "stopped by a signal; nothing was published"}};
  command.run = [](const Arguments& arguments, const CommandContext& context) {
    const std::optional<ShardPlan> plan = ReadShardPlan(arguments, context);
    Options options = ReadTrainOptions(arguments);
    const bool prints_json = arguments.Has("json");
    if (!plan) return Run(options, prints_json, context);
    return RunSharded(std::move(options), *plan, prints_json, context);
  };
  return command;
}

Command RetrainCommand() {
  Command command = RetrainElsewhere();
  command.program.clear();
  command.description =
      "Trains a published model anew, by its pipeline or by another one of the same forecast,\n"
      "on the rows that there are now, and judges it on its past beside its baselines and beside\n"
      "the version that has the alias, as that one is, on the same rows. Publishes a new version,\n"
      "whose manifest says what was found, and gives it the alias when it is better than all of\n"
      "these. Where nothing is new, neither data nor pipeline, it says so and trains nothing. Of\n"
      "several that are started at once, one is at work, and the others wait for it.\n";
  command.flags = Joined(
      Joined(Joined(IngestFlags(), SourceFlags()), JudgingFlags()),
      Joined(Joined(ContestFlags(), DeploymentFlags()), Joined(JoinFlags(), ShowingFlags())));
  command.variables = {"RAY_AUTH_TOKEN"};
  command.endings = {
      {.code = ExitCode::kDone,
       .when = "done, published and promoted; or nothing is new, and nothing was trained"},
      {.code = ExitCode::kNo,
       .when = "with --from or --file: a file of rows is wrong; the store is as before"},
      {.code = ExitCode::kUsage, .when = "wrong usage, or there is no such model"},
      {.code = ExitCode::kUnfit, .when = "the data do not allow it; trying again changes nothing"},
      {.code = ExitCode::kGate,
       .when = "published, but not promoted: it is not better, or too little was judged; with "
               "--require-promotion also when nothing is new"},
      {.code = ExitCode::kIo,
       .when = "store or snapshots, or the folder of models, cannot be read or written, or "
               "another version has got the alias meanwhile"},
      {.code = ExitCode::kStopped, .when = "stopped by a signal; nothing was published"}};
  command.run = &Retrain;
  return command;
}

Command EvaluateCommand() {
  Command command = EvaluateElsewhere();
  command.program.clear();
  command.description = fmt::format("{}.\nPublishes nothing.\n", kHowItJudges);
  command.flags = Joined(Joined(DataFlags(), JudgingFlags()), ShowingFlags());
  command.endings = {
      {.code = ExitCode::kDone},
      {.code = ExitCode::kNo,
       .when = "with --from or --file: a file of rows is wrong; the store is as before"},
      {.code = ExitCode::kUsage, .when = "wrong usage or pipeline file"},
      {.code = ExitCode::kUnfit, .when = "the data do not allow it; trying again changes nothing"},
      {.code = ExitCode::kIo, .when = "store or snapshots cannot be read or written"},
      {.code = ExitCode::kStopped, .when = "stopped by a signal"}};
  command.run = [](const Arguments& arguments, const CommandContext& context) {
    return Run(ReadOptions(arguments), arguments.Has("json"), context);
  };
  return command;
}

}  // namespace forkcast::model
