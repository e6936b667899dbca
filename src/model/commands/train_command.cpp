#include "model/commands/train_command.hpp"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "data_preprocessing/command/flags.hpp"
#include "data_preprocessing/command/stop_signals.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "model/artefact/registry.hpp"
#include "model/commands/pipeline_kinds.hpp"
#include "model/commands/training_console.hpp"
#include "model/forecast/key_replacement_job.hpp"
#include "model/learn/training_run.hpp"
#include "model/learn/xgboost/trainer.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::CommandContext;
using preprocessing::Flag;
using preprocessing::FlagValues;

enum class Command { kTrain, kEvaluate };

struct Options {
  std::filesystem::path pipeline;
  JobSources sources;
  Publication publication;
  std::filesystem::path report;
  std::vector<std::string> report_keys;
  std::vector<std::string> only_keys;
  std::string from_version = "champion";
  bool dry_run = false;
  bool json = false;
  bool quiet = false;
};

/// An error with the exit code that it means.
struct Failure {
  TrainExit exit = TrainExit::kIo;
  std::string message;
};

std::vector<Flag> Flags(Command command) {
  using Kind = Flag::Kind;
  std::vector<Flag> flags{
      {"pipeline", "FILE", Kind::kOneValue,
       "The pipeline to train. Environment: FORKCAST_PIPELINE. Default: none; required."},
      {"store", "URL", Kind::kOneValue,
       "The store, beside which ingest published the snapshots. Environment: FORKCAST_STORE. "
       "Default: none; this or --snapshots is required, this where rows have a label."},
      {"snapshots", "DIR", Kind::kOneValue,
       "Folder of the snapshots. Environment: FORKCAST_SNAPSHOTS. Default: beside the store."},
      {"since", "TIME", Kind::kOneValue,
       "Leaves out periods that begin before, or rows. Default: none."},
      {"until", "TIME", Kind::kOneValue,
       "Periods that end after it, and rows whose label was known after it, are as if they had "
       "not happened. Default: none."},
      {"last", "SPAN", Kind::kOneValue,
       "Uses only the last days, weeks or months: 120d, 17w, 4mo. Default: everything."},
      {"seed", "N", Kind::kOneValue, "In place of the pipeline's seed."},
      {"threads", "N", Kind::kOneValue, "In place of the pipeline's number of threads."},
      {"report", "FILE", Kind::kOneValue, "Writes a page with plots, all in one HTML file."},
      {"report-key", "KEY", Kind::kManyValues,
       "A key whose forecasts the page shows, its columns joined by commas; may be given several "
       "times. Default: the four with the largest values. Forecasts only."},
  };
  if (command == Command::kTrain) {
    flags.push_back({"models", "DIR", Kind::kOneValue,
                     "The folder of models. Environment: FORKCAST_MODELS. Default: models."});
    flags.push_back(
        {"name", "NAME", Kind::kOneValue, "The model's name. Default: the pipeline's."});
    flags.push_back(
        {"alias", "NAME", Kind::kOneValue,
         "The alias that a version which beats its baselines gets. Default: champion."});
    flags.push_back(
        {"only-key", "KEY", Kind::kManyValues,
         "Trains and judges this key alone and takes the models of all others from "
         "--from-version, byte for byte; for \"scope\": \"per_key\". Its columns joined "
         "by commas, or, where several keys are called so, a JSON array of its values. "
         "May be given several times. Default: all keys."});
    flags.push_back({"from-version", "VERSION", Kind::kOneValue,
                     "With --only-key: a number or an alias. Default: champion."});
    flags.push_back({"force-promote", "", Kind::kSwitch,
                     "Moves the alias also when the version does not beat its baselines."});
  }
  flags.push_back({"dry-run", "", Kind::kSwitch,
                   "Checks pipeline, data and folds and says what would be done."});
  flags.push_back({"json", "", Kind::kSwitch, "Prints one line of JSON in place of the tables."});
  flags.push_back({"quiet", "", Kind::kSwitch, "Prints errors only (and what --json asks for)."});
  flags.push_back({"help", "", Kind::kSwitch, "Prints this."});
  return flags;
}

