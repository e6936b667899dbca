#include "model/init/forecast_draft.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "model/init/draft_parts.hpp"
#include "model/init/shell_word.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::ColumnSpec;
using preprocessing::ColumnType;
using preprocessing::Period;
using preprocessing::PeriodFill;
using preprocessing::SeriesProfile;
using preprocessing::ToString;

/// What one writes for periods of a kind: as people who plan by them look back and ahead.
struct PeriodHabits {
  Period period;
  const char* series;  ///< What the series is called.
  int horizon;
  std::vector<int> lags;
  std::vector<int> windows;  ///< Of means.
  int usual;                 ///< Window of the median that a value is compared with.
  int season;                ///< The short one, of baselines.
  int year;
  std::vector<std::string> parts;       ///< Of the calendar.
  std::vector<std::string> year_parts;  ///< Those that need more than a year to be learned.
  int depth;                            ///< Of trees.
  int half_life;                        ///< Periods after which a row counts half; 0: all alike.
  const char* max_staleness;
};

const PeriodHabits& HabitsOf(Period period) {
  static const std::vector<PeriodHabits> kHabits{{.period = Period::kDay,
                                                  .series = "daily",
                                                  .horizon = 14,
                                                  .lags = {1, 2, 3, 4, 5, 6, 7, 14, 21, 28},
                                                  .windows = {7, 14, 28, 91, 364},
                                                  .usual = 56,
                                                  .season = 7,
                                                  .year = 364,
                                                  .parts = {"day_of_week", "day_of_month"},
                                                  .year_parts = {"iso_week", "month"},
                                                  .depth = 6,
                                                  .half_life = 0,
                                                  .max_staleness = "7d"},
                                                 {.period = Period::kWeek,
                                                  .series = "weekly",
                                                  .horizon = 4,
                                                  .lags = {1, 2, 3, 4},
                                                  .windows = {4, 8, 13, 26, 52},
                                                  .usual = 4,
                                                  .season = 52,
                                                  .year = 52,
                                                  .parts = {},
                                                  .year_parts = {"iso_week", "month"},
                                                  .depth = 4,
                                                  .half_life = 13,
                                                  .max_staleness = "4w"},
                                                 {.period = Period::kMonth,
                                                  .series = "monthly",
                                                  .horizon = 3,
                                                  .lags = {1, 2, 3, 6, 12},
                                                  .windows = {3, 6, 12},
                                                  .usual = 3,
                                                  .season = 12,
                                                  .year = 12,
                                                  .parts = {},
                                                  .year_parts = {"month"},
                                                  .depth = 3,
                                                  .half_life = 0,
                                                  .max_staleness = "13w"}};
  return kHabits[static_cast<std::size_t>(period)];
}

std::string DayText(std::chrono::sys_days day) {
  std::string text;
  AppendPeriodText(preprocessing::PeriodOf(day, Period::kDay), Period::kDay, text);
  return text;
}

