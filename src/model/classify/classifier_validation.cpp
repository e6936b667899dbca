#include "model/classify/classifier_validation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "data_preprocessing/base/text_table.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "data_preprocessing/table/value.hpp"
#include "model/artefact/manifest_parts.hpp"
#include "model/report/calibration.hpp"
#include "model/report/report_parts.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::Value;

std::string Number(std::optional<double> value) {
  return value ? fmt::format("{:.4f}", *value) : "-";
}

std::string TextOf(const Value& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) return std::string(*text);
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{:g}", *number);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* instant = std::get_if<Instant>(&value))
    return preprocessing::IsoTimestamp(*instant);
  return "-";
}

/// Rows that are of class `label`.
std::uint64_t RowsOf(const ClassificationSums& sums, std::size_t label) {
  std::uint64_t rows = 0;
  for (std::size_t other = 0; other < sums.classes(); ++other) rows += sums.Count(label, other);
  return rows;
}

ordered_json MetricsOf(const ClassificationSums& sums) {
  ordered_json metrics{{"rows", sums.rows()}};
  for (const ClassMetric metric : ClassMetric::All()) {
    metrics[std::string(metric->name)] = OrNull(metric->value(sums));
  }
  return metrics;
}

/// Of each class, by its name; and rows of the actual class by what they were taken for.
ordered_json InDetail(const ClassificationSums& sums, std::span<const ClassLabel> labels) {
  ordered_json metrics = MetricsOf(sums);
  metrics["classes"] = ordered_json::array();
  metrics["confusion"] = ordered_json::array();
  for (std::size_t label = 0; label < labels.size(); ++label) {
    metrics["classes"].push_back({{"class", ToJson(labels[label])},
                                  {"rows", RowsOf(sums, label)},
                                  {"precision", OrNull(sums.Precision(label))},
                                  {"recall", OrNull(sums.Recall(label))}});
    ordered_json taken_for = ordered_json::array();
    for (std::size_t other = 0; other < labels.size(); ++other) {
      taken_for.push_back(sums.Count(label, other));
    }
    metrics["confusion"].push_back(std::move(taken_for));
  }
  return metrics;
}

std::string TableHead(const std::string& title) {
  std::string head = title + "\trows";
  for (const ClassMetric metric : ClassMetric::All()) head += fmt::format("\t{}", metric->name);
  return head;
}

std::string TableLine(const std::string& name, const ClassificationSums& sums) {
  std::string line = fmt::format("{}\t{}", name, sums.rows());
  for (const ClassMetric metric : ClassMetric::All()) line += "\t" + Number(metric->value(sums));
  return line;
}

std::string HtmlHead() {
  std::string head = "<table>\n<tr><th></th><th>rows</th>";
  for (const ClassMetric metric : ClassMetric::All()) {
    head += fmt::format("<th>{}</th>", metric->name);
  }
  return head + "</tr>\n";
}

std::string HtmlRow(const std::string& name, const ClassificationSums& sums) {
  std::string row = fmt::format("<tr><th>{}</th><td>{}</td>", EscapeHtml(name), sums.rows());
  for (const ClassMetric metric : ClassMetric::All()) {
    const std::optional<double> value = metric->value(sums);
    row += fmt::format("<td>{}</td>", value ? fmt::format("{:.5g}", *value) : "-");
  }
  return row + "</tr>\n";
}

std::string SpanOf(const JudgedFold& fold) {
  return preprocessing::IsoTimestamp(fold.from) + ".." + preprocessing::IsoTimestamp(fold.to);
}

/// The other errors by which a baseline is better than the model, each with that baseline.
std::vector<std::string> WorseBy(const ClassifierJudgement& judgement) {
  std::vector<std::string> worse;
  for (const ClassMetric metric : ClassMetric::All()) {
    if (metric == judgement.metric) continue;
    const NamedSums& best = *std::ranges::min_element(
        judgement.baselines, {},
        [metric](const NamedSums& baseline) { return ErrorBy(metric, baseline.sums).value_or(0); });
    const double own = ErrorBy(metric, judgement.all).value_or(0);
    const double other = ErrorBy(metric, best.sums).value_or(0);
    if (own <= other) continue;
    worse.push_back(fmt::format("{} ({:.3g}, that of {} is {:.3g})", metric->error_name, own,
                                best.name, other));
  }
  return worse;
}

/// A matrix with more classes than this is for programs.
constexpr std::size_t kShownClasses = 12;

}  // namespace

