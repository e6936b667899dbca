#include "data_preprocessing/series/aggregate_spec.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace forkcast::preprocessing {
namespace {

constexpr std::array<std::pair<std::string_view, AggregateOp>, 8> kOps{{
    {"sum", AggregateOp::kSum},
    {"mean", AggregateOp::kMean},
    {"min", AggregateOp::kMin},
    {"max", AggregateOp::kMax},
    {"first", AggregateOp::kFirst},
    {"last", AggregateOp::kLast},
    {"only", AggregateOp::kOnly},
    {"count", AggregateOp::kCount},
}};

}  // namespace

std::string_view ToString(AggregateOp op) noexcept {
  return kOps[static_cast<std::size_t>(op)].first;
}

std::optional<AggregateOp> AggregateOpFromString(std::string_view name) noexcept {
  for (const auto& [known, op] : kOps) {
    if (known == name) return op;
  }
  return std::nullopt;
}

bool IsCensoring(double number) noexcept { return !std::isnan(number) && number != 0; }

std::optional<std::size_t> AggregateSpec::CensoredBy(std::size_t value) const noexcept {
  const std::string& name = values[value].censored;
  if (name.empty()) return std::nullopt;
  const auto by = std::ranges::find(values, name, &AggregateValue::name);
  return static_cast<std::size_t>(by - values.begin());
}

std::string AggregateOpNames() {
  std::string names;
  for (const auto& [name, op] : kOps) {
    if (!names.empty()) names += ", ";
    names += name;
  }
  return names;
}

}  // namespace forkcast::preprocessing