/// A name in SQL.
std::string Quoted(const std::string& name) {
  std::string quoted = "\"";
  for (const char c : name) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

/// Those of at most `most`; at least the first.
std::vector<int> UpTo(const std::vector<int>& numbers, std::size_t most) {
  std::vector<int> kept;
  for (const int number : numbers) {
    if (kept.empty() || static_cast<std::size_t>(number) <= most) kept.push_back(number);
  }
  return kept;
}

/// `name`, unless one of the columns is called so.
std::string FreeName(std::string name, const std::vector<const ColumnProfile*>& columns) {
  const auto is_taken = [&] {
    return std::ranges::any_of(columns, [&](const auto* one) { return one->spec.name == name; });
  };
  while (is_taken()) name += "_";
  return name;
}

class ForecastDrafter {
 public:
  ForecastDrafter(const ProfiledFile& file, const ColumnRoles& roles, const DraftOptions& options)
      : file_(file),
        roles_(roles),
        options_(options),
        series_(*roles.series),
        period_(options.period.value_or(FittingPeriod())),
        habits_(HabitsOf(period_)),
        target_(roles.target->spec) {
    target_.nullable = target_.nullable || !roles.known.empty();
  }

  Result<PipelineDraft> Draft() {
    // The first and the last week or month may be partial, and are dropped.
    const std::size_t partial = period_ == Period::kDay ? 0 : 2;
    const std::size_t spanned = series_.Of(period_).periods;
    periods_ = spanned > partial ? spanned - partial : 0;
    if (periods_ < kFewestPeriods) return TooFew();
    horizon_ =
        options_.horizon.value_or(std::clamp(static_cast<int>(periods_ / 8), 1, habits_.horizon));
    if (periods_ < 3 * static_cast<std::size_t>(horizon_)) return TooFew();
    draft_.choices = roles_.choices;
    ChooseRows();
    WriteSections();
    Warn();
    Describe();
    draft_.question = Question();
    return std::move(draft_);
  }

 private:
  static constexpr std::size_t kFewestPeriods = 8;

  /// The shortest period of which most hold rows, and of which there are enough to learn from.
  [[nodiscard]] Period FittingPeriod() const {
    const auto fits = [this](Period period, double share, std::size_t periods) {
      const PeriodFill& fill = series_.Of(period);
      return fill.share >= share && fill.periods >= periods;
    };
    if (fits(Period::kDay, 0.5, 0)) return Period::kDay;
    if (fits(Period::kWeek, 0.3, 10)) return Period::kWeek;
    if (fits(Period::kMonth, 0.2, 10)) return Period::kMonth;
    return series_.Of(Period::kWeek).periods >= 20 ? Period::kWeek : Period::kDay;
  }

  [[nodiscard]] Error TooFew() const {
    const std::size_t needed =
        std::max(kFewestPeriods, 3 * static_cast<std::size_t>(std::max(horizon_, 1)));
    return {ErrorCode::kInvalidArgument,
            fmt::format("{}: rows from {} to {} make {}, and {} are needed to learn from and "
                        "to judge by{}",
                        file_.path.string(), DayText(series_.first), DayText(series_.last),
                        Counted(periods_, fmt::format("whole {}", ToString(period_))), needed,
                        period_ == Period::kDay ? "" : "; shorter ones: --period day")};
  }

  [[nodiscard]] bool MayBeNegative() const {
    return roles_.target->negative > 0 && !leaves_out_negative_;
  }

  void ChooseRows() {
    is_panel_ = series_.Of(period_).has_one_row_each;
    const ColumnProfile& target = *roles_.target;
    // A few numbers below 0 among rows that are added up are returns and corrections.
    leaves_out_negative_ =
        !is_panel_ && target.negative > 0 && target.negative * 10 < file_.table.rows;
    if (leaves_out_negative_) conditions_.push_back(Quoted(target.spec.name) + " >= 0");
    for (const ColumnProfile* const one : roles_.key) {
      if (one->spec.nullable) conditions_.push_back(Quoted(one->spec.name) + " IS NOT NULL");
    }
    if (roles_.time->spec.nullable) {
      conditions_.push_back(Quoted(roles_.time->spec.name) + " IS NOT NULL");
    }
    time_field_ = FreeName("time", roles_.key);
    rows_ = FreeName("rows", {roles_.target});
    for (const ColumnProfile* const one : roles_.key) key_.push_back(one->spec.name);
  }

  void WriteSections() {
    std::vector<const ColumnProfile*> needed = roles_.key;
    needed.push_back(roles_.time);
    needed.push_back(roles_.target);
    needed.insert(needed.end(), roles_.known.begin(), roles_.known.end());
    const bool has_key = series_.repeated == 0U && conditions_.empty();
    std::vector<std::string> table_key;
    if (has_key) {
      for (const ColumnProfile* const one : roles_.key) table_key.push_back(one->spec.name);
      table_key.push_back(roles_.time->spec.name);
    }
    ordered_json& document = draft_.document;
    document = BeginDocument(file_, needed, table_key, options_);
    document["tables"][options_.table]["columns"][target_.name] = WrittenColumnJson(target_);
    document["series"][habits_.series] = SeriesJson();
    WritePlan();
    ordered_json fields = ordered_json::object();
    for (const ColumnProfile* const one : roles_.key) {
      fields[one->spec.name] = std::string(ToString(one->spec.type));
    }
    fields[time_field_] = "timestamp";
    document["request"] = {{"fields", fields}, {"time", time_field_}};
    document["forecast"] = {{"series", habits_.series},
                            {"value", roles_.target->spec.name},
                            {"horizon", horizon_},
                            {"strategy", HasModelEachStep() ? "direct" : "shared"}};
    document["features"] = Features();
    document["training"] = Training();
  }

  /// The rows of the table that meet `conditions`, by what they are read for.
  [[nodiscard]] ordered_json Source(const std::vector<ColumnSpec>& values,
                                    const std::vector<std::string>& conditions) const {
    if (conditions.empty()) return {{"table", options_.table}};
    std::vector<std::string> names;
    ordered_json columns = ordered_json::object();
    std::vector<const ColumnProfile*> read = roles_.key;
    read.push_back(roles_.time);
    for (const ColumnProfile* const one : read) {
      names.push_back(Quoted(one->spec.name));
      columns[one->spec.name] = std::string(ToString(one->spec.type));
    }
    for (const ColumnSpec& one : values) {
      names.push_back(Quoted(one.name));
      columns[one.name] = ColumnJson(one);
    }
    ordered_json query =
        fmt::format("SELECT {} FROM {}", fmt::join(names, ", "), Quoted(options_.table));
    query = {query, fmt::format("WHERE {}", fmt::join(conditions, " AND "))};
    return {{"query", query}, {"columns", columns}};
  }

  [[nodiscard]] ordered_json SeriesJson() const {
    ordered_json series{
        {"description",
         is_panel_ ? fmt::format("One row of a key and {}. A {} without one is missing.",
                                 ToString(period_), ToString(period_))
                   : fmt::format("The rows of a key and {} added up; for a price or a temperature "
                                 "write \"mean\" in place of \"sum\". A {} without rows is 0.",
                                 ToString(period_), ToString(period_))}};
    std::vector<std::string> conditions = conditions_;
    // What has no value yet is there for its plan alone.
    if (!roles_.known.empty()) conditions.push_back(Quoted(target_.name) + " IS NOT NULL");
    series.update(Source({target_}, conditions));
    series["key"] = key_;
    series["time"] = roles_.time->spec.name;
    ordered_json value{{"op", is_panel_ ? "only" : "sum"}};
    if (!is_panel_) value["empty"] = 0;
    ordered_json values{{roles_.target->spec.name, value}};
    if (!is_panel_) values[rows_] = {{"op", "count"}};
    series["aggregate"] = {{"period", std::string(ToString(period_))}, {"values", values}};
    series["max_staleness"] = habits_.max_staleness;
    series["when_stale"] = "flag";
    return series;
  }

  [[nodiscard]] std::vector<const ColumnProfile*> PlannedNumbers() const {
    std::vector<const ColumnProfile*> numbers;
    for (const ColumnProfile* const one : roles_.known) {
      if (one->is_number() || one->spec.type == ColumnType::kBool) numbers.push_back(one);
    }
    return numbers;
  }
  [[nodiscard]] std::vector<const ColumnProfile*> PlannedTexts() const {
    std::vector<const ColumnProfile*> texts;
    for (const ColumnProfile* const one : roles_.known) {
      if (one->spec.type == ColumnType::kText) texts.push_back(one);
    }
    return texts;
  }

  /// Series of what is known in advance: numbers by period, texts as they come.
  void WritePlan() {
    const auto write = [this](const char* name, const std::vector<const ColumnProfile*>& columns,
                              const char* member, const ordered_json& values) {
      if (columns.empty()) return;
      ordered_json plan{{"description",
                         "Known in advance: give ingest the rows of the time that "
                         "is to be forecast, too."}};
      std::vector<ColumnSpec> specs;
      for (const ColumnProfile* const one : columns) specs.push_back(one->spec);
      plan.update(Source(specs, conditions_));
      plan["key"] = key_;
      plan["time"] = roles_.time->spec.name;
      plan["known_in_advance"] = true;
      plan[member] = values;
      plan["max_staleness"] = "unlimited";
      draft_.document["series"][name] = plan;
    };
    ordered_json values = ordered_json::object();
    for (const ColumnProfile* const one : PlannedNumbers())
      values[one->spec.name] = {{"op", "mean"}};
    write("plan", PlannedNumbers(), "aggregate",
          {{"period", std::string(ToString(period_))}, {"values", values}});
    ordered_json texts = ordered_json::array();
    for (const ColumnProfile* const one : PlannedTexts()) texts.push_back(one->spec.name);
    write("plan_words", PlannedTexts(), "values", texts);
  }

  /// What the usual value is of: periods like the target's.
  [[nodiscard]] ordered_json Likeness() const {
    ordered_json match = ordered_json::array();
    if (period_ == Period::kDay) match.push_back("day_of_week");
    for (const ColumnProfile* const one : PlannedNumbers()) {
      if (one->distinct > 2 || match.size() > 2) continue;
      match.push_back({{"series", "plan"}, {"value", one->spec.name}});
    }
    return match;
  }

  [[nodiscard]] ordered_json Rolling(const std::string& name, const char* statistic,
                                     const ordered_json& window) const {
    return {{"name", name},     {"op", "rolling"}, {"statistic", statistic},
            {"window", window}, {"min_count", 1},  {"missing", "keep"}};
  }

  [[nodiscard]] ordered_json Features() const {
    ordered_json features = ordered_json::array();
    std::vector<std::string> parts = habits_.parts;
    if (HasYear()) {
      parts.insert(parts.end(), habits_.year_parts.begin(), habits_.year_parts.end());
    }
    if (!parts.empty()) {
      features.push_back({{"op", "calendar"}, {"part", parts}, {"at", "target"}});
    }
    AddPlanned(features);
    const std::vector<int> lags = UpTo(habits_.lags, Reach());
    const std::vector<int> windows = UpTo(habits_.windows, Reach());
    features.push_back({{"name", "lag"}, {"op", "lag"}, {"periods", lags}, {"missing", "keep"}});
    features.push_back(Rolling("mean", "mean", windows));
    features.push_back(Rolling("median", "median", UpTo(windows, 28)));
    ordered_json spread = Rolling("std", "std", ordered_json::array({windows.back()}));
    spread["min_count"] = 2;
    features.push_back(spread);
    if (HasYear()) {
      features.push_back({{"name", "last_year"},
                          {"op", "seasonal_lag"},
                          {"season", habits_.year},
                          {"missing", "keep"}});
    }
    if (!is_panel_) {
      features.push_back(Rolling("rows_mean", "mean", windows.front()));
      features.back()["value"] = rows_;
      features.push_back({{"name", "nonzero_share"},
                          {"op", "nonzero_share"},
                          {"window", ordered_json::array({UpTo(windows, 28).back()})},
                          {"min_count", 1},
                          {"missing", "keep"}});
      features.push_back({{"name", "periods_since_last"},
                          {"op", "periods_since"},
                          {"limit", habits_.year},
                          {"missing", "keep"}});
    }
    AddUsual(features, windows);
    return features;
  }

  void AddPlanned(ordered_json& features) const {
    for (const auto& [series, columns] :
         {std::pair("plan", PlannedNumbers()), std::pair("plan_words", PlannedTexts())}) {
      if (columns.empty()) continue;
      ordered_json values = ordered_json::array();
      for (const ColumnProfile* const one : columns) values.push_back(one->spec.name);
      features.push_back({{"name", "planned_{value}"},
                          {"op", "as_of"},
                          {"series", series},
                          {"value", values},
                          {"at", "target"}});
    }
  }

  /// What a forecast is the difference to, and what the others are in relation to it: so that one
  /// model does for keys of all sizes.
  void AddUsual(ordered_json& features, const std::vector<int>& windows) const {
    const ordered_json match = Likeness();
    const int least = match.empty() ? habits_.usual : 4 * habits_.usual;
    const int window =
        static_cast<int>(std::clamp<std::size_t>(Reach(), 2, static_cast<std::size_t>(least)));
    ordered_json like{{"name", "usual_mean"},
                      {"op", "rolling"},
                      {"statistic", "mean"},
                      {"window", window},
                      {"missing", "keep"}};
    ordered_json usual{
        {"name", "usual"}, {"op", "rolling"}, {"statistic", "median"}, {"window", window}};
    for (ordered_json* const one : {&like, &usual}) {
      if (match.empty()) {
        (*one)["min_count"] = 1;
      } else {
        (*one)["match"] = match;
      }
    }
    usual["missing"] = {{"value", 0}};
    features.push_back(like);
    features.push_back(usual);
    ordered_json left = ordered_json::array({"lag_1", "usual_mean"});
    for (const int one : windows) left.push_back(fmt::format("mean_{}", one));
    if (HasYear()) left.push_back("last_year");
    features.push_back({{"name", "{left}_ratio"},
                        {"op", "divide"},
                        {"left", left},
                        {"right", "usual"},
                        {"missing", "keep"}});
  }

  /// How far back features may look, so that there are rows to learn from behind.
  [[nodiscard]] std::size_t Reach() const { return std::max<std::size_t>(periods_ / 3, 1); }
  [[nodiscard]] bool HasYear() const {
    return periods_ >= static_cast<std::size_t>(habits_.year + habits_.year / 4 + horizon_);
  }

  [[nodiscard]] std::size_t RowsToLearn() const {
    return std::max<std::size_t>(series_.keys, 1) *
           std::min(periods_, LearnedPeriods().value_or(periods_));
  }

  /// The better way, where it does not take long.
  [[nodiscard]] bool HasModelEachStep() const {
    return RowsToLearn() * static_cast<std::size_t>(horizon_) <= kRowsOfAllModels;
  }

  /// Of all models of one training.
  [[nodiscard]] std::size_t RowsOfTraining() const {
    return RowsToLearn() * (HasModelEachStep() ? static_cast<std::size_t>(horizon_) : 1);
  }
  /// Whether so many rows that something is cut for the sake of time.
  [[nodiscard]] bool IsCut() const { return RowsOfTraining() > kRowsOfAllFolds; }
  [[nodiscard]] bool HasFastTrees() const { return RowsOfTraining() > kRowsOfSlowTrees; }

  /// Learning from the newest rows alone, where all of them would take long.
  [[nodiscard]] std::optional<std::size_t> LearnedPeriods() const {
    const std::size_t keys = std::max<std::size_t>(series_.keys, 1);
    if (keys * periods_ <= kRowsToLearn) return std::nullopt;
    return std::max({kRowsToLearn / keys, static_cast<std::size_t>(2 * horizon_), Reach() / 4});
  }

  [[nodiscard]] int DepthOfTrees() const {
    if (RowsToLearn() < kFewRows) return 3;
    return HasFastTrees() ? std::max(habits_.depth, 6) : habits_.depth;  // fewer ask for more
  }
  [[nodiscard]] std::size_t LeastOfALeaf() const {
    constexpr std::size_t kOfDeepTrees = 200;
    return HasFastTrees() ? kOfDeepTrees : std::clamp<std::size_t>(RowsToLearn() / 2000, 2, 50);
  }

  [[nodiscard]] ordered_json Training() const {
    const auto horizon = static_cast<std::size_t>(horizon_);
    const std::size_t splits =
        std::clamp<std::size_t>(periods_ / (2 * horizon), 1, IsCut() ? 3 : 5);
    const std::size_t rows = RowsToLearn();
    const bool has_few_trees = rows < kFewRows || HasFastTrees();
    ordered_json model{{"algorithm", "gradient_boosting"},
                       // Values that are measured lie around their mean; sums of rows are often 0,
                       // of which a mean says little, and whose medians take longer to learn.
                       {"objective", is_panel_ ? "squared_error" : "absolute_error"},
                       {"trees", has_few_trees ? 60 : 120},
                       {"max_depth", DepthOfTrees()},
                       {"learning_rate", HasFastTrees() ? 0.12 : 0.07},
                       {"min_child_weight", LeastOfALeaf()},
                       {"row_share", 0.8},
                       {"columns_per_tree", 0.6},
                       {"seed", 1}};
    ordered_json steps = ordered_json::array();
    if (!MayBeNegative()) steps.push_back("log1p");
    steps.push_back("difference");
    ordered_json target{{"transform", steps}, {"anchor", "usual"}};
    if (!MayBeNegative()) target["not_negative"] = true;
    ordered_json training{{"model", model}, {"target", target}};
    if (const auto window = LearnedPeriods()) training["window"] = *window;
    if (habits_.half_life > 0) training["half_life"] = habits_.half_life;
    if (!PlannedTexts().empty()) {
      for (const ColumnProfile* const one : PlannedTexts()) {
        training["transforms"][fmt::format("planned_{}", one->spec.name)] = {{"encode", "one_hot"}};
      }
    }
    training["folds"] = {{"n_splits", splits}};
    training["metric"] = MayBeNegative() ? "mae" : "wape";
    training["baselines"] = Baselines();
    training["mase_season"] = habits_.season < static_cast<int>(Reach()) ? habits_.season : 1;
    return training;
  }

  [[nodiscard]] ordered_json Baselines() const {
    ordered_json baselines = ordered_json::array({"naive", "historic_mean"});
    const std::vector<int> windows = UpTo(habits_.windows, std::min<std::size_t>(Reach(), 28));
    for (const char* const kind : {"moving_average", "rolling_median"}) {
      baselines.push_back({{kind, windows.front()}});
      if (windows.size() > 1) baselines.push_back({{kind, windows[1]}});
    }
    if (static_cast<std::size_t>(habits_.season) <= Reach()) {
      baselines.push_back({{"seasonal_naive", habits_.season}});
    }
    if (HasYear() && habits_.year != habits_.season) {
      baselines.push_back({{"seasonal_naive", habits_.year}});
    }
    if (!is_panel_) baselines.push_back("sba");
    return baselines;
  }

  /// Names columns that may be known before the day: few values, one in each row.
  void SuggestPlans() {
    constexpr std::size_t kFewValues = 8;
    if (!is_panel_ || !roles_.known.empty()) return;
    std::vector<std::string> flags;
    for (const ColumnProfile& one : file_.table.columns) {
      const bool has_role = std::ranges::count(roles_.key, &one) > 0 || &one == roles_.target;
      if (has_role || one.missing > 0 || one.has_more) continue;
      if (one.distinct < 2 || one.distinct > kFewValues) continue;
      flags.push_back(fmt::format("--known {}", ShellWord(one.spec.name)));
    }
    if (flags.empty()) return;
    draft_.warnings.push_back(fmt::format(
        "columns of few values: those that are known before the {} (promotions, opening "
        "days, holidays) are worth much; say so, and give their rows of the time ahead: "
        "{}",
        ToString(period_), fmt::join(flags, " ")));
  }

  void Warn() {
    WarnOfTable(file_, draft_);
    SuggestPlans();
    const auto warn = [this](std::string text) { draft_.warnings.push_back(std::move(text)); };
    const ColumnProfile& target = *roles_.target;
    const std::string& name = target.spec.name;
    if (!HasYear()) {
      warn(fmt::format("{} of history: too few to see what comes back every year",
                       Counted(periods_, ToString(period_))));
    }
    if (target.least == target.most) {
      warn(fmt::format("{}: every value is {}, so there is nothing to learn", name, target.least));
    }
    if (leaves_out_negative_) {
      warn(
          fmt::format("{}: {} below 0 are left out (returns, corrections?); to count them take "
                      "the condition out of the series' query",
                      name, Counted(target.negative, "row")));
    } else if (target.negative > 0) {
      warn(fmt::format("{}: {} below 0", name, Counted(target.negative, "row")));
    }
    if (!roles_.known.empty()) {
      warn(
          "what is known in advance has to be there when it is forecast: give train and ingest the "
          "rows of the time ahead, too, with an empty target");
    }
    if (target.missing > 0) {
      warn(fmt::format("{}: missing in {}", name, Counted(target.missing, "row")));
    }
    for (const ColumnProfile* const one : roles_.key) {
      if (one->missing == 0) continue;
      warn(fmt::format("{}: missing in {}, which are left out", one->spec.name,
                       Counted(one->missing, "row")));
    }
    if (series_.later_rows > 0) {
      warn(
          fmt::format("{} dated after now, up to {}: right for plans, wrong for what happened, of "
                      "which train asks for \"until\" in \"aggregate\"",
                      series_.later_rows == 1 ? std::string("1 row is")
                                              : fmt::format("{} rows are", series_.later_rows),
                      DayText(series_.last)));
    }
    if (series_.short_keys > 0) {
      warn(fmt::format("{} of {} have rows on fewer than {} days: little is known of them",
                       series_.short_keys, Counted(series_.keys, "key"), preprocessing::kFewDays));
    }
  }

  /// What a server of the model can be asked: of the first key, as of a time whose plan is there.
  [[nodiscard]] ordered_json Question() const {
    ordered_json question = ordered_json::object();
    for (const ColumnProfile* const one : roles_.key) {
      ordered_json& value = question[one->spec.name];
      value = one->first;
      if (one->spec.type == ColumnType::kInt64) value = static_cast<std::int64_t>(one->least);
      if (one->spec.type == ColumnType::kBool) value = true;
    }
    if (!roles_.known.empty()) {
      const auto behind = PeriodOf(series_.last + std::chrono::days(1), period_);
      question["origin"] = DayText(FirstDayOf(behind - horizon_, period_));
    }
    // A row has to say something.
    if (question.empty()) question["steps"] = horizon_;
    return question;
  }

  /// What was cut to be done in a minute, and what to raise.
  [[nodiscard]] std::string HowItIsQuick() const {
    const auto window = LearnedPeriods();
    return fmt::format(
        "made to be trained in a minute; for better forecasts raise \"trees\" (and lower "
        "\"learning_rate\") and \"n_splits\"{}{} in \"training\"{}",
        window ? ", and learn from more than the last " : "",
        window ? fmt::format("{} (\"window\")", Counted(*window, ToString(period_))) : "",
        HasModelEachStep() ? "" : ", or say \"strategy\": \"direct\" in \"forecast\"");
  }

  void Describe() {
    const PeriodFill& fill = series_.Of(period_);
    draft_.choices.push_back(fmt::format(
        "period: {}, since {:.0f} % of those between a key's first and last row hold rows "
        "(of days {:.0f} %, weeks {:.0f} %, months {:.0f} %)",
        ToString(period_), 100 * fill.share, 100 * series_.Of(Period::kDay).share,
        100 * series_.Of(Period::kWeek).share, 100 * series_.Of(Period::kMonth).share));
    draft_.choices.push_back(fmt::format("rows: {}", is_panel_
                                                         ? "one a key and period, read as it is"
                                                         : "several a key and period, added up"));
    draft_.choices.push_back(fmt::format(
        "horizon: {}, out of {} from {} to {}",
        Counted(static_cast<std::size_t>(horizon_), ToString(period_)),
        Counted(fill.periods, ToString(period_)), DayText(series_.first), DayText(series_.last)));
    if (IsCut()) draft_.choices.push_back(HowItIsQuick());
    ordered_json& description = draft_.document["description"];
    description = {fmt::format("{} of each of the next {}, by forkcast init from {}.",
                               roles_.target->spec.name,
                               Counted(static_cast<std::size_t>(horizon_), ToString(period_)),
                               file_.path.filename().string())};
    for (const std::string& one : draft_.choices) description.push_back("Chosen - " + one + ".");
    for (const std::string& one : draft_.warnings) description.push_back("Look at - " + one + ".");
    description.push_back("All of it may be changed: docs/pipelines.md and docs/forecasting.md.");
  }

  // What two processors train and judge in less than a minute.
  static constexpr std::size_t kRowsToLearn = 120'000;
  static constexpr std::size_t kRowsOfAllModels = 500'000;
  static constexpr std::size_t kRowsOfAllFolds = 50'000;
  static constexpr std::size_t kRowsOfSlowTrees = 200'000;
  static constexpr std::size_t kFewRows = 2000;  ///< Of more trees they would learn the noise.

  const ProfiledFile& file_;
  const ColumnRoles& roles_;
  const DraftOptions& options_;
  const SeriesProfile& series_;
  Period period_;
  const PeriodHabits& habits_;
  ColumnSpec target_;        ///< May be missing in rows of time ahead, which are there for a plan.
  std::size_t periods_ = 0;  ///< Whole ones.
  int horizon_ = 0;
  bool is_panel_ = false;  ///< A value that was measured, not one of several to add up.
  bool leaves_out_negative_ = false;
  std::vector<std::string> conditions_;  ///< That a row must meet, in SQL.
  std::vector<std::string> key_;
  std::string time_field_;  ///< Of the request.
  std::string rows_;        ///< The value that counts rows.
  PipelineDraft draft_;
};

}  // namespace

Result<PipelineDraft> DraftForecast(const ProfiledFile& file, const ColumnRoles& roles,
                                    const DraftOptions& options) {
  return ForecastDrafter(file, roles, options).Draft();
}

}  // namespace forkcast::model
