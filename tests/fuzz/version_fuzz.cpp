// The first line names one of the versions below, a forecast or a classifier; the rest changes its
// folder: `== PATH` begins the text of a file, which takes the place of the one so called or is a
// new one, `-- PATH` removes one. A `"*"` that stands for a hash in manifest.json becomes the hash
// that fits: without it, nothing but the hashes would be tested.
//
// A version that was not changed is taken, as one kind alone. What is taken holds the files that
// the manifest lists and no others, as they lie in the folder; what each of them says reads the
// same once it is written anew, and its transforms go through any row. What is refused names the
// folder and what is wrong. The trees are not looked into: they have a fuzz target of their own.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/document/content_hash.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "fuzz/byte_changes.hpp"
#include "fuzz/require.hpp"
#include "model/classify/class_files.hpp"
#include "model/classify/classifier_version.hpp"
#include "model/forecast/forecast_version.hpp"
#include "model/inputs/feature_table.hpp"
#include "model/inputs/fitted_transforms.hpp"
#include "model/inputs/target_transform.hpp"
#include "model/learn/model_files.hpp"
#include "support/test_files.hpp"

namespace {

namespace fs = std::filesystem;
using forkcast::Error;
using forkcast::ErrorCode;
using forkcast::Result;
using forkcast::fuzz::Require;
using forkcast::fuzz::TakeLine;
using forkcast::preprocessing::ContentHash;
using forkcast::preprocessing::JsonNode;
using forkcast::preprocessing::SpecError;
using forkcast::preprocessing::TempFolder;
using forkcast::preprocessing::Value;
using nlohmann::ordered_json;
using namespace forkcast::model;

using Files = std::map<std::string, std::string, std::less<>>;  // bytes by path

// ---- versions ----

constexpr const char* kForecastManifest =
    R"({"format": 1, "kind": "forecast", "seed": 7, "models": 2,
 "pipeline": {"name": "sales", "version": "1", "hash": "*"},
 "files": [
  {"path": "model/keys.json", "bytes": 0, "hash": "*"},
  {"path": "model/1/1.ubj", "bytes": 0, "hash": "*"},
  {"path": "model/1/1.transforms.json", "bytes": 0, "hash": "*"},
  {"path": "pipeline.json", "bytes": 0, "hash": "*"},
  {"path": "reference.json", "bytes": 0, "hash": "*"}]})";

constexpr const char* kForecastPipeline = R"({"name": "sales", "version": "1",
 "tables": {"sales": {"columns": {"shop": "text", "day": "timestamp", "amount": "double"}}},
 "series": {"daily": {"table": "sales", "key": ["shop"], "time": "day", "max_staleness": "unlimited",
   "aggregate": {"period": "day", "values": {"amount": {"op": "sum", "column": "amount"}}}}},
 "request": {"fields": {"shop": "text", "at": "timestamp"}, "time": "at"},
 "forecast": {"series": "daily", "value": "amount", "key": ["shop"], "horizon": 3, "strategy": "direct"},
 "features": [{"name": "last", "op": "lag", "series": "daily", "value": "amount", "key": ["shop"],
   "periods": 1, "missing": "keep"}],
 "training": {"model": {"algorithm": "gradient_boosting", "max_bins": 64}, "scope": "per_key",
  "folds": {"n_splits": 3}, "metric": "wape", "baselines": ["naive"]}})";

constexpr const char* kClassifierManifest = R"({"format": 1, "kind": "classifier", "seed": 7,
 "pipeline": {"name": "delivery", "version": "1", "hash": "*"},
 "files": [
  {"path": "model/1.ubj", "bytes": 0, "hash": "*"},
  {"path": "model/1.transforms.json", "bytes": 0, "hash": "*"},
  {"path": "classes.json", "bytes": 0, "hash": "*"},
  {"path": "pipeline.json", "bytes": 0, "hash": "*"},
  {"path": "reference.json", "bytes": 0, "hash": "*"}]})";

constexpr const char* kClassifierPipeline = R"({"name": "delivery", "version": "1",
 "tables": {"orders": {"columns": {"id": "text", "shop": "text", "at": "timestamp", "pieces": "int64",
   "delivered": {"type": "text", "nullable": true}}, "key": ["id"]}},
 "series": {},
 "request": {"fields": {"shop": "text", "at": "timestamp", "pieces": "int64"}, "time": "at"},
 "features": [{"name": "shop", "op": "field", "field": "shop"},
  {"name": "pieces", "op": "field", "field": "pieces"}],
 "training": {"table": "orders", "label": "delivered", "model": {"algorithm": "gradient_boosting"},
  "metric": "accuracy"}})";

constexpr const char* kReference =
    R"({"format": "forkcast.reference", "format_version": 1, "features": {}, "outputs": {}})";

