#include "model/mlflow/training_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "data_preprocessing/base/mapped_file.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "model/artefact/version_files.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

/// MLflow's own limits of one batch.
constexpr std::size_t kMostMetrics = 900;
constexpr std::size_t kMostParameters = 100;
constexpr std::size_t kLongestParameter = 500;
/// Below a run: where a version's files go.
constexpr const char* kModelFolder = "model";

std::int64_t Millis(Instant time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

/// Keys of metrics may have letters, digits and `_-. /` alone.
std::string KeyOf(std::string text) {
  const auto is_taken = [](char c) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_letter || (c >= '0' && c <= '9') ||
           std::string_view("_-. /").find(c) != std::string_view::npos;
  };
  std::ranges::replace_if(
      text, [&](char c) { return !is_taken(c); }, '_');
  return text;
}

/// All numbers below `value`, by their path.
void AddNumbers(const ordered_json& value, const std::string& path, std::uint64_t step,
                std::vector<LoggedMetric>& metrics) {
  if (value.is_number()) {
    metrics.push_back({.key = KeyOf(path), .value = value.get<double>(), .step = step});
  }
  if (!value.is_object()) return;
  for (const auto& [name, member] : value.items()) {
    AddNumbers(member, path.empty() ? name : fmt::format("{}.{}", path, name), step, metrics);
  }
}

void AddLeaves(const ordered_json& value, const std::string& path,
               std::vector<std::pair<std::string, std::string>>& leaves) {
  if (value.is_object() && !value.empty()) {
    for (const auto& [name, member] : value.items()) {
      AddLeaves(member, path.empty() ? name : fmt::format("{}.{}", path, name), leaves);
    }
    return;
  }
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  leaves.emplace_back(KeyOf(path), text.substr(0, kLongestParameter));
}

/// The member's text. Throws SpecError for an answer without it.
std::string TextAt(const ordered_json& answer, std::initializer_list<const char*> path) {
  preprocessing::JsonNode node(answer, "MLflow's answer: $");
  for (const char* const name : path) node = node.Get(name);
  return node.String();
}

class TrainingLogger {
 public:
  TrainingLogger(MlflowClient& client, const TrainingLog& log) : client_(client), log_(log) {}

  Result<LoggedRun> operator()() {
    try {
      if (Status begun = Begin(); !begun) return std::move(begun).error();
      const Status told = Tell();
      const auto ended = client_.Post("runs/update", {{"run_id", run_.run_id},
                                                      {"status", told ? "FINISHED" : "FAILED"},
                                                      {"end_time", Millis(log_.ended)}});
      if (!told) return told.error();
      if (!ended) return ended.error();
      return run_;
    } catch (const preprocessing::SpecError& error) {
      return Error{ErrorCode::kIo, error.what()};
    } catch (const std::system_error& error) {
      return Error{ErrorCode::kIo, error.what()};
    }
  }

 private:
  Result<std::string> Experiment() {
    const auto known =
        client_.Get("experiments/get-by-name", {{"experiment_name", log_.experiment}});
    if (known) return TextAt(*known, {"experiment", "experiment_id"});
    if (known.error().code != ErrorCode::kNotFound) return known.error();
    const auto made = client_.Post("experiments/create", {{"name", log_.experiment}});
    if (!made) return made.error();
    return TextAt(*made, {"experiment_id"});
  }

  Status Begin() {
    const Result<std::string> experiment = Experiment();
    if (!experiment) return experiment.error();
    const ordered_json tags =
        ordered_json::array({{{"key", "mlflow.source.name"}, {"value", "forkcast train"}},
                             {{"key", "forkcast.version"}, {"value", FORKCAST_VERSION}}});
    const auto run = client_.Post("runs/create", {{"experiment_id", *experiment},
                                                  {"run_name", log_.run_name},
                                                  {"start_time", Millis(log_.begun)},
                                                  {"tags", tags}});
    if (!run) return run.error();
    run_.run_id = TextAt(*run, {"run", "info", "run_id"});
    artifacts_ = TextAt(*run, {"run", "info", "artifact_uri"});
    return {};
  }

  Status Tell() {
    if (Status told = TellNumbers(); !told) return told;
    if (Status put = Put("pipeline.json", log_.document.dump(2) + "\n"); !put) return put;
    if (Status put = Put("evaluation.json", log_.evaluation.dump(2) + "\n"); !put) return put;
    if (!log_.report.empty()) {
      if (Status put = Put("report.html", log_.report); !put) return put;
    }
    return log_.version ? Register(*log_.version) : Status();
  }

