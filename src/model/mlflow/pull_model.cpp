#include "model/mlflow/pull_model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "data_preprocessing/document/json_node.hpp"
#include "model/artefact/registry.hpp"
#include "model/artefact/version_files.hpp"
#include "model/mlflow/mlmodel_file.hpp"

namespace forkcast::model {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kMlmodel = "MLmodel";

/// A version that Forkcast published, as it is.
Result<PreparedImport> PrepareOwn(const fs::path& folder, const MlmodelFlavor& /*members*/,
                                  const ImportRequest& /*request*/) {
  const Result<CheckedVersion> checked = Registry::Check({.folder = folder});
  if (!checked) return checked.error();
  try {
    PreparedImport prepared{.manifest = preprocessing::ParseJson(checked->manifest)};
    prepared.manifest.erase("files");  // who publishes lists them
    for (const PublishedFile& file : checked->files) {
      prepared.files.push_back(
          {.path = file.path, .bytes = preprocessing::ReadTextFile(file.place)});
    }
    return prepared;
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kCorrupt, error.what()};
  }
}

/// A file that the table of formats reads.
Result<PreparedImport> PrepareFile(const fs::path& folder, const MlmodelFlavor& members,
                                   const ImportRequest& request) {
  const std::string& data = members.at("data");
  const std::string ending = fs::path(data).extension().string();
  constexpr std::array<std::string_view, 4> kPickles{".pkl", ".pickle", ".joblib", ".cloudpickle"};
  if (std::ranges::find(kPickles, ending) != kPickles.end()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: a pickle, which can run any program, is never loaded: log the "
                             "model's booster itself (mlflow.lightgbm.log_model(model.booster_), "
                             "mlflow.xgboost.log_model(model.get_booster()))",
                             data)};
  }
  ImportRequest of_file = request;
  of_file.file = folder / data;
  return PrepareImport(of_file);
}

/// The same; MLflow's server makes an object of the class that the flavour names, and
/// scikit-learn's classes stop at the best round and predict the class.
Result<PreparedImport> PrepareXGBoost(const fs::path& folder, const MlmodelFlavor& members,
                                      const ImportRequest& request) {
  ImportRequest of_class = request;
  const auto name = members.find("model_class");
  if (name != members.end() && name->second.starts_with("xgboost.sklearn.")) {
    if (of_class.rounds == Rounds::kAll) of_class.rounds = Rounds::kBestIfNamed;
    of_class.predicts_labels = name->second.ends_with("Classifier");
  }
  return PrepareFile(folder, members, of_class);
}

constexpr std::array kFlavors{
    MlflowFlavor{.name = "forkcast", .prepare = PrepareOwn},
    MlflowFlavor{.name = "xgboost", .prepare = PrepareXGBoost},
    MlflowFlavor{.name = "lightgbm", .prepare = PrepareFile},
    MlflowFlavor{.name = "onnx", .prepare = PrepareFile},
};

ordered_json OriginOf(const MlflowVersion& version) {
  return {{"model", version.name}, {"version", version.number}, {"artifacts", version.artifacts}};
}

/// The newest version that was made of this one of MLflow's; 0: none.
Result<std::uint64_t> FindPulled(const Registry& registry, const std::string& name,
                                 const MlflowVersion& from) {
  const auto versions = registry.Versions(name);
  if (!versions && versions.error().code == ErrorCode::kNotFound) return std::uint64_t{0};
  if (!versions) return versions.error();
  const ordered_json origin = OriginOf(from);
  for (auto version = versions->rbegin(); version != versions->rend(); ++version) {
    const auto manifest = registry.ManifestOf(*version);
    if (manifest && manifest->value("mlflow", ordered_json()) == origin) return version->number;
  }
  return std::uint64_t{0};
}

/// A new folder that is removed with what is in it. Throws std::system_error.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "forkcast-pull-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      throw std::system_error(errno, std::generic_category(), pattern);
    }
    path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const noexcept { return path_; }

 private:
  fs::path path_;
};

/// The member's text. Throws SpecError.
std::string TextAt(const ordered_json& answer, std::initializer_list<const char*> path) {
  preprocessing::JsonNode node(answer, "MLflow's answer: $");
  for (const char* const name : path) node = node.Get(name);
  return node.String();
}

Status FetchAll(MlflowClient& client, const MlflowVersion& version, const fs::path& folder) {
  const auto files = client.ListArtifacts(version.artifacts);
  if (!files) return files.error();
  for (const MlflowArtifact& file : *files) {
    if (!IsInsideVersion(file.path)) {
      return Error{ErrorCode::kCorrupt, fmt::format("{}: a file outside of its folder: {}",
                                                    version.artifacts, file.path)};
    }
    const fs::path place = folder / file.path;
    fs::create_directories(place.parent_path());
    if (Status got = client.GetArtifact(version.artifacts, file.path, place); !got) return got;
    if (fs::file_size(place) != file.bytes) {
      return Error{ErrorCode::kCorrupt, fmt::format("{}/{}: {} bytes came of {}", version.artifacts,
                                                    file.path, fs::file_size(place), file.bytes)};
    }
  }
  return {};
}