/// As they were published, but for the hashes.
const Files* VersionNamed(std::string_view name) {
  static const std::map<std::string, Files, std::less<>> kAll{
      {"forecast",
       {{"manifest.json", kForecastManifest},
        {"pipeline.json", kForecastPipeline},
        {"reference.json", kReference},
        {"model/keys.json",
         R"({"format": "forkcast.model_keys", "format_version": 1,
          "columns": [{"name": "shop", "type": "text"}],
          "keys": [{"values": ["01"]}, {"values": ["02"], "missing_steps": [1, 3]}]})"},
        {"model/1/1.ubj", "trees"},
        {"model/1/1.transforms.json",
         R"({"transforms": {"format": "forkcast.transforms", "format_version": 1, "features": [
          {"name": "last", "kind": "number", "fill": 0.5, "mean": 1.5, "deviation": 2}]},
          "target": {"steps": ["scale", "log1p"], "fallback_scale": 1.5}})"}}},
      {"classifier",
       {{"manifest.json", kClassifierManifest},
        {"pipeline.json", kClassifierPipeline},
        {"reference.json", kReference},
        {"classes.json", R"({"label": "delivered", "classes": ["late", "no", "yes"]})"},
        {"model/1.ubj", "trees"},
        {"model/1.transforms.json",
         R"({"transforms": {"format": "forkcast.transforms", "format_version": 1, "features": [
          {"name": "shop", "kind": "category", "encoding": "one_hot", "unknown": "missing",
           "categories": ["01", "02"]},
          {"name": "pieces", "kind": "number"}]}})"}}}};
  const auto found = kAll.find(name);
  return found == kAll.end() ? nullptr : &found->second;
}

// ---- changes ----

void Change(std::string_view changes, Files& files) {
  std::string* text = nullptr;
  while (!changes.empty()) {
    const std::string_view line = TakeLine(changes);
    const std::string path(line.substr(std::min<std::size_t>(line.size(), 3)));
    if (line.starts_with("== ")) {
      text = &files[path];
      text->clear();
    } else if (line.starts_with("-- ")) {
      files.erase(path);
      text = nullptr;
    } else if (text != nullptr) {
      text->append(text->empty() ? "" : "\n").append(line);
    }
  }
}

/// Writes `right()` where a member "hash" of `node` is "*".
void Seal(ordered_json& node, const std::function<std::string()>& right) {
  if (node.is_object() && node.contains("hash") && node["hash"] == "*") node["hash"] = right();
}

/// A manifest that is none stays as it is.
void SealManifest(Files& files) {
  const auto found = files.find("manifest.json");
  if (found == files.end()) return;
  auto manifest = ordered_json::parse(found->second, nullptr, /*allow_exceptions=*/false);
  if (!manifest.is_object()) return;
  Seal(manifest["pipeline"], [&files] {
    const auto document = ordered_json::parse(files["pipeline.json"], nullptr, false);
    return document.is_discarded() ? std::string() : ContentHash(document.dump());
  });
  for (ordered_json& file : manifest["files"]) {
    if (!file.is_object() || !file.contains("path") || !file["path"].is_string()) continue;
    Seal(file, [&] { return ContentHash(files[file["path"].get<std::string>()]); });
  }
  found->second = manifest.dump();
}

/// Whether a file so called would be written into the folder.
bool IsInside(const fs::path& path) {
  constexpr std::size_t kLongestName = 100;
  if (path.empty() || path.is_absolute() || path != path.lexically_normal()) return false;
  return std::ranges::all_of(path, [](const fs::path& name) {
    return !name.empty() && name != ".." && name != "." && name.native().size() <= kLongestName &&
           name.native().find('\0') == std::string::npos;
  });
}

/// Writes what can be: of a file and a folder of one name, the one that comes first.
void WriteAll(const Files& files, const fs::path& folder) {
  fs::remove_all(folder);
  fs::create_directories(folder);
  std::error_code failed;
  for (const auto& [path, bytes] : files) {
    if (!IsInside(path)) continue;
    fs::create_directories((folder / path).parent_path(), failed);
    std::ofstream(folder / path, std::ios::binary) << bytes;
  }
}

// ---- what is read ----

void RequireSaysWhat(const Error& error, const fs::path& folder) {
  Require(error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kInvalidArgument ||
          error.code == ErrorCode::kNotFound || error.code == ErrorCode::kIo);
  Require(error.message.find(folder.string()) != std::string::npos);
  Require(error.message.size() > folder.string().size() + 2);
}

