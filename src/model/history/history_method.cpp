#include "model/history/history_method.hpp"

#include <algorithm>
#include <array>

#include "model/history/baseline_method.hpp"
#include "model/history/ets_method.hpp"
#include "model/history/theta_method.hpp"

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;

constexpr std::array kKinds{
    HistoryMethodKind{.name = "ets", .make = &MakeEts},
    HistoryMethodKind{.name = "theta", .make = &MakeTheta},
    HistoryMethodKind{.name = "zero", .make = &MakeBaselineMethod},
    HistoryMethodKind{.name = "naive", .make = &MakeBaselineMethod},
    HistoryMethodKind{.name = "seasonal_naive", .make = &MakeBaselineMethod},
    HistoryMethodKind{.name = "moving_average", .make = &MakeBaselineMethod},
    HistoryMethodKind{.name = "rolling_median", .make = &MakeBaselineMethod},
    HistoryMethodKind{.name = "historic_mean", .make = &MakeBaselineMethod},
    HistoryMethodKind{.name = "croston", .make = &MakeBaselineMethod},
    HistoryMethodKind{.name = "sba", .make = &MakeBaselineMethod},
    HistoryMethodKind{.name = "tsb", .make = &MakeBaselineMethod},
};

}  // namespace

std::span<const HistoryMethodKind> HistoryMethodKinds() noexcept { return kKinds; }

std::unique_ptr<const HistoryMethod> FindHistoryMethod(const JsonNode& declaration) {
  const std::string name = declaration.Get("algorithm").String();
  const auto* const kind = std::ranges::find(kKinds, name, &HistoryMethodKind::name);
  return kind == kKinds.end() ? nullptr : kind->make(declaration);
}

}  // namespace forkcast::model
