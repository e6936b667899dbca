#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace forkcast::model {

/// How a component of exponential smoothing enters the forecast.
enum class EtsComponent { kNone, kAdditive, kMultiplicative };

/// A model of exponential smoothing in the taxonomy of Hyndman, Koehler, Ord and Snyder 2008:
/// error, trend (none or additive), season.
struct EtsForm {
  EtsComponent error = EtsComponent::kAdditive;  ///< Never none.
  bool has_trend = false;
  bool is_damped = false;  ///< Of a trend.
  EtsComponent season = EtsComponent::kNone;

  friend bool operator==(const EtsForm&, const EtsForm&) = default;
};

/// "ETS(A,N,N)", "ETS(M,Ad,M)".
[[nodiscard]] std::string NameOf(const EtsForm& form);
[[nodiscard]] std::optional<EtsForm> ParseEtsForm(std::string_view name);

/// Smoothing parameters and the state before the first value.
struct EtsModel {
  EtsForm form;
  double alpha = 0;  ///< Of the level.
  double beta = 0;   ///< Of the trend.
  double gamma = 0;  ///< Of the season.
  double phi = 1;    ///< What a damped trend keeps each period.
  double level = 0;
  double growth = 0;
  std::vector<double> season{};  ///< By phase; phase 0 is that of the first value.
};

/// Which models may be chosen.
struct EtsChoice {
  std::size_t season = 1;  ///< Periods; 1: none.
  bool additive_error = true;
  bool multiplicative_error = true;
  bool without_trend = true;
  bool plain_trend = true;
  bool damped_trend = true;
  bool without_season = true;
  bool additive_season = true;
  bool multiplicative_season = true;
};

/// The model of the least AICc among those allowed, each fitted by maximum likelihood (section 5 of
/// the book; the initial states from a decomposition and a line, as in section 2.6). Models that
/// multiply are left out where a value is 0 or less, an additive error is not joined to a
/// multiplicative season, and what has nearly as many parameters as there are values is left out.
/// None where that leaves nothing. Precondition: all values finite.
[[nodiscard]] std::optional<EtsModel> FitEts(std::span<const double> values,
                                             const EtsChoice& choice);

/// The periods after `values`, by the model's state behind them. `season` is scratch.
void ForecastEts(const EtsModel& model, std::span<const double> values, std::span<double> out,
                 std::vector<double>& season);

}  // namespace forkcast::model
