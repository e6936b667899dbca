#include "model/linear/linear_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::JsonNode;
using preprocessing::SpecError;

constexpr double kMost = std::numeric_limits<double>::max();

constexpr std::array<std::pair<LinearLink, std::string_view>, 3> kLinks{
    {{LinearLink::kIdentity, "identity"},
     {LinearLink::kSigmoid, "sigmoid"},
     {LinearLink::kSoftmax, "softmax"}}};

LinearLink ReadLink(const JsonNode& node) {
  const std::string name = node.String();
  const auto* const found =
      std::ranges::find(kLinks, name, &std::pair<LinearLink, std::string_view>::second);
  if (found == kLinks.end()) node.Fail("expected identity, sigmoid or softmax");
  return found->first;
}

std::vector<LinearInput> ReadInputs(const JsonNode& node, std::size_t features) {
  std::vector<LinearInput> inputs;
  std::int64_t least = 0;
  for (const JsonNode& element : node.Elements()) {
    element.RequireObject({"feature", "mean", "deviation"});
    const JsonNode feature = element.Get("feature");
    const std::int64_t at = feature.Integer(0, static_cast<std::int64_t>(features) - 1);
    if (at < least) feature.Fail("expected the inputs in the order of the features, none twice");
    least = at + 1;
    inputs.push_back(
        {.feature = static_cast<std::uint32_t>(at),
         .mean = element.Get("mean").Number(-kMost, kMost),
         .deviation = element.Get("deviation").Number(std::numeric_limits<double>::min(), kMost)});
  }
  if (inputs.empty()) node.Fail("expected at least one input");
  return inputs;
}

Polynomial ReadPolynomial(const JsonNode& node, std::size_t inputs) {
  node.RequireObject({"degree", "interaction_only"});
  const Polynomial polynomial{
      .degree = static_cast<unsigned>(node.Get("degree").Integer(1, kMostDegree)),
      .interaction_only = node.Get("interaction_only").Bool()};
  if (CountTerms(inputs, polynomial) > kMostTerms) {
    node.Fail(fmt::format("more than {} terms", kMostTerms));
  }
  return polynomial;
}

std::vector<LinearOutput> ReadOutputs(const JsonNode& node, std::size_t terms, LinearLink link) {
  std::vector<LinearOutput> outputs;
  for (const JsonNode& element : node.Elements()) {
    element.RequireObject({"intercept", "coefficients"});
    LinearOutput output{.intercept = element.Get("intercept").Number(-kMost, kMost),
                        .coefficients = {}};
    const JsonNode coefficients = element.Get("coefficients");
    for (const JsonNode& one : coefficients.Elements()) {
      output.coefficients.push_back(one.Number(-kMost, kMost));
    }
    if (output.coefficients.size() != terms) {
      coefficients.Fail(fmt::format("expected {} numbers, one a term", terms));
    }
    outputs.push_back(std::move(output));
  }
  if (link == LinearLink::kSoftmax && outputs.size() < 2) node.Fail("expected one a class");
  if (link != LinearLink::kSoftmax && outputs.size() != 1) node.Fail("expected one output");
  return outputs;
}

LinearSource ReadSource(const JsonNode& root) {
  root.RequireObject({"format", "format_version", "algorithm", "link", "features", "scaled",
                      "inputs", "polynomial", "outputs"});
  root.RequireFormat(LinearModel::kFormat, 1);
  LinearSource source;
  source.algorithm = root.Get("algorithm").String();
  source.link = ReadLink(root.Get("link"));
  source.features = root.Get("features").Strings();
  source.is_scaled = root.Get("scaled").Bool();
  source.inputs = ReadInputs(root.Get("inputs"), source.features.size());
  source.polynomial = ReadPolynomial(root.Get("polynomial"), source.inputs.size());
  source.outputs = ReadOutputs(root.Get("outputs"),
                               CountTerms(source.inputs.size(), source.polynomial), source.link);
  return source;
}

std::shared_ptr<const InputColumns> ColumnsOf(const std::vector<std::string>& features) {
  InputColumns columns;
  for (const std::string& feature : features) {
    columns.push_back({.name = feature, .type = InputType::kNumber, .categories = {}});
  }
  return std::make_shared<const InputColumns>(std::move(columns));
}

std::vector<OutputColumn> NameOutputs(std::size_t count) {
  if (count == 1) return {{.name = "score", .type = OutputType::kNumber, .categories = {}}};
  std::vector<OutputColumn> outputs;
  for (std::size_t i = 0; i < count; ++i) {
    outputs.push_back(
        {.name = fmt::format("score.{}", i), .type = OutputType::kNumber, .categories = {}});
  }
  return outputs;
}

void Softmax(std::span<double> sums) noexcept {
  const double greatest = *std::ranges::max_element(sums);
  double all = 0;
  for (double& sum : sums) {
    sum = std::exp(sum - greatest);
    all += sum;
  }
  for (double& sum : sums) sum /= all;
}

}  // namespace

Result<LinearModel> LinearModel::Parse(std::string_view text) {
  try {
    const ordered_json document = preprocessing::ParseJson(text);
    return LinearModel(ReadSource(JsonNode(document)));
  } catch (const SpecError& error) {
    return Error{ErrorCode::kInvalidArgument, error.what()};
  }
}

LinearModel::LinearModel(LinearSource source)
    : source_(std::move(source)),
      terms_(source_.inputs.size(), source_.polynomial),
      inputs_(ColumnsOf(source_.features)),
      outputs_(NameOutputs(source_.outputs.size())) {}

void LinearModel::Sum(const float* row, std::span<double> sums) const noexcept {
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = source_.outputs[i].intercept;
  for (std::size_t term = 0; term < terms_.size(); ++term) {
    double product = 1;
    for (const std::uint32_t factor : terms_.factors(term)) product *= ValueOf(factor, row);
    for (std::size_t i = 0; i < sums.size(); ++i) {
      sums[i] += source_.outputs[i].coefficients[term] * product;
    }
  }
}

void LinearModel::Predict(std::span<const float> rows, std::span<double> out) const noexcept {
  const std::size_t width = inputs_->size();
  const std::size_t count = outputs_.size();
  for (std::size_t row = 0; row * count < out.size(); ++row) {
    const std::span<double> sums = out.subspan(row * count, count);
    Sum(rows.data() + row * width, sums);
    if (source_.link == LinearLink::kSigmoid) sums[0] = 1 / (1 + std::exp(-sums[0]));
    if (source_.link == LinearLink::kSoftmax) Softmax(sums);
  }
}

std::string LinearModel::Write() const {
  ordered_json inputs = ordered_json::array();
  for (const LinearInput& input : source_.inputs) {
    inputs.push_back(
        {{"feature", input.feature}, {"mean", input.mean}, {"deviation", input.deviation}});
  }
  ordered_json outputs = ordered_json::array();
  for (const LinearOutput& output : source_.outputs) {
    outputs.push_back({{"intercept", output.intercept}, {"coefficients", output.coefficients}});
  }
  const auto* const link =
      std::ranges::find(kLinks, source_.link, &std::pair<LinearLink, std::string_view>::first);
  const ordered_json document{{"format", kFormat},
                              {"format_version", 1},
                              {"algorithm", source_.algorithm},
                              {"link", link->second},
                              {"features", source_.features},
                              {"scaled", source_.is_scaled},
                              {"inputs", std::move(inputs)},
                              {"polynomial",
                               {{"degree", source_.polynomial.degree},
                                {"interaction_only", source_.polynomial.interaction_only}}},
                              {"outputs", std::move(outputs)}};
  return document.dump() + "\n";
}

}  // namespace forkcast::model
