#include "model/commands/container_training.hpp"

#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "data_preprocessing/base/atomic_file.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/stage_progress.hpp"
#include "data_preprocessing/command/stop_signals.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/pipeline/snapshots.hpp"
#include "data_preprocessing/source/ingest.hpp"
#include "model/commands/container_request.hpp"
#include "model/commands/pipeline_kinds.hpp"
#include "model/commands/train_command.hpp"
#include "model/commands/training_console.hpp"
#include "model/learn/trainers/trainer_kinds.hpp"
#include "model/learn/training_run.hpp"

namespace forkcast::model {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using preprocessing::CommandContext;
using preprocessing::ExitCode;
using preprocessing::Failure;
using preprocessing::JsonNode;
using preprocessing::PipelineSpec;
using preprocessing::Require;
using preprocessing::SpecError;
using preprocessing::TableSpec;

constexpr std::string_view kProgram = "forkcast train: ";
constexpr std::string_view kManifest = "manifest.json";
/// When a version was published, which an artefact does not say: equal data give equal bytes.
constexpr std::string_view kPublished = "published.json";
constexpr std::string_view kUnfinished = ".unfinished";
/// What the pipeline reads, beside the version: so the folder can be served as it is.
constexpr std::string_view kSnapshots = "snapshots";

void StopIfAsked() {
  if (preprocessing::StopSignals::Requested())
    throw Failure(ExitCode::kStopped, "stopped; no model was written");
}

std::string StoreOf(const fs::path& work) { return "sqlite:" + (work / "store.db").string(); }

/// A new folder in TMPDIR, removed with everything in it.
class WorkFolder {
 public:
  explicit WorkFolder(const CommandContext& context) {
    const fs::path parent = context.environment("TMPDIR").value_or("/tmp");
    std::string pattern = (parent / "forkcast-train-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      const std::error_code why(errno, std::generic_category());
      throw Failure(ExitCode::kIo, fmt::format("{}: {}", pattern, why.message()));
    }
    path_ = pattern;
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  ~WorkFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const noexcept { return path_; }

 private:
  fs::path path_;
};

/// Texts from outside need not be UTF-8, and the platform shows nothing else.
std::string AsUtf8(const std::string& text) {
  return ordered_json::parse(preprocessing::DumpText(text)).get<std::string>();
}

/// Throws std::system_error.
void WriteFile(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  file.Write(text);
  file.Commit();
}

/// Throws SpecError.
PipelineSpec Validate(const ordered_json& document, const fs::path& folder) {
  Result<PipelineSpec> spec = preprocessing::ParsePipelineSpec(document.dump(), folder);
  if (!spec) throw SpecError(spec.error().message);
  KindOf(document).check(JsonNode(document), *spec, TrainerKinds());
  return *std::move(spec);
}

/// "x.csv" and "x.csv.gz" are "x"; nothing else is a file of rows.
std::optional<std::string> RowsFileStem(const fs::path& file) {
  const std::string name = file.filename();
  for (const std::string_view ending : {".csv", ".csv.gz"}) {
    if (!name.ends_with(ending)) continue;
    return name.substr(0, name.size() - ending.size());
  }
  return std::nullopt;
}

std::string NamesOf(const std::vector<TableSpec>& tables) {
  std::string names;
  for (const TableSpec& table : tables) names += (names.empty() ? "" : ", ") + table.name;
  return names;
}

/// A number without an exponent: regular expressions of those who tune models read digits and
/// points.
std::string Plain(const ordered_json& number) {
  std::string text = number.dump();
  if (text.find('e') == std::string::npos) return text;
  std::array<char, 400> digits{};  // a double has at most 309 before and 324 behind the point
  const auto [end, failed] = std::to_chars(digits.data(), digits.data() + digits.size(),
                                           number.get<double>(), std::chars_format::fixed);
  return failed == std::errc() ? std::string(digits.data(), end) : text;
}

/// One training job. Throws Failure, SpecError and std::system_error.
class ContainerTraining {
 public:
  ContainerTraining(const ContainerFolder& folder, const CommandContext& context)
      : folder_(folder), context_(context) {}

  ExitCode Run() {
    const Hosts hosts = ReadHosts(folder_);
    if (!hosts.trains()) {
      context_.out << fmt::format("{}nothing to do on {}: {} trains\n", kProgram, hosts.current,
                                  hosts.first);
      return ExitCode::kDone;
    }
    const ContainerRequest request = ReadContainerRequest(folder_, hosts);
    const fs::path pipeline = FindPipeline(request);
    const ordered_json document = ReadDocument(pipeline, request.parameters);
    const PipelineSpec spec = Validate(document, pipeline.parent_path());
    RequireEmptyModelFolder();
    fs::create_directories(folder_.output_data());

    const WorkFolder work(context_);
    Ingest(spec, request.channels, work.path());
    const ordered_json summary = Train(request, document, pipeline.parent_path(), work.path());
    StopIfAsked();
    PutModel(summary.at("folder").get<std::string>(), work.path() / kSnapshots);
    context_.out << fmt::format("the model is in {}\n", folder_.model().string());
    return ExitCode::kDone;
  }

