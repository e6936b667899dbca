#include "model/forecast/key_replacement_job.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "data_preprocessing/document/content_hash.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/pipeline/long_form.hpp"
#include "data_preprocessing/rules/constraints.hpp"
#include "model/forecast/forecast_files.hpp"
#include "model/forecast/model_keys.hpp"
#include "model/forecast/named_keys.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;
using preprocessing::SpecError;
using preprocessing::Value;

Error Refuse(std::string message, std::string flag = "only-key") {
  return {ErrorCode::kInvalidArgument, std::move(message), std::move(flag)};
}

/// "/features/0/window" as "$.features[0].window".
std::string PathOf(const std::string& pointer) {
  std::string path = "$";
  for (std::size_t at = 1; at < pointer.size();) {
    const std::size_t end = std::min(pointer.find('/', at), pointer.size());
    const std::string part = pointer.substr(at, end - at);
    const bool is_number = !part.empty() && part.find_first_not_of("0123456789") == part.npos;
    path += is_number ? "[" + part + "]" : "." + part;
    at = end + 1;
  }
  return path;
}

/// `document` with what a search chose for `base` in place of the search. Throws SpecError.
ordered_json WithChosen(ordered_json document, const ordered_json& base) {
  if (!document.contains("/training/search"_json_pointer)) return document;
  const JsonNode search = JsonNode(document).Get("training").Get("search");
  const ordered_json base_in_full = preprocessing::WriteOut(base).document;
  Assignment chosen;
  for (const SearchedParameter& parameter : ReadSearchSpec(search).parameters) {
    if (const ordered_json* value = FindParameter(base_in_full, parameter.name)) {
      chosen.emplace_back(parameter.name, *value);
    }
  }
  document["training"].erase("search");
  return WithParameters(std::move(document), chosen);
}

Status CheckShape(const ordered_json& document, const ForecastVersion& base) {
  const nlohmann::json here = ShapeOf(document);
  const nlohmann::json there = ShapeOf(base.document());
  if (here == there) return {};
  const nlohmann::json first = nlohmann::json::diff(there, here).front();
  return Refuse(fmt::format(
      "{} differs from the pipeline of {} {} (of hash {}; here {}): one version has the models of "
      "one pipeline",
      PathOf(first["path"].get<std::string>()), base.info().model, base.info().number,
      base.manifest()["pipeline"]["hash"].get<std::string>(),
      preprocessing::ContentHash(document.dump())));
}

}  // namespace

nlohmann::json ShapeOf(const ordered_json& root) {
  nlohmann::json shape = preprocessing::WriteOut(root).document;
  for (const char* member : {"name", "version", "description", "serving"}) shape.erase(member);
  if (!shape.contains("training")) return shape;
  nlohmann::json& training = shape["training"];
  for (const char* member : {"folds", "metric", "baselines", "mase_season", "min_judged",
                             "calibration_folds", "search"}) {
    training.erase(member);
  }
  if (training.contains("model")) training["model"].erase("threads");
  return shape;
}

Result<std::unique_ptr<TrainingJob>> KeyReplacementJob::Load(const ordered_json& document,
                                                             const JobSources& sources,
                                                             const Registry& registry,
                                                             const KeyReplacement& replacement) {
  try {
    const JsonNode root(document);
    const JsonNode training = root.Get("training");
    if (training.Find("candidates") || FindHistoryMethod(training.Get("model"))) {
      return Refuse(
          "--only-key: candidates, and algorithms that learn from each key's history, are trained "
          "for all keys together; leave it out");
    }
    if (training.Find("hierarchy")) {
      return Refuse(
          "--only-key: the pipeline has a \"hierarchy\", whose sums are of all keys; leave it out");
    }
    const auto scope = training.Find("scope");
    if (!scope || scope->json() != "per_key") {
      return Refuse(
          "--only-key: the pipeline has one model for all keys; \"scope\": \"per_key\" in "
          "its training makes one for each");
    }
    const std::string model =
        replacement.model.empty() ? root.Get("name").String() : replacement.model;
    const Result<VersionInfo> info = registry.Find(model, replacement.base);
    if (!info && info.error().code == ErrorCode::kNotFound) {
      return Refuse("--from-version: " + info.error().message, "from-version");
    }
    if (!info) return info.error();
    Result<ForecastVersion> base = ForecastVersion::Read(*info);
    if (!base) return base.error();
    const ordered_json chosen = WithChosen(document, base->document());
    Status same = CheckShape(chosen, *base);
    if (!same) return same.error();
    JobSources with_seed = sources;
    with_seed.seed = base->seed();
    if (sources.seed && sources.seed != with_seed.seed) {
      return Refuse(fmt::format("--seed: {} {} was trained with the seed {}", model, info->number,
                                *with_seed.seed),
                    "seed");
    }
    Result<ModelKeys> base_keys = base->Keys();
    if (!base_keys) return base_keys.error();
    Result<std::unique_ptr<ForecastJob>> job = ForecastJob::Open(chosen, with_seed);
    if (!job) return job.error();
    Result<std::vector<std::uint32_t>> keys =
        FindKeys((*job)->data(), replacement.keys, "only-key");
    if (!keys) return keys.error();
    std::ranges::sort(*keys);  // the same version, whatever the order of the flags
    (*job)->UseKeys(*std::move(keys));
    // Who names a version by an alias means what it means; another one may be promoted meanwhile.
    std::optional<ExpectedAlias> expected;
    if (replacement.base != std::to_string(info->number)) {
      expected = ExpectedAlias{.alias = replacement.base, .number = info->number};
    }
    return std::unique_ptr<TrainingJob>(new KeyReplacementJob(
        *std::move(job), *std::move(base), *std::move(base_keys), std::move(expected)));
  } catch (const SpecError& error) {
    return Error{ErrorCode::kInvalidArgument, error.what()};
  }
}

