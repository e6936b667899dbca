#include "model/history/ets_method.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "model/history/baseline_method.hpp"
#include "model/history/exponential_smoothing.hpp"
#include "model/history/intact_history.hpp"

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;

/// Fewer cannot be told from chance: the simplest model has three parameters.
constexpr std::size_t kLeastValues = 7;
/// alpha, beta, gamma, phi, level, growth; then the season.
constexpr std::size_t kParameters = 6;

class EtsForecaster final : public SeriesForecaster {
 public:
  explicit EtsForecaster(EtsModel model) : model_(std::move(model)) {}

  void Forecast(std::span<const double> history, std::span<double> out,
                HistoryScratch& scratch) const override {
    const auto is_there = [](double value) { return !std::isnan(value); };
    if (std::ranges::none_of(history, is_there)) {
      return ForecastEts(model_, {}, out, scratch.state);
    }
    ForecastEts(model_, IntactHistory(history, scratch.history), out, scratch.state);
  }

 private:
  EtsModel model_;
};

class EtsMethod final : public HistoryMethod {
 public:
  explicit EtsMethod(const EtsChoice& choice) : choice_(choice) {}

  [[nodiscard]] bool learns() const noexcept override { return true; }

  [[nodiscard]] LearnedSeries Learn(std::span<const double> history) const override {
    if (auto simpler = StandIn(history, kLeastValues)) return *std::move(simpler);
    std::vector<double> filled;
    const std::optional<EtsModel> model = FitEts(IntactHistory(history, filled), choice_);
    if (!model) {
      return {.form = "naive", .remark = "no model of those allowed can be fitted to its values"};
    }
    LearnedSeries learned{.form = NameOf(model->form),
                          .parameters = {model->alpha, model->beta, model->gamma, model->phi,
                                         model->level, model->growth}};
    learned.parameters.insert(learned.parameters.end(), model->season.begin(), model->season.end());
    return learned;
  }

  [[nodiscard]] Result<std::unique_ptr<const SeriesForecaster>> Make(
      const LearnedSeries& learned) const override {
    if (auto simpler = MakeStandIn(learned)) return simpler;
    const std::optional<EtsForm> form = ParseEtsForm(learned.form);
    if (!form) return Error{ErrorCode::kCorrupt, "no form of exponential smoothing"};
    const std::span<const double> given = learned.parameters;
    const bool has_season = form->season != EtsComponent::kNone;
    if (given.size() != kParameters + (has_season ? choice_.season : 0) || given[0] <= 0) {
      return Error{ErrorCode::kCorrupt, "not the parameters of its form"};
    }
    return std::unique_ptr<const SeriesForecaster>(
        new EtsForecaster(EtsModel{.form = *form,
                                   .alpha = given[0],
                                   .beta = given[1],
                                   .gamma = given[2],
                                   .phi = given[3],
                                   .level = given[4],
                                   .growth = given[5],
                                   .season = {given.begin() + kParameters, given.end()}}));
  }

 private:
  EtsChoice choice_;
};

/// One letter of "ZZZ": calls that of A, M and N that it allows.
struct Letters {
  bool none = true;
  bool additive = true;
  bool multiplicative = true;
};
Letters ReadLetter(const JsonNode& node, char letter) {
  switch (letter) {
    case 'Z':
      return {};
    case 'N':
      return {.none = true, .additive = false, .multiplicative = false};
    case 'A':
      return {.none = false, .additive = true, .multiplicative = false};
    case 'M':
      return {.none = false, .additive = false, .multiplicative = true};
    default:
      node.Fail("expected three letters of A, M, N and Z, such as \"ZZZ\" or \"MAM\"");
  }
}

void ReadModel(const JsonNode& node, EtsChoice& choice) {
  const std::string letters = node.String();
  if (letters.size() != 3) ReadLetter(node, '?');
  const Letters error = ReadLetter(node, letters[0]);
  const Letters trend = ReadLetter(node, letters[1]);
  const Letters season = ReadLetter(node, letters[2]);
  if (!error.additive && !error.multiplicative) node.Fail("the error cannot be N: A, M or Z");
  if (!trend.none && !trend.additive) {
    node.Fail("a trend that multiplies grows beyond all bounds: N, A or Z");
  }
  if (!error.multiplicative && !season.none && !season.additive) {
    node.Fail("an additive error beside a multiplicative season is not stable: \"MZM\" or \"AZA\"");
  }
  if (choice.season < 2 && !season.none) {
    node.Fail("a season needs \"season\", the number of its periods");
  }
  choice.additive_error = error.additive;
  choice.multiplicative_error = error.multiplicative;
  choice.without_trend = trend.none;
  choice.plain_trend = choice.damped_trend = trend.additive;
  choice.without_season = season.none;
  choice.additive_season = season.additive;
  choice.multiplicative_season = season.multiplicative;
}

}  // namespace

std::unique_ptr<const HistoryMethod> MakeEts(const JsonNode& declaration) {
  declaration.RequireObject({"algorithm", "threads", "season", "model", "damped"});
  EtsChoice choice;
  constexpr std::int64_t kMostPeriods = 1000;
  if (const auto season = declaration.Find("season")) {
    choice.season = static_cast<std::size_t>(season->Integer(1, kMostPeriods));
  }
  if (const auto model = declaration.Find("model")) ReadModel(*model, choice);
  if (const auto damped = declaration.Find("damped")) {
    if (!choice.plain_trend) damped->Fail("a model without trend has nothing to damp");
    (damped->Bool() ? choice.plain_trend : choice.damped_trend) = false;
  }
  return std::make_unique<const EtsMethod>(choice);
}

}  // namespace forkcast::model