 private:
  [[nodiscard]] fs::path FindPipeline(const ContainerRequest& request) const {
    if (!request.pipeline.empty()) {
      const fs::path given(request.pipeline);
      const fs::path file = given.is_absolute() ? given : folder_.data() / given;
      if (fs::is_regular_file(file)) return file;
      throw SpecError(fmt::format("{}: $.pipeline: there is no file {} (CHANNEL/FILE, or absolute)",
                                  folder_.hyperparameters().string(), file.string()));
    }
    const auto channel = std::ranges::find(request.channels, "pipeline", &Channel::name);
    if (channel != request.channels.end()) {
      std::vector<fs::path> files;
      for (const fs::directory_entry& entry : fs::directory_iterator(channel->folder)) {
        if (entry.path().extension() != ".json" || IsHidden(entry.path())) continue;
        files.push_back(entry.path());
      }
      if (files.size() == 1) return files.front();
      throw SpecError(
          fmt::format("{}: expected one *.json, found {}; the hyperparameter \"pipeline\""
                      " chooses",
                      channel->folder.string(), files.size()));
    }
    if (const auto file = context_.environment("FORKCAST_PIPELINE")) return *file;
    throw SpecError(
        "no pipeline: expected the hyperparameter \"pipeline\", a channel \"pipeline\" with one "
        "*.json, or FORKCAST_PIPELINE");
  }

  /// The pipeline with the hyperparameters applied; the first that it does not take is named.
  [[nodiscard]] ordered_json ReadDocument(const fs::path& pipeline,
                                          const Assignment& parameters) const {
    const ordered_json document = preprocessing::ReadJsonFile(pipeline);
    try {
      static_cast<void>(Validate(document, pipeline.parent_path()));
    } catch (const SpecError& error) {
      throw SpecError(pipeline.string() + ": " + error.what());
    }
    ordered_json changed;
    try {
      changed = WithParameters(document, parameters);
      static_cast<void>(Validate(changed, pipeline.parent_path()));
      return changed;
    } catch (const SpecError& together) {
      for (const Assignment::value_type& parameter : parameters) {
        try {
          static_cast<void>(
              Validate(WithParameters(document, {parameter}), pipeline.parent_path()));
        } catch (const SpecError& error) {
          throw SpecError(fmt::format("{}: \"{}\": {}", folder_.hyperparameters().string(),
                                      parameter.first, error.what()));
        }
      }
      throw SpecError(folder_.hyperparameters().string() + ": " + together.what());
    }
  }

  void RequireEmptyModelFolder() const {
    fs::create_directories(folder_.model());
    fs::remove_all(folder_.model() / kUnfinished);
    if (fs::is_empty(folder_.model())) return;
    throw Failure(ExitCode::kIo, folder_.model().string() +
                                     ": expected an empty folder, or two models would be mixed");
  }

  /// Which files hold which table's rows, in alphabetical order.
  [[nodiscard]] std::map<std::string, std::vector<fs::path>> FindRows(
      const PipelineSpec& spec, const std::vector<Channel>& channels) const {
    std::map<std::string, std::vector<fs::path>> files;
    const auto is_table = [&spec](const std::string& name) {
      return std::ranges::find(spec.tables, name, &TableSpec::name) != spec.tables.end();
    };
    for (const Channel& channel : channels) {
      fs::recursive_directory_iterator entries(channel.folder,
                                               fs::directory_options::follow_directory_symlink);
      for (; entries != fs::recursive_directory_iterator(); ++entries) {
        const fs::directory_entry& entry = *entries;
        if (IsHidden(entry.path())) {
          TellSkipped(entry.path());
          entries.disable_recursion_pending();
          continue;
        }
        const auto stem = RowsFileStem(entry.path());
        if (!stem || !entry.is_regular_file()) continue;
        // Its own name, or that of the nearest folder up to the channel.
        std::string table = *stem;
        for (fs::path at = entry.path().parent_path(); !is_table(table) && at != folder_.data();
             at = at.parent_path()) {
          table = at.filename();
        }
        if (!is_table(table)) {
          throw Failure(
              ExitCode::kUnfit,
              fmt::format("{}: neither the file nor a folder around it is called as a table ({})",
                          entry.path().string(), NamesOf(spec.tables)));
        }
        files[table].push_back(entry.path());
      }
    }
    for (const TableSpec& table : spec.tables) {
      if (files.contains(table.name)) continue;
      throw Failure(
          ExitCode::kUnfit,
          fmt::format("no channel has a file of table \"{0}\": expected {0}.csv, {0}.csv.gz"
                      " or a folder {0} with such files",
                      table.name));
    }
    for (auto& [table, paths] : files) std::ranges::sort(paths);
    return files;
  }