std::string Help(Command command) {
  const bool trains = command == Command::kTrain;
  return fmt::format(
      "usage: forkcast {} --pipeline FILE --store URL [flags]\n\n{}\n{}\nExit codes:\n"
      "  0    done{}\n"
      "  2    wrong usage or pipeline file\n"
      "  3    the data do not allow it; trying again changes nothing\n"
      "{}"
      "  5    store or snapshots{} cannot be read or written\n"
      "  143  stopped by a signal; nothing was published\n",
      trains ? "train" : "evaluate",
      trains
          ? "Judges the pipeline's model on its past beside its baselines (a forecast by\n"
            "walk-forward validation, a classifier on the last of its labelled rows), trains on\n"
            "all data, publishes the model as a new version, and promotes it when it beats the\n"
            "baselines. With --only-key all this is of single keys, whose models take the place\n"
            "of their old ones in a copy of a version.\n"
          : "Judges the pipeline's model on its past beside its baselines (a forecast by\n"
            "walk-forward validation, a classifier on the last of its labelled rows).\n"
            "Publishes nothing.\n",
      preprocessing::DescribeFlags(Flags(command)), trains ? ", published and promoted" : "",
      trains ? "  4    published, but not promoted: it does not beat the baselines\n" : "",
      trains ? ", or the folder of models," : "");
}

std::string ValueOf(const FlagValues& flags, std::string_view flag, const char* variable,
                    const CommandContext& context) {
  if (const auto found = flags.find(flag); found != flags.end()) return found->second.front();
  return variable == nullptr ? "" : context.environment(variable).value_or("");
}

template <typename Number>
std::optional<Number> NumberOf(const FlagValues& flags, std::string_view flag, Number most) {
  const auto found = flags.find(flag);
  if (found == flags.end()) return std::nullopt;
  const std::string& text = found->second.front();
  Number number{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size() || number > most) {
    throw Failure{TrainExit::kUsage, fmt::format("--{}: expected a number from 0 to {}, got \"{}\"",
                                                 flag, most, text)};
  }
  return number;
}

Options ReadOptions(Command command, const std::vector<std::string>& arguments,
                    const CommandContext& context) {
  const Result<FlagValues> flags = preprocessing::ParseFlags(Flags(command), arguments);
  if (!flags) throw Failure{TrainExit::kUsage, flags.error().message};
  Options options;
  options.pipeline = ValueOf(*flags, "pipeline", "FORKCAST_PIPELINE", context);
  if (options.pipeline.empty()) {
    throw Failure{TrainExit::kUsage, "--pipeline (or FORKCAST_PIPELINE) is missing"};
  }
  JobSources& sources = options.sources;
  sources.folder = options.pipeline.parent_path();
  sources.store = ValueOf(*flags, "store", "FORKCAST_STORE", context);
  sources.snapshots = ValueOf(*flags, "snapshots", "FORKCAST_SNAPSHOTS", context);
  if (sources.snapshots.empty()) {
    if (sources.store.empty()) {
      throw Failure{TrainExit::kUsage, "--store (or FORKCAST_STORE) or --snapshots is missing"};
    }
    const Result<std::string> folder = preprocessing::DefaultSnapshotFolder(sources.store);
    if (!folder) throw Failure{TrainExit::kUsage, "store: " + folder.error().message};
    sources.snapshots = *folder;
  }
  const auto or_default = [](std::string value, const char* fallback) {
    return value.empty() ? std::string(fallback) : value;
  };
  options.publication = {
      .models = or_default(ValueOf(*flags, "models", "FORKCAST_MODELS", context), "models"),
      .name = ValueOf(*flags, "name", nullptr, context),
      .alias = or_default(ValueOf(*flags, "alias", nullptr, context), "champion"),
      .force_promote = flags->contains("force-promote")};
  sources.window = {.since = ValueOf(*flags, "since", nullptr, context),
                    .until = ValueOf(*flags, "until", nullptr, context),
                    .last = ValueOf(*flags, "last", nullptr, context)};
  options.report = ValueOf(*flags, "report", nullptr, context);
  if (const auto keys = flags->find("report-key"); keys != flags->end()) {
    options.report_keys = keys->second;
  }
  sources.seed = NumberOf(*flags, "seed", kMostSeed);
  sources.threads = NumberOf(*flags, "threads", kMostThreads);
  if (const auto keys = flags->find("only-key"); keys != flags->end()) {
    options.only_keys = keys->second;
  }
  if (const std::string from = ValueOf(*flags, "from-version", nullptr, context); !from.empty()) {
    if (options.only_keys.empty()) {
      throw Failure{TrainExit::kUsage,
                    "--from-version: only --only-key has a version to begin with"};
    }
    options.from_version = from;
  }
  options.dry_run = flags->contains("dry-run");
  options.json = flags->contains("json");
  options.quiet = flags->contains("quiet");
  return options;
}