std::string NamesOf(const MlmodelFlavors& flavors) {
  std::vector<std::string> names;
  for (const auto& [name, members] : flavors) names.push_back(name);
  return fmt::format("{}", fmt::join(names, ", "));
}

Error NoFlavor(const MlflowVersion& version, const MlmodelFlavors& flavors) {
  std::vector<std::string_view> ours;
  for (const MlflowFlavor& flavor : kFlavors) ours.push_back(flavor.name);
  return {ErrorCode::kInvalidArgument,
          fmt::format("{} {} of MLflow has the flavours {}; those that are read are {}: others are "
                      "pickles, which can run any program and are never loaded",
                      version.name, version.number, NamesOf(flavors), fmt::join(ours, ", "))};
}

Result<PreparedImport> Prepare(const MlflowVersion& version, const fs::path& folder,
                               const ImportRequest& request) {
  const auto flavors = ReadMlmodel(preprocessing::ReadTextFile(folder / kMlmodel));
  if (!flavors) return flavors.error();
  for (const MlflowFlavor& flavor : kFlavors) {
    const auto found = flavors->find(flavor.name);
    if (found == flavors->end()) continue;
    const auto data = found->second.find("data");
    if (data == found->second.end() || !IsInsideVersion(data->second)) {
      return Error{
          ErrorCode::kCorrupt,
          fmt::format("{}: flavors.{}.data: expected a file beside it", kMlmodel, flavor.name)};
    }
    return flavor.prepare(folder, found->second, request);
  }
  return NoFlavor(version, *flavors);
}

}  // namespace

Result<MlflowReference> ParseMlflowReference(std::string_view text) {
  constexpr std::string_view kScheme = "mlflow:";
  const std::string_view rest = text.substr(std::min(kScheme.size(), text.size()));
  const std::size_t at = std::min(rest.find('@'), rest.size());
  MlflowReference reference{.name = std::string(rest.substr(0, at)),
                            .version = std::string(rest.substr(std::min(at + 1, rest.size())))};
  if (at == rest.size()) reference.version = "champion";
  const bool is_whole = text.starts_with(kScheme) && IsRegistryName(reference.name) &&
                        IsRegistryName(reference.version);
  if (is_whole) return reference;
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("\"{}\": expected mlflow:NAME@ALIAS or mlflow:NAME@NUMBER, with "
                           "letters, digits, '_', '-' and '.'",
                           text)};
}

Result<MlflowVersion> FindMlflowVersion(MlflowClient& client, const MlflowReference& reference) {
  const bool is_number = ToVersionNumber(reference.version).has_value();
  const auto found = is_number
                         ? client.Get("model-versions/get",
                                      {{"name", reference.name}, {"version", reference.version}})
                         : client.Get("registered-models/alias",
                                      {{"name", reference.name}, {"alias", reference.version}});
  if (!found) return found.error();
  try {
    MlflowVersion version{.name = reference.name,
                          .number = TextAt(*found, {"model_version", "version"}),
                          .artifacts = {}};
    const auto place = client.Get("model-versions/get-download-uri",
                                  {{"name", version.name}, {"version", version.number}});
    if (!place) return place.error();
    version.artifacts = TextAt(*place, {"artifact_uri"});
    return version;
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kIo, error.what()};
  }
}

std::span<const MlflowFlavor> MlflowFlavors() noexcept { return kFlavors; }

Result<PreparedImport> PullModel(MlflowClient& client, const MlflowVersion& version,
                                 const fs::path& folder, const ImportRequest& request) {
  try {
    if (Status fetched = FetchAll(client, version, folder); !fetched) {
      return std::move(fetched).error();
    }
    Result<PreparedImport> prepared = Prepare(version, folder, request);
    if (!prepared) return prepared;
    prepared->manifest["mlflow"] = OriginOf(version);
    return prepared;
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kCorrupt, error.what()};
  } catch (const std::system_error& error) {
    return Error{ErrorCode::kIo, error.what()};
  }
}

Result<PulledVersion> PullInto(const Registry& registry, MlflowClient& client,
                               const MlflowReference& reference, ImportRequest request,
                               const std::string& alias, Instant now) {
  if (request.name.empty()) request.name = reference.name;
  const auto from = FindMlflowVersion(client, reference);
  if (!from) return from.error();
  const Result<std::uint64_t> known = FindPulled(registry, request.name, *from);
  if (!known) return known.error();
  if (*known != 0) {
    if (!alias.empty()) {
      if (Status set = registry.SetAlias(request.name, alias, *known); !set) {
        return std::move(set).error();
      }
    }
    return PulledVersion{.number = *known};
  }
  try {
    const TemporaryFolder folder;
    Result<PreparedImport> prepared = PullModel(client, *from, folder.path(), request);
    if (!prepared) return std::move(prepared).error();
    const Result<std::uint64_t> number =
        registry.Publish(request.name, prepared->manifest, prepared->files, now, alias);
    if (!number) return number.error();
    return PulledVersion{.number = *number, .is_new = true, .notes = std::move(prepared->notes)};
  } catch (const std::system_error& error) {
    return Error{ErrorCode::kIo, error.what()};
  }
}

}  // namespace forkcast::model