  void TellSkipped(const fs::path& hidden) const {
    context_.err << fmt::format("{}{} is hidden, and skipped\n", kProgram,
                                fs::relative(hidden, folder_.data()).string());
  }

  void Ingest(const PipelineSpec& spec, const std::vector<Channel>& channels,
              const fs::path& work) const {
    const auto files = FindRows(spec, channels);
    const std::unique_ptr<preprocessing::TableDao> dao = Require(
        preprocessing::OpenStore(StoreOf(work), preprocessing::StoreAccess::kReadWriteCreate),
        preprocessing::UnfitUnlessIo);
    Require(dao->Begin(), preprocessing::UnfitUnlessIo);
    for (const TableSpec& table : spec.tables) {
      for (const fs::path& file : files.at(table.name)) IngestFile(*dao, table, file, spec);
    }
    Require(dao->Commit(), preprocessing::UnfitUnlessIo);
    StopIfAsked();
    const auto published =
        preprocessing::PublishSnapshots(*dao, spec, work / kSnapshots, context_.clock.Now());
    if (published) return;
    // Rows that the store took are of the declared types, so what is wrong here is the pipeline's.
    ExitCode code = ExitCode::kIo;
    if (published.error().code == ErrorCode::kInvalidArgument) code = ExitCode::kUsage;
    if (published.error().code == ErrorCode::kRefusedData) code = ExitCode::kUnfit;
    throw Failure(code, published.error().message);
  }

  void IngestFile(preprocessing::TableDao& dao, const TableSpec& table, const fs::path& file,
                  const PipelineSpec& spec) const {
    preprocessing::StageProgress progress(
        context_, {.label = file.filename().string(), .unit = "kB", .per_unit = 1000});
    // The store is new: files of one name are those of several channels.
    constexpr preprocessing::IngestRules kRules{.on_other_contents =
                                                    preprocessing::OnOtherContents::kAppend};
    Require(preprocessing::IngestFile(dao, table, file, spec.zone, kRules,
                                      [&progress](std::size_t bytes, std::size_t total) {
                                        progress.Update(bytes, total);
                                        StopIfAsked();
                                      }),
            preprocessing::UnfitUnlessIo);
  }

  /// The summary of a version that is fit to be used.
  ordered_json Train(const ContainerRequest& request, const ordered_json& document,
                     const fs::path& folder, const fs::path& work) const {
    const JobSources sources{.folder = folder,
                             .snapshots = work / kSnapshots,
                             .store = StoreOf(work),
                             .window = request.window,
                             .seed = request.seed,
                             .threads = request.threads,
                             .trainers = TrainerKinds()};
    TrainingConsole console(context_, TrainingConsole::Texts::kHidden);
    StopIfAsked();
    const TrainingOutcome outcome = RunTraining(
        {.document = document,
         .open = [&](const ordered_json& one) { return KindOf(one).open(one, sources); },
         .publication =
             Publication{
                 .models = work / "models", .name = {}, .force_promote = request.force_promote},
         .report = folder_.output_data() / "report.html",
         .standard_output = &context_.out},
        context_.clock, console);
    StopIfAsked();
    if (!outcome.message.empty()) throw Failure(ExitOf(outcome.end), outcome.message);
    Report(outcome.summary);
    if (outcome.end == TrainingEnd::kNotPromoted) {
      throw Failure(ExitOf(outcome.end), GateMessage(outcome.summary.at("evaluation")));
    }
    return outcome.summary;
  }

  /// The metrics, for people and for the platform's regular expressions, and all of it as a file.
  void Report(const ordered_json& summary) const {
    const ordered_json& evaluation = summary.at("evaluation");
    const auto print = [this](const std::string& whose, const ordered_json& metrics) {
      for (const auto& [name, value] : metrics.items()) {
        if (value.is_number()) {
          context_.out << fmt::format("{}:{}={}\n", whose, name, Plain(value));
        }
      }
    };
    print("validation", evaluation.value("metrics", ordered_json::object()));
    for (const ordered_json& baseline : evaluation.value("baselines", ordered_json::array())) {
      if (baseline.value("name", ordered_json()) !=
          evaluation.value("best_baseline", ordered_json()))
        continue;
      context_.out << "best_baseline=" << baseline["name"].get<std::string>() << '\n';
      print("best_baseline", baseline.value("metrics", ordered_json::object()));
    }
    context_.out.flush();
    ordered_json file = summary;
    for (const char* member : {"model", "version", "folder"}) file.erase(member);
    WriteFile(folder_.output_data() / "evaluation.json", file.dump(2) + "\n");
  }