std::string ClassifierValidation::Verdict() const {
  const NamedSums& best = judgement_.best_baseline();
  const std::optional<double> skill = judgement_.SkillAgainst(best);
  const std::string_view error = judgement_.metric->error_name;
  std::string compared = fmt::format("{} makes no error", best.name);
  if (skill) {
    compared = *skill == 0 ? fmt::format("its {} is that of {}", error, best.name)
                           : fmt::format("its {} is {:.1f} % {} than that of {}", error,
                                         100 * std::abs(*skill), *skill > 0 ? "smaller" : "larger",
                                         best.name);
  }
  if (!judgement_.is_of_enough()) {
    return fmt::format(
        "The model is NOT judged well enough to be promoted: {}. On what was "
        "judged, {}.",
        Shortfall(), compared);
  }
  if (beats_baselines()) {
    const std::vector<std::string> worse = WorseBy(judgement_);
    return fmt::format(
        "The model beats every baseline by {}: {}.{}", error, compared,
        worse.empty() ? "" : fmt::format(" It is worse by {}.", fmt::join(worse, ", ")));
  }
  return fmt::format(
      "The model does NOT beat the baselines by {}: {}. Deciding by {} is simpler and {}.", error,
      compared, best.name, skill == 0.0 ? "as good" : "better");
}

std::vector<std::string> ClassifierValidation::Remarks() const {
  std::vector<std::string> lines = rows_.Remarks();
  const auto tell = [&lines](std::size_t rows, const std::string& why) {
    if (rows > 0) lines.push_back(fmt::format("{} rows {}", rows, why));
  };
  tell(rows_.without_label(), "have no label and are left out");
  tell(rows_.without_time(), "have no time and are left out");
  tell(examples_.refused, fmt::format("were left out, the first: {}", examples_.first_refusal));
  tell(judgement_.rows_to_judge - judgement_.all.rows(),
       fmt::format("of {} to judge are among these", judgement_.rows_to_judge));
  for (std::size_t i = 0; i < judgement_.folds.size(); ++i) {
    for (const std::uint32_t label : judgement_.folds[i].unknown) {
      lines.push_back(
          fmt::format("fold {}: class \"{}\" is in its test, and in no row that it "
                      "learned from",
                      i + 1, ClassName(label)));
    }
  }
  return lines;
}

std::string ClassifierValidation::Shortfall() const {
  if (judgement_.is_of_enough()) return {};
  return fmt::format("only {} of {} rows could be judged, {:.0f} %, and \"min_judged\" is {:g}",
                     judgement_.all.rows(), judgement_.rows_to_judge,
                     100 * static_cast<double>(judgement_.all.rows()) /
                         static_cast<double>(judgement_.rows_to_judge),
                     judgement_.min_judged);
}

ordered_json ClassifierValidation::ToJson() const {
  const std::span<const ClassLabel> labels = rows_.classes();
  ordered_json baselines = ordered_json::array();
  for (const NamedSums& baseline : judgement_.baselines) {
    baselines.push_back({{"name", baseline.name},
                         {"skill", OrNull(judgement_.SkillAgainst(baseline))},
                         {"metrics", MetricsOf(baseline.sums)}});
  }
  baselines.back()["question"] = judgement_.stump_question;
  ordered_json folds = ordered_json::array();
  for (std::size_t i = 0; i < judgement_.folds.size(); ++i) {
    const JudgedFold& fold = judgement_.folds[i];
    ordered_json one{{"fold", i + 1},
                     {"train_rows", fold.train_rows},
                     {"test_from", preprocessing::IsoTimestamp(fold.from)},
                     {"test_to", preprocessing::IsoTimestamp(fold.to)}};
    one.update(InDetail(fold.sums, labels));
    folds.push_back(std::move(one));
  }
  ordered_json slices = ordered_json::array();
  for (const NamedSums& slice : judgement_.slices) {
    ordered_json one{{"slice", slice.name}};
    one.update(InDetail(slice.sums, labels));
    slices.push_back(std::move(one));
  }
  ordered_json importances = ordered_json::object();
  for (const FeatureImportance& one : judgement_.importances) importances[one.feature] = one.share;
  const NamedSums& best = judgement_.best_baseline();
  return {{"metric", judgement_.metric->error_name},
          {"value", OrNull(value())},
          {"beats_baselines", beats_baselines()},
          {"best_baseline", best.name},
          {"skill", OrNull(judgement_.SkillAgainst(best))},
          {"metrics", InDetail(judgement_.all, labels)},
          {"rows_to_judge", judgement_.rows_to_judge},
          {"shortfalls", is_of_enough() ? std::vector<std::string>() : std::vector{Shortfall()}},
          {"rows_without_label", rows_.without_label()},
          {"rows_without_time", rows_.without_time()},
          {"rows_left_out", examples_.refused},
          {"first_left_out", examples_.first_refusal},
          {"remarks", Remarks()},
          {"folds", folds},
          {"slices", slices},
          {"baselines", baselines},
          {"importances", importances},
          {"contributions", model::ToJson(judgement_.contributions)}};
}

