#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json_node.hpp"

/// Forecasters that learn from a key's own history, beside trainers, which learn from rows of
/// features. A method learns a few numbers of each key; the forecast is worked out anew from them
/// and from all values up to the origin, so that a value that comes after the training counts at
/// once.
namespace forkcast::model {

/// Memory that forecasts are worked out in: one object a thread, kept for the next one.
struct HistoryScratch {
  std::vector<double> known;    ///< The caller's: values, where they do not lie one behind another.
  std::vector<double> steps;    ///< The caller's: more steps than were asked for.
  std::vector<double> history;  ///< A forecaster's.
  std::vector<double> state;    ///< The same.
};

/// Forecasts one key by what was learned of it. Never changes; thread-safe.
class SeriesForecaster {
 public:
  virtual ~SeriesForecaster() = default;
  /// The periods 1 .. out.size() after the last of `history`: values from the first that was
  /// learned from up to the origin, one a period, oldest first, NaN where missing; there may be
  /// more of them than were learned from, or fewer. NaN where there is no forecast.
  virtual void Forecast(std::span<const double> history, std::span<double> out,
                        HistoryScratch& scratch) const = 0;
};

/// What was learned of one key, as it is published (../forecast/FORMAT.md).
struct LearnedSeries {
  std::string
      form;  ///< The model that was chosen, "ETS(A,N,A)", or what stands in for it, "naive".
  std::vector<double> parameters{};  ///< Finite; what they mean is the form's.
  std::string remark{};              ///< Why something stands in; empty: nothing does.

  friend bool operator==(const LearnedSeries&, const LearnedSeries&) = default;
};

/// An algorithm with its options. Never changes; thread-safe. The same values give the same bits.
class HistoryMethod {
 public:
  virtual ~HistoryMethod() = default;
  /// False: it has nothing to learn, so that it forecasts keys that came after the training, too.
  [[nodiscard]] virtual bool learns() const noexcept = 0;
  /// Of the values of one key in the periods of training, as SeriesForecaster::Forecast() takes
  /// them. A history that it cannot be fitted to (too short, constant, mostly 0) gets something
  /// simpler, and `remark` says why. Precondition: some value is there.
  [[nodiscard]] virtual LearnedSeries Learn(std::span<const double> history) const = 0;
  /// What forecasts by it. kCorrupt for a form or parameters that Learn() does not give.
  [[nodiscard]] virtual Result<std::unique_ptr<const SeriesForecaster>> Make(
      const LearnedSeries& learned) const = 0;
};

/// A file with a method, and a row of the table in history_method.cpp.
struct HistoryMethodKind {
  std::string_view name;  ///< What "algorithm" says.
  /// Of the object that has "algorithm" and the method's options. Throws SpecError naming the path.
  std::unique_ptr<const HistoryMethod> (*make)(const preprocessing::JsonNode& declaration);
};

/// Every method, in the order in which users see them.
[[nodiscard]] std::span<const HistoryMethodKind> HistoryMethodKinds() noexcept;

/// The method that `declaration` names by "algorithm"; null when that names none of them. Throws
/// SpecError.
[[nodiscard]] std::unique_ptr<const HistoryMethod> FindHistoryMethod(
    const preprocessing::JsonNode& declaration);

}  // namespace forkcast::model
