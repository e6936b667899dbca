#include "model/inputs/target_transform.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "data_preprocessing/base/nan.hpp"

namespace forkcast::model {

using preprocessing::JsonNode;

namespace {

struct Step {
  const char* name;
  bool TargetTransform::*is_taken;
};
/// In the order in which they are applied.
constexpr std::array<Step, 3> kSteps{{{"scale", &TargetTransform::scale},
                                      {"log1p", &TargetTransform::log1p},
                                      {"difference", &TargetTransform::difference}}};

double ScaleOf(const TargetTransform& transform, const TargetReference& reference) noexcept {
  if (!transform.scale) return 1;
  const bool is_usable = std::isfinite(reference.scale) && reference.scale > 0;
  return is_usable ? reference.scale : transform.fallback_scale;
}

/// g of the header; NaN where the logarithm is not defined.
double Forward(const TargetTransform& transform, double value) noexcept {
  if (!transform.log1p) return value;
  return value > -1 ? std::log1p(value) : kNaN;
}

}  // namespace

double TargetTransform::Apply(double y, const TargetReference& reference) const noexcept {
  const double s = ScaleOf(*this, reference);
  const double z = Forward(*this, y / s);
  return difference ? z - Forward(*this, reference.anchor / s) : z;
}

double TargetTransform::Invert(double z, const TargetReference& reference) const noexcept {
  const double s = ScaleOf(*this, reference);
  const double level = difference ? z + Forward(*this, reference.anchor / s) : z;
  return s * (log1p ? std::expm1(level) : level);
}

std::string TargetTransform::StepsText() const {
  std::string text;
  for (const Step& step : kSteps) {
    if (this->*step.is_taken) text.append(text.empty() ? "" : "+").append(step.name);
  }
  return text;
}

nlohmann::ordered_json TargetTransform::ToJson() const {
  auto steps = nlohmann::ordered_json::array();
  for (const Step& step : kSteps) {
    if (this->*step.is_taken) steps.push_back(step.name);
  }
  nlohmann::ordered_json json{{"steps", std::move(steps)}};
  if (scale) json["fallback_scale"] = fallback_scale;
  return json;
}

TargetTransform ReadTargetTransform(const JsonNode& node) {
  TargetTransform transform;
  if (node.json().is_object()) {
    node.RequireObject({"steps", "fallback_scale"});
    transform = ReadTargetTransform(node.Get("steps"));
    if (const auto fallback = node.Find("fallback_scale")) {
      transform.fallback_scale =
          fallback->Number(std::numeric_limits<double>::min(), std::numeric_limits<double>::max());
      if (!transform.scale) fallback->Fail("only \"scale\" has it");
    }
    return transform;
  }
  if (node.json() == "none") return transform;
  const std::vector<JsonNode> names = node.json().is_string() ? std::vector{node} : node.Elements();
  std::size_t next = 0;
  for (const JsonNode& name : names) {
    const std::string wanted = name.String();
    const auto* const found = std::ranges::find(kSteps, wanted, &Step::name);
    if (found == kSteps.end()) name.Fail("expected none, scale, log1p or difference");
    const auto at = static_cast<std::size_t>(found - kSteps.begin());
    if (at < next) name.Fail("expected the order scale, log1p, difference, none twice");
    next = at + 1;
    transform.*(found->is_taken) = true;
  }
  return transform;
}

}  // namespace forkcast::model
