#include "model/report/series_explorer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "data_preprocessing/document/json.hpp"
#include "model/report/chart.hpp"
#include "model/report/report_parts.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

/// How much of a whole is shown.
struct Cut {
  std::int64_t periods_before = 0;  ///< The first fold that is shown.
  std::size_t folds = 0;            ///< The newest.
  std::size_t keys = 0;             ///< The first.
};

/// From all to ever less; each may be too much. The last is one key's newest fold.
std::vector<Cut> CutsOf(const SeriesExplorer& explorer) {
  constexpr std::int64_t kEver = std::numeric_limits<std::int32_t>::max();
  std::vector<Cut> cuts;
  std::size_t folds = explorer.folds.size();
  std::size_t keys = explorer.keys.size();
  for (const std::int64_t before : {kEver, std::int64_t{730}, std::int64_t{365}, std::int64_t{180},
                                    std::int64_t{60}, std::int64_t{20}}) {
    cuts.push_back({.periods_before = before, .folds = folds, .keys = keys});
  }
  while (folds > 1) {
    folds = (folds + 1) / 2;
    cuts.push_back({.periods_before = 20, .folds = folds, .keys = keys});
  }
  while (keys > 1) {
    keys = std::max<std::size_t>(1, keys * 3 / 4);
    cuts.push_back({.periods_before = 20, .folds = folds, .keys = keys});
  }
  return cuts;
}

/// In four digits, too.
ordered_json Number(std::optional<double> value) {
  if (!value || !std::isfinite(*value)) return nullptr;
  return std::strtod(fmt::format("{:.4g}", *value).c_str(), nullptr);
}

/// The characters of all its texts, and as many as its other members take at most.
std::size_t BytesOf(const ordered_json& value) {
  constexpr std::size_t kOther = 16;  // a number, a name with its quotes, brackets
  if (value.is_string()) return value.get_ref<const std::string&>().size() + kOther;
  std::size_t bytes = kOther;
  if (value.is_structured()) {
    for (const ordered_json& member : value) bytes += BytesOf(member);
  }
  return bytes;
}

/// Turns an explorer into the document that page/report.js reads.
class Writer {
 public:
  Writer(const SeriesExplorer& explorer, const Cut& cut)
      : explorer_(explorer),
        cut_(cut),
        shown_folds_(std::span(explorer.folds).last(cut.folds)),
        periods_(PeriodsShown()) {}

  /// Nothing once it has more than `most_bytes`.
  [[nodiscard]] std::optional<ordered_json> Write(std::size_t most_bytes) const {
    ordered_json periods = ordered_json::array();
    std::size_t bytes = 0;
    for (std::int64_t period = periods_.first; period <= periods_.last; ++period) {
      periods.push_back(explorer_.period_name(period));
      bytes += BytesOf(periods.back());
      if (bytes > most_bytes) return std::nullopt;
    }
    ordered_json keys = ordered_json::array();
    for (const ExploredKey& key : std::span(explorer_.keys).first(cut_.keys)) {
      keys.push_back(KeyJson(key));
      bytes += BytesOf(keys.back());
      if (bytes > most_bytes) return std::nullopt;
    }
    ordered_json folds = ordered_json::array();
    for (const PeriodRange& test : shown_folds_) {
      folds.push_back({test.first - periods_.first, test.last - periods_.first});
    }
    return ordered_json{{"value", explorer_.value_name}, {"metric", explorer_.metric},
                        {"levels", explorer_.levels},    {"first_fold", FoldsLeftOut() + 1},
                        {"folds", std::move(folds)},     {"periods", std::move(periods)},
                        {"keys", std::move(keys)}};
  }

  /// What is not shown; empty when nothing is missing.
  [[nodiscard]] std::string TellWhatIsMissing() const {
    std::string text;
    if (cut_.keys < explorer_.keys.size()) {
      text += fmt::format(" Of {} keys the first {} are here.", explorer_.keys.size(), cut_.keys);
    }
    if (FoldsLeftOut() > 0) {
      text +=
          fmt::format(" Of {} folds the newest {} are here.", explorer_.folds.size(), cut_.folds);
    }
    if (periods_.first > FirstPeriod()) {
      text += fmt::format(" What happened before {} is left out.",
                          explorer_.period_name(periods_.first));
    }
    return text;
  }

 private:
  [[nodiscard]] std::size_t FoldsLeftOut() const { return explorer_.folds.size() - cut_.folds; }

  [[nodiscard]] std::int64_t FirstPeriod() const {
    return std::ranges::min(explorer_.keys, {}, &ExploredKey::first_period).first_period;
  }

  [[nodiscard]] PeriodRange PeriodsShown() const {
    const std::int64_t first = shown_folds_.front().first;
    return {.first = std::min(first, std::max(FirstPeriod(), first - cut_.periods_before)),
            .last = shown_folds_.back().last};
  }

  [[nodiscard]] ordered_json KeyJson(const ExploredKey& key) const {
    const std::int64_t first = std::max(key.first_period, periods_.first);
    const std::int64_t end = std::min(key.first_period + std::ssize(key.actual), periods_.last + 1);
    std::vector<double> actual;
    for (std::int64_t period = first; period < end; ++period) {
      actual.push_back(key.actual[static_cast<std::size_t>(period - key.first_period)]);
    }
    ordered_json forecast = ordered_json::array();
    ordered_json json{{"name", key.name},         {"rows", key.rows},
                      {"size", Number(key.size)}, {"error", Number(key.error)},
                      {"bias", Number(key.bias)}, {"first", first - periods_.first},
                      {"actual", Terse(actual)}};
    const auto folds = std::span(key.folds).last(cut_.folds);
    for (const ExploredFold& fold : folds) forecast.push_back(Terse(fold.forecast));
    json["forecast"] = std::move(forecast);
    for (std::size_t level = 0; level < explorer_.levels.size(); ++level) {
      ordered_json lower = ordered_json::array();
      ordered_json upper = ordered_json::array();
      for (const ExploredFold& fold : folds) {
        lower.push_back(fold.lower.empty() ? "" : Terse(fold.lower[level]));
        upper.push_back(fold.upper.empty() ? "" : Terse(fold.upper[level]));
      }
      json[fmt::format("lower_{}", explorer_.levels[level])] = std::move(lower);
      json[fmt::format("upper_{}", explorer_.levels[level])] = std::move(upper);
    }
    return json;
  }

  const SeriesExplorer& explorer_;
  Cut cut_;
  std::span<const PeriodRange> shown_folds_;
  PeriodRange periods_;
};

}  // namespace

std::string ExplorerSection(const SeriesExplorer& explorer, const std::string& pictures,
                            std::size_t most_bytes) {
  std::optional<ordered_json> document;
  std::string missing;
  for (const Cut& cut : CutsOf(explorer)) {
    const Writer writer(explorer, cut);
    document = writer.Write(most_bytes);
    if (!document) continue;
    missing = writer.TellWhatIsMissing();
    break;
  }
  if (!document) return fmt::format("<div id=\"keys\">\n{}</div>\n", pictures);
  return fmt::format(
      "<div id=\"keys\">\n{}</div>\n<p class=\"faint\">Numbers in charts have four digits.{}</p>\n"
      "{}\n",
      pictures, EscapeHtml(missing), ScriptOf(*document, "series"));
}

}  // namespace forkcast::model
