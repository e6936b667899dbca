#include "data_preprocessing/series/aggregate_spec.hpp"

#include <array>
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

std::string AggregateOpNames() {
  std::string names;
  for (const auto& [name, op] : kOps) {
    if (!names.empty()) names += ", ";
    names += name;
  }
  return names;
}

}  // namespace forkcast::preprocessing
