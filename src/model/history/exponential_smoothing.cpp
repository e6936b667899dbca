#include "model/history/exponential_smoothing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "model/history/nelder_mead.hpp"
#include "model/history/seasonal_decomposition.hpp"

// Every fit runs the recursions some hundred times over the history, and a choice has up to 15
// fits: so the loop over values is compiled once for each kind of error and season, keeps a
// season's states where they are (a period's phase chooses one) and takes few logarithms.
namespace forkcast::model {
namespace {

constexpr double kTiny = 1e-10;
constexpr double kHuge = 1e10;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

char LetterOf(EtsComponent component) {
  switch (component) {
    case EtsComponent::kNone:
      return 'N';
    case EtsComponent::kAdditive:
      return 'A';
    case EtsComponent::kMultiplicative:
      return 'M';
  }
  return 'N';
}

double Divide(double value, double by) { return std::abs(by) < kTiny ? kHuge : value / by; }

/// Adds up logarithms, a few hundred at a time as their product.
class LogSum {
 public:
  void Add(double value) {
    product_ *= value > 0 ? value : kTiny;
    if (product_ > 1e-200 && product_ < 1e200) return;
    sum_ += std::log(product_);
    product_ = 1;
  }
  [[nodiscard]] double sum() const { return sum_ + std::log(product_); }

 private:
  double product_ = 1;
  double sum_ = 0;
};

/// What changes from period to period.
struct State {
  double level = 0;
  double growth = 0;
  std::span<double> season{};  // by phase
  std::size_t phase = 0;       // of the next period
};

/// The one-step forecasts of a model over values; `visit(value, forecast)` sees each.
template <EtsComponent kSeason, typename Visit>
void Smooth(const EtsModel& model, std::span<const double> values, State& state,
            const Visit& visit) {
  const double growth_share = model.form.has_trend ? model.beta / model.alpha : 0;
  const double phi = model.form.has_trend ? model.phi : 0;
  for (const double value : values) {
    const double carried = phi * state.growth;
    const double base = state.level + carried;
    double adjusted = value;
    if constexpr (kSeason == EtsComponent::kNone) {
      visit(value, base);
    } else {
      double& index = state.season[state.phase];
      double phase_value = 0;
      if constexpr (kSeason == EtsComponent::kAdditive) {
        visit(value, base + index);
        adjusted = value - index;
        phase_value = value - base;
      } else {
        visit(value, base * index);
        adjusted = Divide(value, index);
        phase_value = Divide(value, base);
      }
      index += model.gamma * (phase_value - index);
      state.phase = state.phase + 1 == state.season.size() ? 0 : state.phase + 1;
    }
    const double level = base + model.alpha * (adjusted - base);
    state.growth = carried + growth_share * (level - state.level - carried);
    state.level = level;
  }
}

template <typename Visit>
void Smooth(const EtsModel& model, std::span<const double> values, State& state,
            const Visit& visit) {
  switch (model.form.season) {
    case EtsComponent::kNone:
      return Smooth<EtsComponent::kNone>(model, values, state, visit);
    case EtsComponent::kAdditive:
      return Smooth<EtsComponent::kAdditive>(model, values, state, visit);
    case EtsComponent::kMultiplicative:
      return Smooth<EtsComponent::kMultiplicative>(model, values, state, visit);
  }
}

/// -2 log likelihood, but for what is the same for all models. `season` is scratch.
double Deviance(const EtsModel& model, std::span<const double> values,
                std::vector<double>& season) {
  season.assign(model.season.begin(), model.season.end());
  State state{.level = model.level, .growth = model.growth, .season = season};
  double squares = 0;
  const auto n = static_cast<double>(values.size());
  if (model.form.error == EtsComponent::kAdditive) {
    Smooth(model, values, state, [&](double value, double forecast) {
      const double error = value - forecast;
      squares += error * error;
    });
    return n * std::log(std::max(squares, 1e-8));
  }
  LogSum logs;
  Smooth(model, values, state, [&](double value, double forecast) {
    const double error =
        (value - forecast) / (std::abs(forecast) < kTiny ? forecast + kTiny : forecast);
    squares += error * error;
    logs.Add(std::abs(forecast));
  });
  return n * std::log(std::max(squares, 1e-8)) + 2 * logs.sum();
}

/// The line through values by their number from 1 on: {intercept, slope}.
std::pair<double, double> Line(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  const double mean_x = (n + 1) / 2;
  const double mean_y = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double xy = 0;
  double xx = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double x = static_cast<double>(i + 1) - mean_x;
    xy += x * (values[i] - mean_y);
    xx += x * x;
  }
  const double slope = xx > 0 ? xy / xx : 0;
  return {mean_y - slope * mean_x, slope};
}

/// What the phases add or multiply by, to begin with: from a decomposition or, where the history is
/// shorter than three seasons, from the first season's distance to a line through all.
std::vector<double> FirstSeason(std::span<const double> values, std::size_t season,
                                EtsComponent component) {
  const bool multiplies = component == EtsComponent::kMultiplicative;
  if (values.size() >= 3 * season) {
    return SeasonalIndices(values, season,
                           multiplies ? Seasonality::kMultiplicative : Seasonality::kAdditive);
  }
  const auto [intercept, slope] = Line(values);
  std::vector<double> indices(season);
  for (std::size_t i = 0; i < season; ++i) {
    const double at_line = intercept + slope * static_cast<double>(i + 1);
    indices[i] = multiplies ? Divide(values[i], at_line) : values[i] - at_line;
  }
  const double mean =
      std::accumulate(indices.begin(), indices.end(), 0.0) / static_cast<double>(season);
  for (double& index : indices) index = multiplies ? Divide(index, mean) : index - mean;
  return indices;
}

/// Fits one form.
class EtsFit {
 public:
  EtsFit(std::span<const double> values, const EtsForm& form, std::size_t season)
      : values_(values) {
    model_.form = form;
    SetFirstState(form.season == EtsComponent::kNone ? 1 : season);
  }