Result<std::unique_ptr<TrainingJob>> KeyReplacementJob::With(const ordered_json&) const {
  return Error{ErrorCode::kInternal, "keys are trained as their version was, without a search"};
}

JobSummary KeyReplacementJob::Summary() const {
  JobSummary summary = job_->Summary();
  summary.json["base"] = base_.info().number;
  summary.text += fmt::format(", in place of those of version {}", base_.info().number);
  return summary;
}

Result<std::optional<Artefact>> KeyReplacementJob::TrainOnAll(const OnProgress& on_progress) const {
  const Result<std::optional<TrainedForecast>> trained = job_->Train(on_progress);
  if (!trained) return trained.error();
  if (!*trained) return std::optional<Artefact>();
  if (const ordered_json without = job_->KeysWithout((*trained)->model()); !without.empty()) {
    return Refuse(fmt::format("--only-key: too few rows to learn from of {}", without.dump()));
  }
  Result<std::vector<ArtefactFile>> files = (*trained)->FilesOver(base_keys_, base_);
  if (!files) return files.error();
  ordered_json manifest = Manifest((*trained)->model(), *files);
  files->push_back(job_->PipelineFile());
  // What all keys looked like when they were trained together, which is what they are compared
  // with, and how far all forecasts were off.
  for (const char* const kept :
       {Reference::kFile, preprocessing::Constraints::kFile, kIntervalsFile}) {
    const PublishedFile* const file = base_.FindFile(kept);
    if (file != nullptr) files->push_back(LoadFile(*file));
  }
  return std::optional(
      Artefact{.manifest = std::move(manifest), .files = *std::move(files), .expected = expected_});
}

ordered_json KeyReplacementJob::Base() const {
  return {{"version", base_.info().number}, {"manifest", base_.manifest_hash()}};
}

ordered_json KeyReplacementJob::Origin() const {
  ordered_json origin = job_->Origin();
  origin["base"] = Base();
  return origin;
}

ordered_json KeyReplacementJob::Manifest(const ForecastModel& model,
                                         std::span<const ArtefactFile> files) const {
  ordered_json manifest = job_->Manifest(model);
  manifest["models"] = CountModels(files);
  const ordered_json& before = base_.manifest();
  manifest["base"] = Base();
  if (before.contains("full_training")) {
    manifest["full_training"] = before["full_training"];
  } else {
    ordered_json& full = manifest["full_training"] = {{"version", base_.info().number}};
    for (const char* member : {"data", "libraries", "evaluation"}) {
      full[member] = before.value(member, ordered_json());
    }
  }
  ordered_json replaced = ordered_json::array();
  for (const std::uint32_t key : job_->keys()) replaced.push_back(Replaced(key));
  const std::size_t now = replaced.size();
  for (ordered_json one : before.value("replaced", ordered_json::array())) {
    const auto again = std::find_if(replaced.begin(), replaced.begin() + now,
                                    [&](const auto& other) { return other["key"] == one["key"]; });
    if (again != replaced.begin() + now) continue;
    if (!one.contains("version")) one["version"] = base_.info().number;
    replaced.push_back(std::move(one));
  }
  manifest["replaced"] = std::move(replaced);
  return manifest;
}

ordered_json KeyReplacementJob::Replaced(std::uint32_t key) const {
  const ForecastData& data = job_->data();
  const std::vector<Value> values = data.grid().KeyValues(key);
  const PeriodRange all = job_->periods();
  const auto first = std::max<std::int64_t>(all.first, data.grid().FirstPeriod(key));
  const auto last = std::min<std::int64_t>(all.last, data.grid().LastPeriod(key));
  return {
      {"key", KeyToJson(values)},
      {"is_new", !base_keys_.Find(values)},
      {"data",
       {{"from", data.FirstDay(first)}, {"to", data.FirstDay(last)}, {"rows", job_->RowsOf(key)}}},
      {"evaluation", job_->VerdictOn(key)}};
}

}  // namespace forkcast::model