std::string ClassifierValidation::Describe() const {
  std::string text = TableHead("") + "\tskill\n" + TableLine("model", judgement_.all) + "\n";
  for (const NamedSums& baseline : judgement_.baselines) {
    const bool is_stump = &baseline == &judgement_.baselines.back();
    const std::optional<double> skill = judgement_.SkillAgainst(baseline);
    const std::string name = is_stump && !judgement_.stump_question.empty()
                                 ? fmt::format("{}: {}", baseline.name, judgement_.stump_question)
                                 : baseline.name;
    text += fmt::format("{}\t{}\n", TableLine(name, baseline.sums),
                        skill ? fmt::format("{:+.4f}", *skill) : "-");
  }
  if (!judgement_.slices.empty()) {
    text += "\n" + TableHead("slice") + "\n";
    for (const NamedSums& slice : judgement_.slices) {
      text += TableLine(slice.name, slice.sums) + "\n";
    }
  }
  text += "\n" + TableHead("fold, tested") + "\n";
  for (std::size_t i = 0; i < judgement_.folds.size(); ++i) {
    const JudgedFold& fold = judgement_.folds[i];
    text += TableLine(fmt::format("{} {}", i + 1, SpanOf(fold)), fold.sums) + "\n";
  }
  text += "\nclass\trows\tprecision\trecall\n";
  const std::size_t classes = judgement_.all.classes();
  for (std::size_t label = 0; label < classes; ++label) {
    text +=
        fmt::format("{}\t{}\t{}\t{}\n", ClassName(label), RowsOf(judgement_.all, label),
                    Number(judgement_.all.Precision(label)), Number(judgement_.all.Recall(label)));
  }
  if (classes <= kShownClasses) {
    text += "\nis, taken for";
    for (std::size_t other = 0; other < classes; ++other) text += "\t" + ClassName(other);
    text += "\n";
    for (std::size_t label = 0; label < classes; ++label) {
      text += ClassName(label);
      for (std::size_t other = 0; other < classes; ++other) {
        text += fmt::format("\t{}", judgement_.all.Count(label, other));
      }
      text += "\n";
    }
  }
  if (judgement_.contributions.rows > 0) text += "\n" + model::Describe(judgement_.contributions);
  const std::vector<std::string> remarks = Remarks();
  if (!remarks.empty()) text += fmt::format("\n{}\n", fmt::join(remarks, "\n"));
  const TextColor color = beats_baselines() ? TextColor::kGreen : TextColor::kRed;
  return text + "\n" + Colored(Verdict(), color, {.color = true}) + "\n";
}

std::string ClassifierValidation::MistakesTable() const {
  std::vector<JudgedRow> mistakes;
  for (const JudgedRow& row : judgement_.rows) {
    if (row.taken_for != examples_.labels[row.example]) mistakes.push_back(row);
  }
  if (mistakes.empty()) return "<p>None.</p>\n";
  std::ranges::stable_sort(mistakes, std::ranges::greater{}, &JudgedRow::probability);
  constexpr std::size_t kShownMistakes = 20;
  mistakes.resize(std::min(mistakes.size(), kShownMistakes));
  const preprocessing::Table& requests = rows_.requests();
  std::string table = "<table>\n<tr><th>is</th><th>taken for</th><th>with probability</th>";
  for (const preprocessing::ColumnSpec& field : requests.schema().columns) {
    table += fmt::format("<th>{}</th>", EscapeHtml(field.name));
  }
  table += "</tr>\n";
  for (const JudgedRow& row : mistakes) {
    table += fmt::format("<tr><td>{}</td><td>{}</td><td>{:.4f}</td>",
                         EscapeHtml(ClassName(examples_.labels[row.example])),
                         EscapeHtml(ClassName(row.taken_for)), row.probability);
    const std::size_t request = rows_.request_of(examples_.rows[row.example]);
    for (std::size_t field = 0; field < requests.column_count(); ++field) {
      table +=
          fmt::format("<td>{}</td>",
                      EscapeHtml(TextOf(preprocessing::ValueAt(requests.column(field), request))));
    }
    table += "</tr>\n";
  }
  return table + "</table>\n";
}