  Status TellNumbers() {
    ordered_json batch{{"run_id", run_.run_id},
                       {"metrics", ordered_json::array()},
                       {"params", ordered_json::array()}};
    for (const LoggedMetric& metric : MetricsOf(log_.evaluation)) {
      batch["metrics"].push_back({{"key", metric.key},
                                  {"value", metric.value},
                                  {"timestamp", Millis(log_.ended)},
                                  {"step", metric.step}});
    }
    for (const auto& [name, value] : ParametersOf(log_.document)) {
      batch["params"].push_back({{"key", name}, {"value", value}});
    }
    const auto told = client_.Post("runs/log-batch", batch);
    return told ? Status() : Status(told.error());
  }

  Status Put(const std::string& path, std::string_view bytes) {
    return client_.PutArtifact(artifacts_, path, bytes);
  }

  Status PutFile(const std::filesystem::path& file, const std::string& path) {
    const MappedFile mapped(file);
    const auto bytes = mapped.bytes();
    return Put(fmt::format("{}/{}", kModelFolder, path),
               {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }

  Status Register(const VersionInfo& version) {
    const Result<CheckedVersion> checked = Registry::Check(version);
    if (!checked) return checked.error();
    for (const PublishedFile& file : checked->files) {
      if (Status put = PutFile(file.place, file.path); !put) return put;
    }
    if (Status put = PutFile(version.folder / "manifest.json", "manifest.json"); !put) return put;
    const std::string mlmodel = MlmodelText(version, run_.run_id, log_.ended);
    if (Status put = Put(fmt::format("{}/MLmodel", kModelFolder), mlmodel); !put) return put;
    return MakeVersion(version);
  }

  Status MakeVersion(const VersionInfo& version) {
    const std::string& name = version.model;
    const auto known = client_.Get("registered-models/get", {{"name", name}});
    if (!known && known.error().code != ErrorCode::kNotFound) return known.error();
    if (!known) {
      const auto made = client_.Post("registered-models/create", {{"name", name}});
      if (!made) return made.error();
    }
    const ordered_json tags = ordered_json::array(
        {{{"key", "forkcast.version"}, {"value", std::to_string(version.number)}}});
    const auto made = client_.Post("model-versions/create",
                                   {{"name", name},
                                    {"source", fmt::format("{}/{}", artifacts_, kModelFolder)},
                                    {"run_id", run_.run_id},
                                    {"tags", tags}});
    if (!made) return made.error();
    const std::string number = TextAt(*made, {"model_version", "version"});
    run_.version = ToVersionNumber(number).value_or(0);
    if (log_.alias.empty()) return {};
    const auto pointed = client_.Post("registered-models/alias",
                                      {{"name", name}, {"alias", log_.alias}, {"version", number}});
    return pointed ? Status() : Status(pointed.error());
  }

  MlflowClient& client_;
  const TrainingLog& log_;
  LoggedRun run_{};
  std::string artifacts_;
};

}  // namespace

std::vector<LoggedMetric> MetricsOf(const ordered_json& evaluation) {
  std::vector<LoggedMetric> metrics;
  for (const char* const name : {"value", "skill"}) {
    AddNumbers(evaluation.value(name, ordered_json()), name, 0, metrics);
  }
  AddNumbers(evaluation.value("metrics", ordered_json()), "", 0, metrics);
  std::uint64_t step = 0;
  for (ordered_json fold : evaluation.value("folds", ordered_json::array())) {
    fold.erase("fold");
    AddNumbers(fold, "fold", ++step, metrics);
  }
  metrics.resize(std::min(metrics.size(), kMostMetrics));
  return metrics;
}

std::vector<std::pair<std::string, std::string>> ParametersOf(const ordered_json& document) {
  std::vector<std::pair<std::string, std::string>> leaves;
  for (const char* const name : {"name", "version"}) {
    if (document.contains(name)) {
      AddLeaves(document[name], fmt::format("pipeline.{}", name), leaves);
    }
  }
  AddLeaves(document.value("training", ordered_json::object()), "", leaves);
  leaves.resize(std::min(leaves.size(), kMostParameters));
  return leaves;
}

std::string MlmodelText(const VersionInfo& version, const std::string& run_id, Instant now) {
  return fmt::format(
      "artifact_path: {}\nflavors:\n  forkcast:\n    data: manifest.json\n    format: 1\n"
      "    model: {}\n    version: {}\n    forkcast_version: {}\nrun_id: {}\nutc_time_created: "
      "'{}'\n",
      kModelFolder, version.model, version.number, FORKCAST_VERSION, run_id,
      preprocessing::IsoTimestamp(now));
}

Result<LoggedRun> LogTraining(MlflowClient& client, const TrainingLog& log) {
  return TrainingLogger(client, log)();
}

}  // namespace forkcast::model