  /// As many as are estimated, the variance of the errors among them.
  [[nodiscard]] std::size_t parameters() const noexcept { return variables_.size() + 1; }

  [[nodiscard]] std::pair<EtsModel, double> operator()() {
    std::vector<double> season;
    EtsModel tried = model_;
    const auto deviance = [&](std::span<const double> point) {
      Put(point, tried);
      if (tried.form.season == EtsComponent::kMultiplicative &&
          *std::ranges::min_element(tried.season) < 0) {
        return kInfinity;
      }
      const double value = Deviance(tried, values_, season);
      return std::isnan(value) ? kInfinity : value;
    };
    const Minimum least = NelderMead(deviance, variables_)();
    Put(least.at, model_);
    return {model_, least.value};
  }

 private:
  void SetFirstState(std::size_t season) {
    const EtsForm& form = model_.form;
    constexpr double kLeast = 1e-4;
    constexpr double kGreatest = 1 - 1e-4;
    const auto within = [](double least, double greatest, double share) {
      return Variable{least + share * (greatest - least), least, greatest};
    };
    variables_.push_back(within(kLeast, kGreatest, 0.2 / static_cast<double>(season)));
    const double alpha = variables_.front().start;
    if (form.has_trend) variables_.push_back(within(kLeast, alpha, 0.1));
    const bool has_season = form.season != EtsComponent::kNone;
    if (has_season) variables_.push_back(within(kLeast, std::min(kGreatest, 1 - alpha), 0.05));
    constexpr double kLeastDamping = 0.8;
    constexpr double kGreatestDamping = 0.98;
    if (form.is_damped) variables_.push_back(within(kLeastDamping, kGreatestDamping, 0.99));

    std::vector<double> adjusted(values_.begin(), values_.end());
    if (has_season) {
      model_.season = FirstSeason(values_, season, form.season);
      constexpr double kLeastFactor = 1e-2;
      for (std::size_t i = 0; i < adjusted.size(); ++i) {
        double& index = model_.season[i % season];
        if (form.season == EtsComponent::kMultiplicative) {
          index = std::max(index, kLeastFactor);
          adjusted[i] /= index;
        } else {
          adjusted[i] -= index;
        }
      }
    }
    const auto first =
        std::span(adjusted).first(std::min(adjusted.size(), std::max<std::size_t>(10, 2 * season)));
    const auto [intercept, slope] = Line(first);
    const double mean =
        std::accumulate(first.begin(), first.end(), 0.0) / static_cast<double>(first.size());
    AddState(form.has_trend ? intercept : mean);
    if (form.has_trend) AddState(slope);
    // The season of the first period follows from all the others.
    for (std::size_t phase = season - 1; has_season && phase > 0; --phase) {
      AddState(model_.season[phase]);
    }
  }

  void AddState(double start) { variables_.push_back({start, -kInfinity, kInfinity}); }

