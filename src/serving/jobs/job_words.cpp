#include "serving/jobs/job_words.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

#include "data_preprocessing/base/suggestion.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/artefact/registry.hpp"
#include "serving/jobs/job_order.hpp"

namespace forkcast::serving {
namespace {

using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

constexpr const char* kPipelineOfVersion = "pipeline.json";

/// A model of a registry, and the alias or number that is served.
struct Reference {
  std::string name;
  std::string version;

  [[nodiscard]] bool is_number() const {
    return std::ranges::all_of(version, [](unsigned char c) { return std::isdigit(c) != 0; });
  }
};

bool IsOfRegistry(const Deployment& deployment) {
  return !deployment.model.empty() && !deployment.model.starts_with(kMlflowScheme);
}

Reference ReferenceOf(const Deployment& deployment) {
  const std::size_t mark = deployment.model.find('@');
  if (mark == std::string::npos) return {deployment.model, std::string(kServedAlias)};
  return {deployment.model.substr(0, mark), deployment.model.substr(mark + 1)};
}

/// As a server names it; of a pipeline file without a name of its own, as the file.
std::string NameOf(const Deployment& deployment) {
  if (!deployment.name.empty()) return deployment.name;
  if (IsOfRegistry(deployment)) return ReferenceOf(deployment).name;
  const auto& place = deployment.place.empty() ? deployment.pipeline : deployment.place;
  return place.stem().string();
}

Error Unfit(std::string_view field, std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::string(field)};
}

/// That jobs of this kind can be of this deployment.
Status CheckKind(JobKind kind, const Deployment& deployment) {
  const bool publishes = kind == JobKind::kTrain || kind == JobKind::kRetrain;
  if (kind == JobKind::kIngest || kind == JobKind::kEvaluate) {
    if (IsOfRegistry(deployment) || !deployment.pipeline.empty()) return {};
    return Unfit("deployment",
                 fmt::format("\"{}\" has no pipeline here: it is no model of a registry, and no "
                             "pipeline file",
                             NameOf(deployment)));
  }
  if (!IsOfRegistry(deployment)) {
    return Unfit("deployment", fmt::format("\"{}\" is no model of a registry, which a job of kind "
                                           "{} needs",
                                           NameOf(deployment), WordFor(kind)));
  }
  const Reference reference = ReferenceOf(deployment);
  if (publishes && reference.is_number()) {
    return Unfit("deployment",
                 fmt::format("\"{}\" serves version {} whatever is promoted: serve {}@{}",
                             NameOf(deployment), reference.version, reference.name, kServedAlias));
  }
  return {};
}

/// The pipeline file of a deployment: its own, or that of the version that is served.
Result<std::filesystem::path> PipelineOf(const Deployment& deployment, const ServerConfig& config) {
  if (!IsOfRegistry(deployment)) return deployment.pipeline;
  const Reference reference = ReferenceOf(deployment);
  auto version = model::Registry(config.models).Find(reference.name, reference.version);
  if (!version) {
    Error error = std::move(version).error();
    error.field = "deployment";
    return error;
  }
  return version->folder / kPipelineOfVersion;
}

/// The value as the field has it: paths and forms have texts alone, and people write "1" and 1.
Json AsField(const Json& value, const preprocessing::Schema& fields, const std::string& name) {
  const auto column = fields.Find(name);
  if (!column) return value;
  const preprocessing::ColumnType type = fields.columns[*column].type;
  if (type == preprocessing::ColumnType::kText && value.is_number()) return value.dump();
  if (type != preprocessing::ColumnType::kInt64 || !value.is_string()) return value;
  const auto& text = value.get_ref<const std::string&>();
  std::int64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failed == std::errc() && end == text.data() + text.size() ? Json(number) : value;
}

/// The key's values in the order of the pipeline's columns, as a JSON array.
Result<std::string> KeyOf(const std::string& key, const std::filesystem::path& pipeline) {
  auto spec = preprocessing::LoadPipelineSpec(pipeline);
  if (!spec) return std::move(spec).error();
  if (!spec->forecast) return Unfit("key", "only a forecast has keys");
  const Json fields = Json::parse(key);
  Json values = Json::array();
  for (const std::string& name : spec->forecast->key) {
    const auto found = fields.find(name);
    if (found == fields.end()) {
      return Unfit("key", fmt::format("the field \"{}\" is missing: the key has {}", name,
                                      fmt::join(spec->forecast->key, ", ")));
    }
    values.push_back(AsField(*found, spec->request.fields, name));
  }
  if (values.size() != fields.size()) {
    return Unfit("key", fmt::format("the key has {}", fmt::join(spec->forecast->key, ", ")));
  }
  return values.dump();
}

/// A folder below `data`, whatever links and dots the name has.
Result<std::string> FolderBelow(const std::filesystem::path& data, const std::string& name) {
  std::error_code failed;
  const std::filesystem::path root = std::filesystem::canonical(data, failed);
  if (failed) {
    return Error{ErrorCode::kIo, fmt::format("{}: {}", data.string(), failed.message())};
  }
  const std::filesystem::path folder = std::filesystem::canonical(root / name, failed);
  const bool is_below =
      std::mismatch(root.begin(), root.end(), folder.begin(), folder.end()).first == root.end();
  if (failed || !is_below || !std::filesystem::is_directory(folder, failed)) {
    return Error{ErrorCode::kNotFound, "there is no such folder below that of jobs_data", "from"};
  }
  return folder.string();
}

void Add(Words& words, const char* flag, const std::string& value) {
  if (!value.empty()) words.insert(words.end(), {flag, value});
}

/// Store and snapshots, as a deployment has them.
void AddSources(Words& words, const Deployment& deployment, const ServerConfig& config) {
  Add(words, "--store", config.store);
  const std::filesystem::path& own = deployment.snapshots;
  Add(words, "--snapshots", (own.empty() ? config.snapshots : own).string());
}

Status AddOptions(Words& words, const JobOrder& order, const ServerConfig& config) {
  const Json options = Json::parse(order.options);
  for (const JobOption& option : JobOptions()) {
    if (option.kind != order.kind) continue;
    const auto found = options.find(std::string(option.name));
    if (found == options.end()) continue;
    const std::string flag = fmt::format("--{}", option.flag);
    switch (option.type) {
      case JobOption::Type::kSwitch:
        if (found->get<bool>()) words.push_back(flag);
        break;
      case JobOption::Type::kWhole:
        words.insert(words.end(), {flag, std::to_string(found->get<std::uint64_t>())});
        break;
      case JobOption::Type::kText: {
        std::string text = found->get<std::string>();
        if (option.name == "table") text = "table:" + text;
        if (option.name == "from") {
          Result<std::string> folder = FolderBelow(config.jobs_data, text);
          if (!folder) return std::move(folder).error();
          text = *std::move(folder);
        }
        words.insert(words.end(), {flag, std::move(text)});
        break;
      }
    }
  }
  return {};
}

}  // namespace

