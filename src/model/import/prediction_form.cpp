#include "model/import/prediction_form.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;
using Form = PredictedPart::Form;

constexpr const char* kName = "name";
constexpr const char* kOutput = "output";
constexpr const char* kOutputs = "outputs";
constexpr const char* kKeys = "keys";
constexpr const char* kInteger = "integer";

std::vector<std::string> Probabilities(const ClassAnswer& answer) {
  std::vector<std::string> outputs;
  for (const std::string& name : answer.classes) {
    outputs.push_back(fmt::format("probability.{}", name));
  }
  return outputs;
}

std::vector<std::string> Values(const ValuesAnswer& answer) {
  std::vector<std::string> outputs;
  for (std::size_t i = 0; i < answer.count; ++i) outputs.push_back(fmt::format("value.{}", i));
  return outputs;
}

bool IsInteger(const std::string& text) {
  return !text.empty() && text.size() <= 18 &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }) &&
         (text.size() == 1 || text.front() != '0');
}

/// The class; a number where all are called by numbers, as those are that nobody named.
PredictedPart Label(const ClassAnswer& answer) {
  return {.outputs = {"class"}, .is_integer = std::ranges::all_of(answer.classes, IsInteger)};
}

PredictedPart NumbersOf(const ImportedModel& model) {
  if (const auto* const classes = std::get_if<ClassAnswer>(&model.answer)) {
    std::vector<std::string> outputs = Probabilities(*classes);
    const std::size_t margins =
        model.linear ? model.linear->margins : model.forest.base_margins.size();
    if (margins == 1) return {.outputs = {outputs.back()}};
    return {.form = Form::kList, .outputs = std::move(outputs)};
  }
  const auto* const values = std::get_if<ValuesAnswer>(&model.answer);
  if (values == nullptr) return {.outputs = {"value"}};
  return {.form = Form::kList, .outputs = Values(*values)};
}

/// Of a graph: a label, and what stands behind it; or one output alone.
PredictionForm FormOfGraph(const ImportedModel& model) {
  const std::vector<ImportedOutput>& outputs = model.graph_outputs;
  PredictedPart numbers = NumbersOf(model);
  numbers.name = outputs.back().name;
  const auto* const classes = std::get_if<ClassAnswer>(&model.answer);
  if (classes == nullptr) return {std::move(numbers)};
  numbers.form = Form::kList;
  numbers.outputs = Probabilities(*classes);
  if (outputs.back().is_map) {
    numbers.form = Form::kMap;
    numbers.keys = classes->classes;
  }
  if (outputs.size() == 1) return {std::move(numbers)};
  PredictedPart label = Label(*classes);
  label.name = outputs.front().name;
  label.is_integer = label.is_integer && outputs.front().is_integer;
  return {std::move(label), std::move(numbers)};
}

ordered_json ToJson(const PredictedPart& part) {
  ordered_json json = ordered_json::object();
  if (!part.name.empty()) json[kName] = part.name;
  if (part.form == Form::kValue) {
    json[kOutput] = part.outputs.front();
  } else {
    json[kOutputs] = part.outputs;
  }
  if (part.form == Form::kMap) json[kKeys] = part.keys;
  if (part.is_integer) json[kInteger] = true;
  return json;
}

PredictedPart ReadPart(const JsonNode& node) {
  node.RequireObject({kName, kOutput, kOutputs, kKeys, kInteger});
  PredictedPart part;
  if (const auto name = node.Find(kName)) part.name = name->String();
  if (const auto integer = node.Find(kInteger)) part.is_integer = integer->Bool();
  const auto outputs = node.Find(kOutputs);
  if (!outputs) {
    part.outputs = {node.Get(kOutput).String()};
    return part;
  }
  part.form = Form::kList;
  part.outputs = outputs->Strings();
  if (part.outputs.empty()) outputs->Fail("expected an output at least");
  if (const auto keys = node.Find(kKeys)) {
    part.form = Form::kMap;
    part.keys = keys->Strings();
    if (part.keys.size() != part.outputs.size()) keys->Fail("expected a key for each output");
  }
  return part;
}

}  // namespace

PredictionForm PredictionFormOf(const ImportedModel& model, bool labels) {
  if (!model.graph_outputs.empty()) return FormOfGraph(model);
  const auto* const classes = std::get_if<ClassAnswer>(&model.answer);
  if (labels && classes != nullptr) return {Label(*classes)};
  return {NumbersOf(model)};
}

ordered_json ToJson(const PredictionForm& form) {
  ordered_json parts = ordered_json::array();
  for (const PredictedPart& part : form) parts.push_back(ToJson(part));
  return parts;
}

PredictionForm ReadPredictionForm(const JsonNode& node) {
  PredictionForm form;
  for (const JsonNode& part : node.Elements()) form.push_back(ReadPart(part));
  const bool are_named =
      std::ranges::none_of(form, [](const PredictedPart& part) { return part.name.empty(); });
  if (form.empty() || (form.size() > 1 && !are_named)) {
    node.Fail("expected one part, or several with names");
  }
  return form;
}

}  // namespace forkcast::model