/// The document's job, of all its keys or of those that were named.
Result<std::unique_ptr<TrainingJob>> Open(const ordered_json& document, const Options& options) {
  const PipelineKind& kind = KindOf(document);
  for (const auto& [flag, keys] :
       {std::pair("report-key", &options.report_keys), std::pair("only-key", &options.only_keys)}) {
    if (kind.has_keys || keys->empty()) continue;
    return Error{ErrorCode::kInvalidArgument, fmt::format("--{}: only a forecast has keys", flag)};
  }
  if (options.only_keys.empty()) return kind.open(document, options.sources);
  return KeyReplacementJob::Load(
      document, options.sources, Registry(options.publication.models),
      {.model = options.publication.name, .base = options.from_version, .keys = options.only_keys});
}

TrainingRequest RequestOf(Command command, const Options& options) {
  try {
    TrainingRequest request{
        .document = preprocessing::ReadJsonFile(options.pipeline),
        .open = [&options](const ordered_json& document) { return Open(document, options); },
        .report = options.report,
        .report_keys = options.report_keys,
        .dry_run = options.dry_run};
    if (command == Command::kTrain) request.publication = options.publication;
    return request;
  } catch (const preprocessing::SpecError& error) {
    throw Failure{TrainExit::kUsage, error.what()};
  }
}

int RunCommand(Command command, const std::vector<std::string>& arguments,
               const CommandContext& context) {
  if (preprocessing::AsksForHelp(arguments)) {
    context.out << Help(command);
    return static_cast<int>(TrainExit::kDone);
  }
  try {
    const preprocessing::StopSignals signals;
    const Options options = ReadOptions(command, arguments, context);
    TrainingConsole console(context,
                            {.progress = !options.quiet, .text = !options.json && !options.quiet});
    const TrainingOutcome outcome =
        RunTraining(RequestOf(command, options), context.clock, console);
    const TrainExit exit = ExitOf(outcome.end);
    if (!outcome.message.empty()) throw Failure{exit, outcome.message};
    if (options.json) context.out << outcome.summary.dump() << '\n';
    context.out.flush();
    return static_cast<int>(exit);
  } catch (const Failure& failure) {
    context.err << fmt::format("forkcast {}: {}\n",
                               command == Command::kTrain ? "train" : "evaluate", failure.message);
    return static_cast<int>(failure.exit);
  }
}

}  // namespace

int RunTrainCommand(const std::vector<std::string>& arguments, const CommandContext& context) {
  return RunCommand(Command::kTrain, arguments, context);
}

int RunEvaluateCommand(const std::vector<std::string>& arguments, const CommandContext& context) {
  return RunCommand(Command::kEvaluate, arguments, context);
}

}  // namespace forkcast::model
