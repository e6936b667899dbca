#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace forkcast::model {

/// The Theta models of Fiorucci et al. 2016, in which the method of Assimakopoulos and Nikolopoulos
/// 2000 is the standard one.
enum class ThetaVariant {
  kStandard,          ///< Theta 2, the line through all values.
  kOptimized,         ///< Theta is fitted, too.
  kDynamic,           ///< Theta 2, a line that follows the values.
  kDynamicOptimized,  ///< Both.
};

/// "standard", "optimized", "dynamic", "dynamic_optimized".
[[nodiscard]] std::string_view ToString(ThetaVariant variant) noexcept;
[[nodiscard]] std::optional<ThetaVariant> ParseThetaVariant(std::string_view name) noexcept;

struct ThetaModel {
  ThetaVariant variant = ThetaVariant::kStandard;
  double level = 0;  ///< Before the first value.
  double alpha = 0.5;
  double theta = 2;
};

/// Fitted by least squares of the errors of one step, the first three left out. Precondition: at
/// least 4 values, all finite; without a season.
[[nodiscard]] ThetaModel FitTheta(std::span<const double> values, ThetaVariant variant);

/// What FitTheta() makes small: the sum of squared errors of one step, the first three left out,
/// over the mean size of a value.
[[nodiscard]] double ErrorOf(const ThetaModel& model, std::span<const double> values);

/// The periods after `values`. Precondition: a value is there, all finite.
void ForecastTheta(const ThetaModel& model, std::span<const double> values, std::span<double> out);

}  // namespace forkcast::model
