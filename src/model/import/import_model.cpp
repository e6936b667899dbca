#include "model/import/import_model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <memory>
#include <set>
#include <span>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "data_preprocessing/base/suggestion.hpp"
#include "data_preprocessing/document/content_hash.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/import/imported_version.hpp"
#include "model/import/prediction_form.hpp"
#include "model/learn/library_versions.hpp"
#include "model/learn/model_files.hpp"
#include "model/onnx/graph.hpp"
#include "model/predict/published_kinds.hpp"
#include "model/refused.hpp"
#include "model/tree/forest_compiler.hpp"
#include "model/tree/shap_compiler.hpp"
#include "model/tree/tree_shap.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::AnswerSource;
using preprocessing::FeatureSpec;
using preprocessing::JsonNode;
using preprocessing::PipelineSpec;
using preprocessing::SpecError;

/// Of files that are read whole.
constexpr std::uintmax_t kMostBytes = std::uintmax_t{1} << 30U;

std::string ReadFile(const std::filesystem::path& file) {
  std::error_code failed;
  const std::uintmax_t size = std::filesystem::file_size(file, failed);
  if (failed) {
    const bool absent = failed == std::errc::no_such_file_or_directory;
    throw Refused{{absent ? ErrorCode::kNotFound : ErrorCode::kIo,
                   fmt::format("{}: {}", file.string(), failed.message())}};
  }
  if (size > kMostBytes) {
    Refuse(fmt::format("{}: {} bytes, expected at most {}", file.string(), size, kMostBytes));
  }
  try {
    return preprocessing::ReadTextFile(file);
  } catch (const SpecError& error) {
    throw Refused{{ErrorCode::kIo, error.what()}};
  }
}

// ---- what inputs and classes are called ----

void CheckUnique(const std::vector<std::string>& names, std::string_view what) {
  std::set<std::string_view> seen;
  for (const std::string& name : names) {
    if (name.empty()) Refuse(fmt::format("an {} without a name", what));
    if (!seen.insert(name).second) Refuse(fmt::format("two {}s are called \"{}\"", what, name));
  }
}

void NameInputs(const std::vector<std::string>& names, ImportedModel& model) {
  if (!names.empty() && names.size() != model.inputs.size()) {
    Refuse(fmt::format("--inputs: {} names, but the model reads {} numbers", names.size(),
                       model.inputs.size()));
  }
  if (!names.empty()) model.has_input_names = true;
  for (std::size_t i = 0; i < names.size(); ++i) {
    model.inputs[i].name = model.forest.features[i] = names[i];
  }
  CheckUnique(model.forest.features, "input");
}

void NameClasses(const std::vector<std::string>& names, ImportedModel& model) {
  if (names.empty()) return;
  auto* const answer = std::get_if<ClassAnswer>(&model.answer);
  if (answer == nullptr) {
    Refuse(fmt::format("--classes: the model ({}) tells no classes apart", model.objective));
  }
  if (answer->classes.size() != names.size()) {
    Refuse(fmt::format("--classes: {} names for {} classes", names.size(), answer->classes.size()));
  }
  CheckUnique(names, "class");
  answer->classes = names;
}

std::vector<std::string> OutputNames(const TrainedAnswer& answer) {
  if (const auto* const classes = std::get_if<ClassAnswer>(&answer)) {
    std::vector<std::string> names{"class"};
    for (const std::string& one : classes->classes)
      names.push_back(fmt::format("probability.{}", one));
    return names;
  }
  const auto* const values = std::get_if<ValuesAnswer>(&answer);
  if (values == nullptr) return {"value"};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < values->count; ++i) names.push_back(fmt::format("value.{}", i));
  return names;
}

// ---- the pipeline ----

/// A pipeline document and what it means.
struct Pipeline {
  ordered_json document;
  PipelineSpec spec;
};

Pipeline ParsePipeline(ordered_json document, const std::filesystem::path& folder) {
  PipelineSpec spec = Need(preprocessing::ParsePipelineSpec(document.dump(), folder));
  return {std::move(document), std::move(spec)};
}

bool IsPlainName(std::string_view name) {
  return std::ranges::all_of(
      name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; });
}

/// The request's time, which no model reads, but a pipeline must have.
std::string TimeField(const ImportedModel& model) {
  std::string name = "time";
  while (std::ranges::find(model.forest.features, name) != model.forest.features.end()) {
    name = fmt::format("request_{}", name);
  }
  return name;
}