std::string SubjectOf(const Deployment& deployment) {
  return IsOfRegistry(deployment) ? ReferenceOf(deployment).name : NameOf(deployment);
}

Result<Deployment> DeploymentOf(const std::string& name, const ServerConfig& config) {
  if (config.deployments.empty()) return ParseDeployment(name);
  const auto found = std::ranges::find(config.deployments, name, NameOf);
  if (found != config.deployments.end()) return *found;
  Words known;
  for (const Deployment& deployment : config.deployments) known.push_back(NameOf(deployment));
  return Error{ErrorCode::kNotFound,
               fmt::format("no deployment \"{}\"{} (there are: {})", name, DidYouMean(name, known),
                           fmt::join(known, ", ")),
               "deployment"};
}

Status CheckOrder(const JobOrder& order, const ServerConfig& config) {
  const Result<Deployment> deployment = DeploymentOf(order.deployment, config);
  if (!deployment) return deployment.error();
  if (order.kind == JobKind::kIngest && config.jobs_data.empty()) {
    return Unfit("kind",
                 "files are taken in from the folder of the setting jobs_data, and there "
                 "is none");
  }
  return CheckKind(order.kind, *deployment);
}

Result<Words> WordsOf(const JobOrder& order, const ServerConfig& config) {
  if (Status good = CheckOrder(order, config); !good) return std::move(good).error();
  const Result<Deployment> deployment = DeploymentOf(order.deployment, config);
  if (!deployment) return deployment.error();
  Words words{std::string(WordFor(order.kind)), "--json"};
  const bool needs_pipeline = order.kind != JobKind::kRetrain && order.kind != JobKind::kPredict;
  if (needs_pipeline) {
    const auto pipeline = PipelineOf(*deployment, config);
    if (!pipeline) return pipeline.error();
    Add(words, "--pipeline", pipeline->string());
    if (!order.key.empty()) {
      const Result<std::string> key = KeyOf(order.key, *pipeline);
      if (!key) return key.error();
      Add(words, "--only-key", *key);
    }
  }
  const Reference reference = ReferenceOf(*deployment);
  switch (order.kind) {
    case JobKind::kTrain:
    case JobKind::kRetrain:
      Add(words, "--models", config.models.string());
      Add(words, "--name", reference.name);
      Add(words, "--alias", reference.version);
      if (!order.key.empty()) Add(words, "--from-version", reference.version);
      break;
    case JobKind::kPredict:
      Add(words, "--models", config.models.string());
      Add(words, "--deploy", fmt::format("{}@{}", reference.name, reference.version));
      break;
    case JobKind::kEvaluate:
    case JobKind::kIngest:
      break;
  }
  AddSources(words, *deployment, config);
  if (Status added = AddOptions(words, order, config); !added) return std::move(added).error();
  return words;
}

}  // namespace forkcast::serving
