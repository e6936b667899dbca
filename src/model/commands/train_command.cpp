#include "model/commands/train_command.hpp"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "data_preprocessing/base/atomic_file.hpp"
#include "data_preprocessing/base/progress.hpp"
#include "data_preprocessing/command/flags.hpp"
#include "data_preprocessing/command/stop_signals.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "model/artefact/registry.hpp"
#include "model/classify/classifier_job.hpp"
#include "model/forecast/forecast_job.hpp"
#include "model/forecast/key_replacement_job.hpp"
#include "model/forecast/training_plan.hpp"
#include "model/learn/training_job.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::CommandContext;
using preprocessing::Flag;
using preprocessing::FlagValues;
using preprocessing::JsonNode;

enum class Command { kTrain, kEvaluate };

struct Options {
  std::filesystem::path pipeline;
  JobSources sources;
  std::filesystem::path models;
  std::string name;   ///< Of the model; empty: the pipeline's.
  std::string alias;  ///< Moved to a version that beats its baselines.
  std::filesystem::path report;
  std::vector<std::string> report_keys;
  std::vector<std::string> only_keys;
  std::string from_version = "champion";
  bool force_promote = false;
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

template <typename T>
T Require(Result<T> result) {
  if (result) return *std::move(result);
  const std::string& message = result.error().message;
  switch (result.error().code) {
    case ErrorCode::kInvalidArgument:
      throw Failure{TrainExit::kData, message};
    default:
      throw Failure{TrainExit::kIo, message};
  }
}
void Require(const Status& status) {
  if (!status) Require(Result<bool>(status.error()));
}

Failure Stopped() { return {TrainExit::kStopped, "stopped; nothing was published"}; }

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
  options.models = or_default(ValueOf(*flags, "models", "FORKCAST_MODELS", context), "models");
  options.name = ValueOf(*flags, "name", nullptr, context);
  options.alias = or_default(ValueOf(*flags, "alias", nullptr, context), "champion");
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
  options.force_promote = flags->contains("force-promote");
  options.dry_run = flags->contains("dry-run");
  options.json = flags->contains("json");
  options.quiet = flags->contains("quiet");
  return options;
}

/// Shows how far a stage is, and says whether to go on.
class StageProgress {
 public:
  StageProgress(const Options& options, const CommandContext& context, std::string label)
      : clock_(context.clock),
        start_(clock_.Monotonic()),
        progress_(options.quiet             ? Progress::Style::kNone
                  : context.err_is_terminal ? Progress::Style::kBar
                                            : Progress::Style::kLines,
                  context.err, std::move(label), "steps") {}

  bool Update(std::size_t done, std::size_t total) {
    progress_.SetTotal(total);
    progress_.Update(done, clock_.Monotonic() - start_);
    return !preprocessing::StopSignals::Requested();
  }

 private:
  const Clock& clock_;
  MonotonicTime start_;
  Progress progress_;
};

/// One run of train or evaluate. Throws Failure.
class Run {
 public:
  Run(Command command, const Options& options, const CommandContext& context)
      : command_(command), options_(options), context_(context) {}

  TrainExit operator()() {
    ordered_json document = ReadDocument();
    std::unique_ptr<TrainingJob> job = Load(document);
    if (command_ == Command::kTrain) CheckNames(*job);
    if (options_.dry_run) return DryRun(*job);
    ordered_json searched = ordered_json::array();
    if (job->search() != nullptr) {
      document = Search(document, *job->search(), searched);
      job = Load(document);
    }
    Require(job->ComputeExamples());
    const Validation& validation = Validate(*job, "validation");
    ordered_json summary{{"pipeline", job->name()}, {"evaluation", validation.ToJson()}};
    if (!searched.empty()) summary["search"] = searched;
    if (!options_.report.empty()) WriteReport(validation);
    if (!options_.json && !options_.quiet) context_.out << validation.Describe();
    const TrainExit exit =
        command_ == Command::kTrain ? Publish(*job, validation, summary) : TrainExit::kDone;
    if (options_.json) context_.out << summary.dump() << '\n';
    context_.out.flush();
    return exit;
  }

 private:
  [[nodiscard]] std::string ModelName(const TrainingJob& job) const {
    return options_.name.empty() ? job.name() : options_.name;
  }

  /// What training would only find out at its end.
  void CheckNames(const TrainingJob& job) const {
    const Status named = Registry::CheckNames(ModelName(job), options_.alias);
    if (!named) throw Failure{TrainExit::kUsage, named.error().message};
  }

  [[nodiscard]] ordered_json ReadDocument() const {
    try {
      return preprocessing::ReadJsonFile(options_.pipeline);
    } catch (const preprocessing::SpecError& error) {
      throw Failure{TrainExit::kUsage, error.what()};
    }
  }

  [[nodiscard]] static bool IsForecast(const ordered_json& document) {
    return document.contains("forecast");
  }

  /// The job of the pipeline's kind, not checked against its data yet.
  [[nodiscard]] Result<std::unique_ptr<TrainingJob>> Open(const ordered_json& document) const {
    if (!IsForecast(document)) return ClassifierJob::Load(document, options_.sources);
    if (options_.only_keys.empty()) return ForecastJob::Load(document, options_.sources);
    return KeyReplacementJob::Load(
        document, options_.sources, Registry(options_.models),
        {.model = options_.name, .base = options_.from_version, .keys = options_.only_keys});
  }