/// Requests are the inputs themselves, each of which may be missing; answers are the outputs.
ordered_json VectorDocument(const std::string& name, const ImportedModel& model) {
  ordered_json fields = ordered_json::object();
  ordered_json features = ordered_json::array();
  for (const ImportedInput& input : model.inputs) {
    if (!IsPlainName(input.name)) {
      Refuse(
          fmt::format("the model's input \"{}\" cannot be a field of a request, which is made of "
                      "letters, digits, _ and -: name all inputs by --inputs a,b,c",
                      input.name));
    }
    fields[input.name] = {{"type", input.is_text() ? "text" : "double"}, {"nullable", true}};
    features.push_back(
        {{"name", input.name}, {"op", "field"}, {"field", input.name}, {"missing", "keep"}});
  }
  const std::string time = TimeField(model);
  fields[time] = {{"type", "timestamp"}, {"nullable", true}};
  ordered_json answer = ordered_json::array();
  for (const std::string& output : OutputNames(model.answer)) {
    answer.push_back({{"name", output}, {"output", output}});
  }
  return {{"name", name},
          {"version", "1"},
          {"description", "Made by forkcast models import: the inputs of the model as they are."},
          {"tables", ordered_json::object()},
          {"series", ordered_json::object()},
          {"request", {{"fields", fields}, {"time", {{"field", time}, {"default", "now"}}}}},
          {"features", features},
          {"serving", {{"answer", answer}}}};
}

/// The user's, without what says how it is trained and which file it serves.
Pipeline ReadPipeline(const std::filesystem::path& file) {
  ordered_json document;
  try {
    document = preprocessing::ReadJsonFile(file);
  } catch (const SpecError& error) {
    Refuse(error.what());
  }
  // Its own errors first, as the file has them.
  const PipelineSpec spec = Need(preprocessing::LoadPipelineSpec(file));
  if (spec.forecast) {
    Refuse(
        fmt::format("{}: $.forecast: expected none: a model that is imported scores rows as they "
                    "come",
                    file.string()));
  }
  document.erase("training");
  if (const auto serving = document.find("serving"); serving != document.end()) {
    serving->erase("model");
  }
  return ParsePipeline(std::move(document), file.parent_path());
}

void MatchInput(const ImportedInput& input, const PipelineSpec& spec) {
  const auto feature = std::ranges::find(spec.features, input.name, &FeatureSpec::name);
  if (feature == spec.features.end()) {
    std::vector<std::string> names;
    for (const FeatureSpec& one : spec.features) names.push_back(one.name);
    Refuse(fmt::format("the model reads \"{}\", and the pipeline has no feature of this name{}",
                       input.name, DidYouMean(input.name, names)),
           input.name);
  }
  const FeatureColumnSpec column = Need(FeatureColumnOf(feature->name, feature->type));
  const bool is_text = column.kind == FeatureKind::kCategory;
  if (is_text == input.is_text()) return;
  Refuse(fmt::format("the model reads \"{}\" as a {}, and the pipeline's feature is a {}",
                     input.name, input.is_text() ? "text" : "number", is_text ? "text" : "number"),
         input.name);
}

void MatchInputs(const ImportedModel& model, const PipelineSpec& spec) {
  if (!model.has_input_names &&
      std::ranges::none_of(spec.features, [&model](const FeatureSpec& feature) {
        return feature.name == model.inputs.front().name;
      })) {
    Refuse(
        fmt::format("the file does not say what the model's {} inputs are called: say which "
                    "features they are, in the model's order, by --inputs a,b,c",
                    model.inputs.size()));
  }
  for (const ImportedInput& input : model.inputs) MatchInput(input, spec);
}

/// That the pipeline's answer and metrics name outputs of the model.
void CheckOutputs(const PipelineSpec& spec, const std::vector<std::string>& outputs) {
  const auto check = [&outputs](const std::string& name, std::string_view where) {
    if (name == "model_version" || std::ranges::find(outputs, name) != outputs.end()) return;
    Refuse(fmt::format("the pipeline's {} names the output \"{}\", and the model has: {}", where,
                       name, fmt::join(outputs, ", ")));
  };
  if (spec.serving) {
    for (const AnswerSource& source : spec.serving->answer) {
      if (source.kind == AnswerSource::Kind::kModelOutput) check(source.source, "answer");
    }
  }
  for (const preprocessing::OutputMetric& metric : spec.metrics) check(metric.output, "metrics");
}

// ---- what is published ----

/// Reasons are made by looking from each test up to the one that asked for the same feature before:
/// of a tree that is as deep as it is large, as often as its size squared.
bool IsTooDeepToExplain(const ForestSource& forest) {
  constexpr std::size_t kMostSteps = std::size_t{1} << 31U;
  std::size_t steps = 0;
  for (const ForestSource::Tree& tree : forest.trees) {
    std::vector<std::uint32_t> depths(tree.nodes.size());
    for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
      const ForestSource::Node& node = tree.nodes[i];
      steps += depths[i];
      if (!node.is_leaf()) depths[node.left] = depths[node.right] = depths[i] + 1;
    }
  }
  return steps > kMostSteps;
}

void LeaveOutReasons(ImportedModel& model) {
  if (!model.can_explain || !IsTooDeepToExplain(model.forest)) return;
  model.can_explain = false;
  model.notes.emplace_back(
      "its trees are so deep that reasons of answers (?explain=true) are left out");
}

