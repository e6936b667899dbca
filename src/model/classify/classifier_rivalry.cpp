#include "model/classify/classifier_rivalry.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/table/parse_value.hpp"
#include "model/evaluate/swap_test.hpp"

namespace forkcast::model {
namespace {

constexpr std::size_t kMostGroups = 100;

using Pair = PairedSums<ClassificationSums>;

/// For each class that the champion knows its place among `classes`; none: no row has it now.
std::vector<std::optional<std::size_t>> PlacesOf(const std::vector<ClassLabel>& known,
                                                 std::span<const ClassLabel> classes) {
  std::vector<std::optional<std::size_t>> places;
  for (const ClassLabel& label : known) {
    const auto found = std::ranges::find(classes, label);
    places.push_back(found == classes.end()
                         ? std::nullopt
                         : std::optional(static_cast<std::size_t>(found - classes.begin())));
  }
  return places;
}

/// What the challenger said of a row, as far as sums ask for it.
void Spread(const JudgedRow& row, std::uint32_t actual, std::vector<double>& probabilities) {
  std::ranges::fill(probabilities, 0.0);
  probabilities[actual] = row.of_actual;
  probabilities[row.taken_for] = row.probability;
}

}  // namespace

Result<Rivalry> CompareClassifiers(const ClassifierJudgement& judgement,
                                   const LabelledExamples& examples,
                                   std::span<const ClassLabel> classes,
                                   const ClassifierVersion& champion) {
  const Result<ClassifierModel> model = champion.Model();
  if (!model) return model.error();
  const auto places = PlacesOf(champion.classes(), classes);
  const std::string learned_up_to = LearnedUpTo(champion);
  const ClassificationSums none(classes.size());
  const std::size_t rows = judgement.rows.size();
  const std::size_t group_rows = std::max<std::size_t>((rows + kMostGroups - 1) / kMostGroups, 1);
  std::vector<Pair> groups((rows + group_rows - 1) / group_rows, Pair{none, none});
  Rivalry rivalry{.champion = champion.info().number,
                  .metric = std::string(judgement.metric->error_name),
                  .rows = rows};
  if (rows == 0) return rivalry;
  // Tests of folds follow each other, and so do their examples.
  const std::size_t first = judgement.rows.front().example;
  const Result<std::vector<float>> matrix =
      model->Matrix(examples, RowNumbers(first, judgement.rows.back().example + 1));
  if (!matrix) return matrix.error();
  const std::vector<double> answers = model->Predict(*matrix);
  const std::size_t width = model->predictor().outputs().size();
  std::vector<double> probabilities(classes.size());
  for (std::size_t i = 0; i < rows; ++i) {
    const JudgedRow& row = judgement.rows[i];
    const std::uint32_t actual = examples.labels[row.example];
    Spread(row, actual, probabilities);
    groups[i / group_rows].one.Add(actual, probabilities);

    const auto answer = std::span(answers).subspan((row.example - first) * width, width);
    std::ranges::fill(probabilities, 0.0);
    for (std::size_t known = 0; known + 1 < width; ++known) {
      if (places[known]) probabilities[*places[known]] = answer[known + 1];
    }
    groups[i / group_rows].other.Add(actual, probabilities);
    if (preprocessing::IsoTimestamp(examples.times[row.example]) <= learned_up_to) {
      ++rivalry.seen_rows;
    }
  }
  Pair all{none, none};
  for (const Pair& group : groups) {
    all.one.Merge(group.one);
    all.other.Merge(group.other);
  }
  const auto error = [&judgement](const ClassificationSums& sums) {
    return ErrorBy(judgement.metric, sums);
  };
  rivalry.groups = groups.size();
  rivalry.challenger_error = error(all.one);
  rivalry.champion_error = error(all.other);
  rivalry.chance = ChanceOfLead(std::span<const Pair>(groups), none, error);
  return rivalry;
}

}  // namespace forkcast::model