std::string ClassifierValidation::ClassesTable() const {
  std::string table =
      "<h2>Classes</h2>\n<table>\n<tr><th></th><th>rows</th><th>precision</th><th>recall</th></"
      "tr>\n";
  for (std::size_t label = 0; label < judgement_.all.classes(); ++label) {
    table +=
        fmt::format("<tr><th>{}</th><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                    EscapeHtml(ClassName(label)), RowsOf(judgement_.all, label),
                    Number(judgement_.all.Precision(label)), Number(judgement_.all.Recall(label)));
  }
  return table + "</table>\n";
}

std::string ClassifierValidation::ConfusionTable() const {
  const std::size_t classes = judgement_.all.classes();
  if (classes > kShownClasses) {
    return fmt::format("<h2>Confusion</h2>\n<p>{} classes: --json has the matrix.</p>\n", classes);
  }
  std::string table = "<h2>Confusion</h2>\n<table>\n<tr><th>is, taken for</th>";
  for (std::size_t other = 0; other < classes; ++other) {
    table += fmt::format("<th>{}</th>", EscapeHtml(ClassName(other)));
  }
  table += "</tr>\n";
  for (std::size_t label = 0; label < classes; ++label) {
    table += fmt::format("<tr><th>{}</th>", EscapeHtml(ClassName(label)));
    for (std::size_t other = 0; other < classes; ++other) {
      table += fmt::format("<td>{}</td>", judgement_.all.Count(label, other));
    }
    table += "</tr>\n";
  }
  return table + "</table>\n";
}

std::string ClassifierValidation::Calibration() const {
  std::vector<std::pair<double, double>> rows;
  for (const JudgedRow& row : judgement_.rows) {
    rows.emplace_back(row.probability, row.taken_for == examples_.labels[row.example] ? 1 : 0);
  }
  return CalibrationSection(std::move(rows),
                            {.said = "mean probability of the class that a row was taken for",
                             .came = "share of rows that are of it",
                             .reading = "Below the line the model was too sure."});
}

Result<std::string> ClassifierValidation::JudgedRows() const {
  return Error{ErrorCode::kInvalidArgument, "a classifier has no rows of forecasts"};
}

Result<std::string> ClassifierValidation::ReportPage(const std::vector<std::string>&,
                                                     const std::string& more) const {
  std::string page = BeginPage(name_) + model::Verdict(beats_baselines(), Verdict());
  page += "<h2>Model and baselines</h2>\n" + HtmlHead() + HtmlRow("model", judgement_.all);
  for (const NamedSums& baseline : judgement_.baselines) {
    page += HtmlRow(baseline.name, baseline.sums);
  }
  page += "</table>\n";
  if (!judgement_.stump_question.empty()) {
    page += fmt::format("<p>The stump asks: {}?</p>\n", EscapeHtml(judgement_.stump_question));
  }
  Bars skills;
  for (const NamedSums& baseline : judgement_.baselines) {
    skills.emplace_back(baseline.name, judgement_.SkillAgainst(baseline));
  }
  page += SkillSection(judgement_.metric->error_name, skills);
  if (!judgement_.slices.empty()) {
    page += "<h2>Slices</h2>\n" + HtmlHead();
    for (const NamedSums& slice : judgement_.slices) page += HtmlRow(slice.name, slice.sums);
    page += "</table>\n";
  }
  page += "<h2>Folds</h2>\n" + HtmlHead();
  for (const JudgedFold& fold : judgement_.folds) page += HtmlRow(SpanOf(fold), fold.sums);
  page += "</table>\n" + ClassesTable() + ConfusionTable() + Calibration();
  Bars importances;
  for (const FeatureImportance& one : judgement_.importances) {
    importances.emplace_back(one.feature, one.share);
  }
  page += ImportanceSection(std::move(importances)) +
          ContributionSection(judgement_.contributions) + "<h2>Surest mistakes</h2>\n" +
          MistakesTable();
  return page + LeftOutSection(Remarks()) + more + EndPage(true);
}

}  // namespace forkcast::model
