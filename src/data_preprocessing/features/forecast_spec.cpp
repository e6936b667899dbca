#include "data_preprocessing/features/forecast_spec.hpp"

#include <array>
#include <utility>

namespace forkcast::preprocessing {
namespace {

constexpr std::array<std::pair<std::string_view, ForecastStrategy>, 4> kStrategies{
    {{"direct", ForecastStrategy::kDirect},
     {"shared", ForecastStrategy::kShared},
     {"recursive", ForecastStrategy::kRecursive},
     {"pooled", ForecastStrategy::kPooled}}};

}  // namespace

std::string_view ToString(ForecastStrategy strategy) noexcept {
  return kStrategies[static_cast<std::size_t>(strategy)].first;
}

std::optional<ForecastStrategy> ForecastStrategyFromString(std::string_view name) noexcept {
  for (const auto& [known, strategy] : kStrategies) {
    if (known == name) return strategy;
  }
  return std::nullopt;
}

}  // namespace forkcast::preprocessing