  [[nodiscard]] std::unique_ptr<TrainingJob> Load(const ordered_json& document) const {
    if (!IsForecast(document)) {
      for (const auto& [flag, keys] : {std::pair("report-key", &options_.report_keys),
                                       std::pair("only-key", &options_.only_keys)}) {
        if (keys->empty()) continue;
        throw Failure{TrainExit::kUsage, fmt::format("--{}: only a forecast has keys", flag)};
      }
    }
    Result<std::unique_ptr<TrainingJob>> loaded = Open(document);
    if (!loaded) {
      // The document and the flags are the user's words; what is wrong on disk is not.
      throw Failure{
          loaded.error().code == ErrorCode::kInvalidArgument ? TrainExit::kUsage : TrainExit::kIo,
          loaded.error().message};
    }
    Require((*loaded)->Check());
    return *std::move(loaded);
  }

  TrainExit DryRun(const TrainingJob& job) const {
    const JobSummary summary = job.Summary();
    if (options_.json) {
      ordered_json plan{{"pipeline", job.name()}};
      plan.update(summary.json);
      plan["dry_run"] = true;
      context_.out << plan.dump() << '\n';
    } else {
      context_.out << fmt::format("{}: {}: nothing is in the way\n", job.name(), summary.text);
    }
    return TrainExit::kDone;
  }

  [[nodiscard]] const Validation& Validate(TrainingJob& job, const std::string& label) const {
    StageProgress progress(options_, context_, label);
    const Validation* const validation = Require(job.Validate(
        [&](std::size_t done, std::size_t total) { return progress.Update(done, total); }));
    if (validation == nullptr) throw Stopped();
    return *validation;
  }

  /// Judges every point of the search in the folds; returns the document with the best one.
  ordered_json Search(const ordered_json& document, const SearchSpec& search,
                      ordered_json& searched) const {
    const auto with = [&document](const Assignment& assignment) {
      ordered_json changed = WithParameters(document, assignment);
      changed["training"].erase("search");
      return changed;
    };
    const CheckAssignment check = [&](const Assignment& assignment) -> Status {
      try {
        const Result<std::unique_ptr<TrainingJob>> job = Open(with(assignment));
        if (!job) return job.error();
        return (*job)->Check();
      } catch (const preprocessing::SpecError& error) {
        return Error{ErrorCode::kInvalidArgument,
                     std::string("$.training.search: ") + error.what()};
      }
    };
    const std::vector<Assignment> points = Require(EnumerateAssignments(search, check));
    std::optional<double> least;
    ordered_json best;
    for (std::size_t i = 0; i < points.size(); ++i) {
      const ordered_json changed = with(points[i]);
      const std::unique_ptr<TrainingJob> job = Load(changed);
      Require(job->ComputeExamples());
      const std::optional<double> value =
          Validate(*job, fmt::format("search {} of {}", i + 1, points.size())).value();
      ordered_json point = ordered_json::object();
      for (const auto& [name, setting] : points[i]) point[name] = setting;
      point["value"] = value ? ordered_json(*value) : ordered_json();
      if (!options_.json && !options_.quiet) context_.out << point.dump() << '\n';
      searched.push_back(std::move(point));
      if (!value || (least && *value >= *least)) continue;
      least = value;
      best = changed;
    }
    if (!least) throw Failure{TrainExit::kData, "no point of the search could be judged"};
    return best;
  }

  void WriteReport(const Validation& validation) const {
    const std::string page = Require(validation.ReportPage(options_.report_keys));
    try {
      AtomicFile file(options_.report);
      file.Write(page);
      file.Commit();
    } catch (const std::system_error& error) {
      throw Failure{TrainExit::kIo, error.what()};
    }
  }

  TrainExit Publish(const TrainingJob& job, const Validation& validation,
                    ordered_json& summary) const {
    StageProgress progress(options_, context_, "training");
    const std::optional<Artefact> artefact = Require(job.TrainOnAll(
        [&](std::size_t done, std::size_t total) { return progress.Update(done, total); }));
    if (!artefact || preprocessing::StopSignals::Requested()) throw Stopped();
    const std::string name = ModelName(job);
    const Registry registry(options_.models);
    const bool promoted = validation.beats_baselines() || options_.force_promote;
    const std::uint64_t version =
        Require(registry.Publish(name, artefact->manifest, artefact->files, context_.clock.Now(),
                                 promoted ? options_.alias : std::string(), artefact->expected));
    summary["model"] = name;
    summary["version"] = version;
    summary["folder"] = (options_.models / name / std::to_string(version)).string();
    summary["promoted"] = promoted;
    if (!options_.json && !options_.quiet) {
      context_.out << fmt::format("published {} {} in {}{}\n", name, version,
                                  summary["folder"].get<std::string>(),
                                  promoted ? ", now its " + options_.alias : "; not promoted");
    }
    return promoted ? TrainExit::kDone : TrainExit::kGate;
  }

  Command command_;
  const Options& options_;
  const CommandContext& context_;
};

int RunCommand(Command command, const std::vector<std::string>& arguments,
               const CommandContext& context) {
  if (preprocessing::AsksForHelp(arguments)) {
    context.out << Help(command);
    return static_cast<int>(TrainExit::kDone);
  }
  try {
    const preprocessing::StopSignals signals;
    const Options options = ReadOptions(command, arguments, context);
    return static_cast<int>(Run(command, options, context)());
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