/// The files of what answers, the one that is served first.
std::vector<ArtefactFile> ScoringFiles(const ImportedModel& model) {
  if (!model.graph.empty()) {
    return {{ImportedPath(kGraphEnding), onnx::NameColumns(model.graph, model.forest.features)}};
  }
  if (model.linear) {
    LinearForestSource linear = *model.linear;
    for (std::size_t i = 0; i < linear.inputs.size(); ++i) {
      linear.inputs[i].name = model.forest.features[i];
    }
    return {{ImportedPath(kLinearForestEnding), LinearForest(std::move(linear)).Write()}};
  }
  std::vector<ArtefactFile> files{{ImportedPath(kForestEnding), CompileForest(model.forest)}};
  if (model.can_explain) {
    files.push_back({ImportedPath(kShapEnding), CompileShap(model.forest)});
  }
  return files;
}

ScoringModel MakeScoring(const ImportedModel& model, std::span<const ArtefactFile> files) {
  if (!model.graph.empty()) return ScoringOf(Need(onnx::Graph::FromBytes(files[0].bytes)));
  if (model.linear) return ScoringOf(Need(LinearForest::Parse(files[0].bytes)));
  ScoringModel scoring = ScoringOf(Need(Forest::FromBytes(files[0].bytes)));
  if (files.size() > 1) {
    scoring.explainer = std::make_unique<const TreeShap>(Need(TreeShap::FromBytes(files[1].bytes)));
  }
  return scoring;
}

ordered_json SourceJson(const std::filesystem::path& file, std::string_view bytes,
                        const ImportedModel& model) {
  return {{"format", model.format},
          {"format_version", model.format_version},
          {"file", file.filename().string()},
          {"bytes", bytes.size()},
          {"hash", preprocessing::ContentHash(bytes)},
          {"objective", model.objective},
          {"inputs", model.inputs.size()},
          {"trees", std::max(model.forest.trees.size(), model.tree_count)}};
}

ordered_json CheckJson(const PredictionCheck& check, const ImportRequest& request) {
  return {{"file", request.check->filename().string()},
          {"rows", check.rows},
          {"tolerance", request.tolerance},
          {"greatest_difference", check.greatest}};
}

PreparedImport Prepare(const ImportRequest& request) {
  const std::string bytes = ReadFile(request.file);
  ImportedModel model = Need(request.file.string(), ReadModel(bytes, request.rounds));
  LeaveOutReasons(model);
  NameInputs(request.inputs, model);
  NameClasses(request.classes, model);
  const Pipeline pipeline = request.pipeline
                                ? ReadPipeline(*request.pipeline)
                                : ParsePipeline(VectorDocument(request.name, model), {});
  MatchInputs(model, pipeline.spec);
  PreparedImport prepared{.outputs = OutputNames(model.answer), .notes = std::move(model.notes)};
  CheckOutputs(pipeline.spec, prepared.outputs);

  std::vector<ArtefactFile> scoring = ScoringFiles(model);
  const ordered_json around{{"transforms", TransformsJson(model.inputs)}};
  const Predictor predictor = MakePredictor(
      MakeScoring(model, scoring), JsonNode(around).Get("transforms"), pipeline.spec, model.answer);
  prepared.manifest = {{"format", 1},
                       {"kind", kImportedKind},
                       {"pipeline",
                        {{"name", pipeline.spec.name},
                         {"version", pipeline.spec.version},
                         {"hash", preprocessing::ContentHash(pipeline.document.dump())}}},
                       {"source", SourceJson(request.file, bytes, model)},
                       {"answer", AnswerJson(model.answer)},
                       {"seed", 0},
                       {"libraries", LibraryVersions(nullptr)}};
  if (!request.pipeline) {
    prepared.manifest["predictions"] = ToJson(PredictionFormOf(model, request.predicts_labels));
  }
  if (request.check) {
    prepared.check =
        Need(CheckPredictions(predictor, pipeline.spec, *request.check, request.tolerance));
    prepared.manifest["check"] = CheckJson(*prepared.check, request);
  }
  prepared.files.push_back(PipelineFile(pipeline.document));
  std::ranges::move(scoring, std::back_inserter(prepared.files));
  prepared.files.push_back({ImportedPath(kTransformsEnding), around.dump() + "\n"});
  prepared.files.push_back({"source/model", bytes});
  return prepared;
}

}  // namespace

Result<PreparedImport> PrepareImport(const ImportRequest& request) {
  try {
    return Prepare(request);
  } catch (const Refused& refused) {
    return refused.error;
  } catch (const SpecError& error) {
    return Error{ErrorCode::kInvalidArgument, error.what()};
  } catch (const std::length_error& error) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: {}", request.file.string(), error.what())};
  }
}

}  // namespace forkcast::model