void ReadTransforms(const JsonNode& node) {
  const FittedTransforms transforms = FittedTransforms::FromJson(node);
  const ordered_json written = transforms.ToJson();
  Require(FittedTransforms::FromJson(JsonNode(written)) == transforms);
  FeatureTable table(transforms.inputs());
  std::vector<Value> row(table.columns().size());
  Require(table.Append(row).ok());  // all missing
  const std::vector<double> numbers{0, -1e300, std::numeric_limits<double>::infinity()};
  for (const double number : numbers) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool is_number = table.columns()[i].kind == FeatureKind::kNumber;
      row[i] = is_number ? Value(number) : Value(std::string_view(number == 0 ? "01" : "unseen"));
    }
    Require(table.Append(row).ok());
  }
  std::vector<std::uint32_t> rows(table.row_count());
  std::iota(rows.begin(), rows.end(), 0U);
  const Result<std::vector<float>> matrix = transforms.Transform(table, rows);
  if (matrix) {
    Require(matrix->size() == rows.size() * transforms.outputs().size());
  } else {
    Require(matrix.error().code == ErrorCode::kInvalidArgument && !matrix.error().field.empty());
  }
}

void ReadAround(const JsonNode& root) {
  ReadTransforms(root.Get("transforms"));
  if (const auto target = root.Find("target")) {
    const TargetTransform transform = ReadTargetTransform(*target);
    const ordered_json written = transform.ToJson();
    Require(ReadTargetTransform(JsonNode(written)) == transform);
  }
}

/// The parts that all kinds have.
void ReadVersion(const Version& version, const Files& files) {
  std::vector<std::string> listed;
  for (const ordered_json& file : version.manifest().at("files")) listed.push_back(file.at("path"));
  Require(std::ranges::equal(listed, version.files(), {}, {}, &PublishedFile::path));
  for (const PublishedFile& published : version.files()) {
    const ArtefactFile file = LoadFile(published);
    const auto lies_there = files.find(file.path);
    Require(lies_there != files.end() && lies_there->second == file.bytes);
    if (!file.path.ends_with(".transforms.json")) continue;
    try {
      ReadJson(file, ReadAround);
    } catch (const SpecError& error) {
      Require(std::string_view(error.what()).starts_with(file.path));
    }
  }
  Require(version.manifest_hash() == ContentHash(files.at("manifest.json")));
  const Result<Reference> reference = version.ReadReference();
  if (!reference) return RequireSaysWhat(reference.error(), version.info().folder);
  const ordered_json written = reference->ToJson();
  Require(Reference::FromJson(JsonNode(written)) == *reference);
}

void ReadKeys(const ForecastVersion& version) {
  const Result<ModelKeys> keys = version.Keys();
  if (!keys) return RequireSaysWhat(keys.error(), version.info().folder);
  if (version.plan().scope != ModelScope::kPerKey) return;
  const forkcast::preprocessing::PipelineSpec& spec = version.spec();
  const ordered_json written = keys->ToJson();
  const ModelKeys again =
      ModelKeys::FromJson(JsonNode(written), spec.SeriesNamed(spec.forecast->series),
                          static_cast<std::size_t>(spec.forecast->horizon));
  Require(again.ToJson() == written);
  for (std::size_t key = 0; key < keys->size(); ++key) {
    Require(keys->Find(keys->Values(key)) == key);
  }
}

/// Whether it is a forecast that is taken.
bool ReadForecast(const VersionInfo& info, const Files& files) {
  const Result<ForecastVersion> version = ForecastVersion::Read(info);
  if (!version) {
    RequireSaysWhat(version.error(), info.folder);
    return false;
  }
  ReadVersion(*version, files);
  Require(version->plan().setting.seed == version->seed());
  ReadKeys(*version);
  return true;
}

bool ReadClassifier(const VersionInfo& info, const Files& files) {
  const Result<ClassifierVersion> version = ClassifierVersion::Read(info);
  if (!version) {
    RequireSaysWhat(version.error(), info.folder);
    return false;
  }
  ReadVersion(*version, files);
  const ArtefactFile written = ClassesFile(version->classes(), version->spec());
  Require(ReadClasses(written, version->spec()) == version->classes());
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view changes(reinterpret_cast<const char*>(data), size);
  const Files* const published = VersionNamed(TakeLine(changes));
  if (published == nullptr) return 0;
  Files files = *published;
  Change(changes, files);
  const bool is_changed = files != *published;
  SealManifest(files);

  static const TempFolder kRoot;
  const VersionInfo info{
      .model = "m", .number = 1, .folder = kRoot.path() / "1", .aliases = {}, .published_at = {}};
  WriteAll(files, info.folder);
  const bool is_forecast = ReadForecast(info, files);
  const bool is_classifier = ReadClassifier(info, files);
  Require(!(is_forecast && is_classifier) && (is_forecast || is_classifier || is_changed));
  return 0;
}
