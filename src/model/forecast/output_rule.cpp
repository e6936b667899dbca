#include "model/forecast/output_rule.hpp"

#include <algorithm>
#include <cmath>

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;
using Rounding = OutputRule::Rounding;

Rounding ReadRounding(const JsonNode& node) {
  const std::string name = node.String();
  if (name == "nearest") return Rounding::kNearest;
  if (name == "up") return Rounding::kUp;
  if (name == "down") return Rounding::kDown;
  node.Fail("expected nearest, up or down");
}

double Rounded(double value, Rounding rounding) noexcept {
  switch (rounding) {
    case Rounding::kNone:
      return value;
    case Rounding::kNearest:
      return std::round(value);
    case Rounding::kUp:
      return std::ceil(value);
    case Rounding::kDown:
      return std::floor(value);
  }
  return value;
}

}  // namespace

double OutputRule::Apply(double forecast) const noexcept {
  const double value = Rounded(forecast, rounding);
  return minimum ? std::max(value, *minimum) : value;  // NaN is the first argument, and stays
}

OutputRule ReadOutputRule(const JsonNode& node) {
  node.RequireObject({"round", "minimum"});
  OutputRule rule;
  if (const auto round = node.Find("round")) rule.rounding = ReadRounding(*round);
  if (const auto minimum = node.Find("minimum")) {
    constexpr double kMost = 1e15;
    rule.minimum = minimum->Number(-kMost, kMost);
    if (rule.rounding != Rounding::kNone && std::round(*rule.minimum) != *rule.minimum) {
      minimum->Fail("forecasts are whole numbers by \"round\": expected a whole number");
    }
  }
  if (rule == OutputRule()) node.Fail("expected \"round\", \"minimum\" or both");
  return rule;
}

}  // namespace forkcast::model