  static std::string GateMessage(const ordered_json& evaluation) {
    const auto text = [&evaluation](const char* member) {
      const ordered_json value = evaluation.value(member, ordered_json());
      return value.is_string() ? value.get<std::string>() : value.dump();
    };
    std::vector<std::string> reasons = evaluation.value("shortfalls", std::vector<std::string>());
    if (reasons.empty()) {
      reasons = {fmt::format("the model does not beat its baselines: {} {}, best baseline {}",
                             text("metric"), text("value"), text("best_baseline"))};
    }
    return fmt::format(
        "{}; output/data has the evaluation, and the hyperparameter force_promote=true lets the "
        "model pass all the same",
        fmt::join(reasons, "; "));
  }

  /// All files of a version and its snapshots, or none; manifest.json, by which a model is known,
  /// last. They are not synced: what is lost with the machine is the whole job.
  void PutModel(const fs::path& version, const fs::path& snapshots) const {
    const fs::path unfinished = folder_.model() / kUnfinished;
    std::vector<fs::path> put;
    try {
      fs::copy(version, unfinished, fs::copy_options::recursive);
      fs::copy(snapshots, unfinished / kSnapshots, fs::copy_options::recursive);
      fs::remove(unfinished / kPublished);
      std::vector<fs::path> names;
      for (const fs::directory_entry& entry : fs::directory_iterator(unfinished)) {
        if (entry.path().filename() != kManifest) names.push_back(entry.path().filename());
      }
      names.emplace_back(kManifest);
      for (const fs::path& name : names) {
        fs::rename(unfinished / name, folder_.model() / name);
        put.push_back(folder_.model() / name);
        StopIfAsked();
      }
      fs::remove(unfinished);
    } catch (...) {
      std::error_code ignored;
      for (const fs::path& path : put) fs::remove_all(path, ignored);
      fs::remove_all(unfinished, ignored);
      throw;
    }
  }

  const ContainerFolder& folder_;
  const CommandContext& context_;
};

/// Where the platform looks for it.
void NoteFailure(const ContainerFolder& folder, const CommandContext& context,
                 const std::string& message) {
  try {
    fs::create_directories(folder.failure().parent_path());
    WriteFile(folder.failure(), message + "\n");
  } catch (const std::system_error& error) {
    context.err << kProgram << error.what() << '\n';
  }
}

/// What goes wrong is a Failure that the platform has been told of.
ExitCode RunContainerTraining(const ContainerFolder& folder, const CommandContext& context) {
  const preprocessing::StopSignals signals;
  std::error_code ignored;
  for (const fs::path& of_an_earlier_run :
       {folder.failure(), folder.output_data() / "evaluation.json",
        folder.output_data() / "report.html"}) {
    fs::remove(of_an_earlier_run, ignored);
  }
  const auto noted = [&](ExitCode code, const std::string& message) {
    const std::string text = AsUtf8(message);
    NoteFailure(folder, context, text);
    return Failure(code, text);
  };
  try {
    return ContainerTraining(folder, context).Run();
  } catch (const Failure& failure) {
    throw noted(failure.code(), failure.what());
  } catch (const SpecError& error) {
    throw noted(ExitCode::kUsage, error.what());
  } catch (const std::system_error& error) {
    throw noted(ExitCode::kIo, error.what());
  } catch (const std::exception& error) {
    // main logs it, and has an exit code for what nobody expected.
    NoteFailure(folder, context, AsUtf8(error.what()));
    throw;
  }
}

constexpr const char* kContainerRemark =
    "Without any argument, and with input/config/hyperparameters.json in SAGEMAKER_BASE_DIR (or\n"
    "/opt/ml), it is a training job as SageMaker starts it: hyperparameters and channels from\n"
    "there, the model into its folder model, with the same exit codes; a model that does not beat\n"
    "its baselines is not written. See docs/operations.md.\n";

}  // namespace

preprocessing::Command TrainOrContainerCommand() {
  preprocessing::Command command = TrainCommand();
  command.remark = kContainerRemark;
  command.run_bare = [](const CommandContext& context) -> std::optional<ExitCode> {
    const ContainerFolder folder{context.environment("SAGEMAKER_BASE_DIR").value_or("/opt/ml")};
    std::error_code ignored;
    if (!fs::exists(folder.hyperparameters(), ignored)) return std::nullopt;
    return RunContainerTraining(folder, context);
  };
  return command;
}

}  // namespace forkcast::model
