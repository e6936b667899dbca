#include "model/quality/class_quality.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "data_preprocessing/table/parse_value.hpp"
#include "model/evaluate/class_metrics.hpp"
#include "model/quality/jackknife.hpp"

namespace forkcast::model {

void ClassQuality::AddLabel(std::string key, const ClassLabel& label) {
  const auto found = std::ranges::find(data_.classes, label);
  labels_[std::move(key)] =
      found == data_.classes.end()
          ? std::nullopt
          : std::optional(static_cast<std::size_t>(found - data_.classes.begin()));
}

void ClassQuality::Add(const MadeClass& answer) {
  if (answer.time <= data_.last_learned) {
    ++left_out_["learned_from"];
    return;
  }
  Joined joined{.time = answer.time,
                .probabilities = {answer.probabilities.begin(), answer.probabilities.end()},
                .says_probabilities = !answer.probabilities.empty()};
  if (!joined.says_probabilities) {
    joined.probabilities.resize(data_.classes.size());
    joined.probabilities[answer.taken_for] = 1;
  }
  const bool is_new = answers_.insert_or_assign(std::string(answer.key), std::move(joined)).second;
  if (!is_new) ++left_out_["told_again"];
}

std::vector<QualityWindow> ClassQuality::Windows(std::size_t length) {
  std::vector<std::pair<std::string_view, Joined>> rows;
  for (const auto& [key, answer] : answers_) {
    const auto label = labels_.find(key);
    if (label == labels_.end()) {
      ++left_out_["no_label"];
    } else if (!label->second) {
      ++left_out_["unknown_class"];
    } else {
      rows.emplace_back(key, answer).second.label = *label->second;
    }
  }
  // Keys make the order of one time that of every run.
  std::ranges::sort(rows, {},
                    [](const auto& row) { return std::tuple(row.second.time, row.first); });
  std::vector<Joined> joined;
  joined.reserve(rows.size());
  for (auto& [key, answer] : rows) joined.push_back(std::move(answer));
  std::vector<QualityWindow> windows;
  std::span<const Joined> rest(joined);
  for (; rest.size() >= length; rest = rest.subspan(length)) {
    windows.push_back(Measure(rest.first(length)));
  }
  if (!rest.empty()) left_out_["open"] += rest.size();
  return windows;
}

QualityWindow ClassQuality::Measure(std::span<const Joined> rows) const {
  const ClassificationSums empty(data_.classes.size());
  std::vector<ClassificationSums> groups(kJackknifeGroups, empty);
  ClassificationSums all = empty;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    groups[i % kJackknifeGroups].Add(rows[i].label, rows[i].probabilities);
    all.Add(rows[i].label, rows[i].probabilities);
  }
  const bool has_probabilities = std::ranges::all_of(rows, &Joined::says_probabilities);
  QualityWindow window{.from = preprocessing::IsoTimestamp(rows.front().time),
                       .to = preprocessing::IsoTimestamp(rows.back().time),
                       .rows = all.rows(),
                       .metrics = {}};
  for (const ClassMetric metric : ClassMetric::All()) {
    // The loss of a class is that of its probability.
    if (metric == ClassMetric("log_loss") && !has_probabilities) continue;
    const auto value = [metric](const ClassificationSums& sums) { return metric->value(sums); };
    window.metrics.push_back(
        {.name = std::string(metric->name),
         .value = value(all),
         .variance = JackknifeVariance<ClassificationSums>(groups, empty, value)});
  }
  return window;
}

}  // namespace forkcast::model
