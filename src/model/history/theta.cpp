#include "model/history/theta.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "model/history/nelder_mead.hpp"

namespace forkcast::model {
namespace {

constexpr std::array<std::pair<ThetaVariant, std::string_view>, 4> kNames{
    {{ThetaVariant::kStandard, "standard"},
     {ThetaVariant::kOptimized, "optimized"},
     {ThetaVariant::kDynamic, "dynamic"},
     {ThetaVariant::kDynamicOptimized, "dynamic_optimized"}}};

bool IsDynamic(ThetaVariant variant) {
  return variant == ThetaVariant::kDynamic || variant == ThetaVariant::kDynamicOptimized;
}
bool IsOptimized(ThetaVariant variant) {
  return variant == ThetaVariant::kOptimized || variant == ThetaVariant::kDynamicOptimized;
}

/// The line A + B t, t from 1 on.
struct Line {
  double intercept = 0;
  double slope = 0;
};

Line LineThrough(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  double sum = 0;
  double weighted = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    sum += values[i];
    weighted += static_cast<double>(i + 1) * values[i];
  }
  if (values.size() < 2) return {.intercept = sum, .slope = 0};
  const double mean = sum / n;
  const double slope = 6 * (2 * weighted / n - (n + 1) * mean) / (n * n - 1);
  return {.intercept = mean - (n + 1) * slope / 2, .slope = slope};
}

/// The state behind some values, which gives the next one's forecast.
class ThetaState {
 public:
  ThetaState(const ThetaModel& model, const Line& line, double first)
      : alpha_(model.alpha),
        line_share_(1 - 1 / model.theta),
        is_dynamic_(IsDynamic(model.variant)),
        level_(model.alpha * first + (1 - model.alpha) * model.level),
        mean_(first),
        line_(is_dynamic_ ? Line{.intercept = first, .slope = 0} : line),
        faded_(1 - model.alpha) {}

  [[nodiscard]] double Next() const {
    return level_ + line_share_ * (line_.intercept * faded_ +
                                   line_.slope * (1 - faded_ * (1 - alpha_)) / alpha_);
  }
  void Update(double value) {
    level_ = alpha_ * value + (1 - alpha_) * level_;
    if (is_dynamic_) {
      const double before = mean_;
      mean_ = (count_ * mean_ + value) / (count_ + 1);
      line_.slope =
          ((count_ - 1) * line_.slope + 6 * (value - before) / (count_ + 1)) / (count_ + 2);
      line_.intercept = mean_ - line_.slope * (count_ + 2) / 2;
    }
    faded_ *= 1 - alpha_;
    ++count_;
  }

 private:
  double alpha_;
  double line_share_;
  bool is_dynamic_;
  double level_;
  double mean_;
  Line line_;
  double faded_;      // (1 - alpha) to the count_
  double count_ = 1;  // values seen
};

double ErrorOf(const ThetaModel& model, const Line& line, double size,
               std::span<const double> values) {
  constexpr std::size_t kLeftOut = 3;
  ThetaState state(model, line, values.front());
  double squares = 0;
  for (std::size_t i = 1; i < values.size(); ++i) {
    const double error = values[i] - state.Next();
    if (i >= kLeftOut) squares += error * error;
    state.Update(values[i]);
  }
  return squares / size;
}

double SizeOf(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += std::abs(value);
  return std::max(sum / static_cast<double>(values.size()), 1e-10);
}

}  // namespace

std::string_view ToString(ThetaVariant variant) noexcept {
  return std::ranges::find(kNames, variant, &std::pair<ThetaVariant, std::string_view>::first)
      ->second;
}

std::optional<ThetaVariant> ParseThetaVariant(std::string_view name) noexcept {
  for (const auto& [variant, text] : kNames) {
    if (text == name) return variant;
  }
  return std::nullopt;
}

double ErrorOf(const ThetaModel& model, std::span<const double> values) {
  return ErrorOf(model, LineThrough(values), SizeOf(values), values);
}

ThetaModel FitTheta(std::span<const double> values, ThetaVariant variant) {
  ThetaModel model{.variant = variant};
  std::vector<Variable> variables{{values.front() / 2, -1e10, 1e10}, {0.5, 0.1, 0.99}};
  if (IsOptimized(variant)) variables.push_back({2, 1, 1e10});
  const auto put = [&model](std::span<const double> point) {
    model.level = point[0];
    model.alpha = point[1];
    if (point.size() > 2) model.theta = point[2];
  };
  const Line line = LineThrough(values);
  const double size = SizeOf(values);
  const auto error = [&](std::span<const double> point) {
    put(point);
    return ErrorOf(model, line, size, values);
  };
  put(NelderMead(error, variables)().at);
  return model;
}

void ForecastTheta(const ThetaModel& model, std::span<const double> values, std::span<double> out) {
  ThetaState state(model, LineThrough(values), values.front());
  for (std::size_t i = 1; i < values.size(); ++i) state.Update(values[i]);
  for (double& value : out) {
    value = state.Next();
    state.Update(value);
  }
}

}  // namespace forkcast::model