  /// The variables of a point, in the order in which SetFirstState() made them.
  void Put(std::span<const double> point, EtsModel& model) const {
    std::size_t next = 0;
    model.alpha = point[next++];
    if (model.form.has_trend) model.beta = point[next++];
    if (model.form.season != EtsComponent::kNone) model.gamma = point[next++];
    if (model.form.is_damped) model.phi = point[next++];
    model.level = point[next++];
    if (model.form.has_trend) model.growth = point[next++];
    if (model.form.season == EtsComponent::kNone) return;
    double rest = model.form.season == EtsComponent::kMultiplicative
                      ? static_cast<double>(model.season.size())
                      : 0;
    for (std::size_t phase = model.season.size() - 1; phase > 0; --phase) {
      model.season[phase] = point[next++];
      rest -= model.season[phase];
    }
    model.season[0] = rest;
  }

  std::span<const double> values_;
  EtsModel model_;
  std::vector<Variable> variables_;
};

/// The forms that may be tried, simple ones first: of equals the first is chosen.
std::vector<EtsForm> FormsOf(const EtsChoice& choice, bool is_positive) {
  std::vector<EtsForm> forms;
  const auto add = [&](const EtsForm& form) {
    const bool multiplies =
        form.error == EtsComponent::kMultiplicative || form.season == EtsComponent::kMultiplicative;
    if (multiplies && !is_positive) return;
    if (form.error == EtsComponent::kAdditive && form.season == EtsComponent::kMultiplicative) {
      return;
    }
    forms.push_back(form);
  };
  const auto seasons = [&](EtsForm form) {
    form.season = EtsComponent::kNone;
    if (choice.without_season || choice.season < 2) add(form);
    if (choice.season < 2) return;
    form.season = EtsComponent::kAdditive;
    if (choice.additive_season) add(form);
    form.season = EtsComponent::kMultiplicative;
    if (choice.multiplicative_season) add(form);
  };
  const auto trends = [&](EtsComponent error) {
    if (choice.without_trend) seasons({.error = error});
    if (choice.damped_trend) seasons({.error = error, .has_trend = true, .is_damped = true});
    if (choice.plain_trend) seasons({.error = error, .has_trend = true});
  };
  if (choice.additive_error) trends(EtsComponent::kAdditive);
  if (choice.multiplicative_error) trends(EtsComponent::kMultiplicative);
  return forms;
}

}  // namespace

std::string NameOf(const EtsForm& form) {
  return fmt::format("ETS({},{}{},{})", LetterOf(form.error), form.has_trend ? "A" : "N",
                     form.is_damped ? "d" : "", LetterOf(form.season));
}

std::optional<EtsForm> ParseEtsForm(std::string_view name) {
  for (const EtsForm& form : FormsOf({.season = 2}, true)) {
    if (NameOf(form) == name) return form;
  }
  return std::nullopt;
}

std::optional<EtsModel> FitEts(std::span<const double> values, const EtsChoice& choice) {
  const auto n = static_cast<double>(values.size());
  EtsChoice possible = choice;
  if (values.size() <= choice.season) possible.season = 1;
  std::optional<EtsModel> best;
  double least = kInfinity;
  for (const EtsForm& form : FormsOf(possible, *std::ranges::min_element(values) > 0)) {
    EtsFit fit(values, form, possible.season);
    const auto k = static_cast<double>(fit.parameters());
    if (k >= n - 1) continue;
    auto [model, deviance] = fit();
    const double aicc = deviance + 2 * k + 2 * k * (k + 1) / (n - k - 1);
    if (!(aicc < least)) continue;
    least = aicc;
    best = std::move(model);
  }
  return best;
}

void ForecastEts(const EtsModel& model, std::span<const double> values, std::span<double> out,
                 std::vector<double>& season) {
  season.assign(model.season.begin(), model.season.end());
  State state{.level = model.level, .growth = model.growth, .season = season};
  Smooth(model, values, state, [](double, double) {});
  double share = 0;
  double kept = 1;
  for (double& value : out) {
    kept *= model.phi;
    share += kept;
    value = state.level + (model.form.has_trend ? share * state.growth : 0);
    if (model.form.season == EtsComponent::kNone) continue;
    const double index = state.season[state.phase];
    value = model.form.season == EtsComponent::kAdditive ? value + index : value * index;
    state.phase = state.phase + 1 == state.season.size() ? 0 : state.phase + 1;
  }
}

}  // namespace forkcast::model
