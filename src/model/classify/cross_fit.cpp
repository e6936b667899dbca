#include "model/classify/cross_fit.hpp"

#include <algorithm>

#include "model/classify/classifier_model.hpp"

namespace forkcast::model {
namespace {

constexpr std::size_t kParts = 10;
/// So that it shows how unlike each other such models are.
constexpr std::size_t kLeastParts = 3;
/// Enough for ten ranges of which each holds a tenth of the answers.
constexpr std::size_t kEnoughAnswers = 5'000;

/// Every tenth example belongs to a part: each is of all times.
struct PartedRows {
  std::vector<std::uint32_t> learned;
  std::vector<std::uint32_t> held_out;
};

PartedRows RowsOfPart(std::size_t part, std::size_t count) {
  PartedRows rows;
  for (std::uint32_t row = 0; row < count; ++row) {
    (row % kParts == part ? rows.held_out : rows.learned).push_back(row);
  }
  return rows;
}

std::size_t PartsOf(const LabelledExamples& examples) {
  const std::size_t of_a_part = std::max<std::size_t>(examples.size() / kParts, 1);
  return std::clamp((kEnoughAnswers + of_a_part - 1) / of_a_part, kLeastParts, kParts);
}

Status Answer(const ClassifierModel& model, const LabelledExamples& examples,
              std::span<const std::uint32_t> rows, HeldOutAnswers& answers) {
  const Result<std::vector<float>> matrix = model.Matrix(examples, rows);
  if (!matrix) return matrix.error();
  const std::vector<double> outputs = model.Predict(*matrix);
  const std::span<const std::uint32_t> known = model.classes();
  const std::size_t width = known.size() + 1;
  // Of a class that the model does not know: 0.
  for (auto& of_class : answers.probabilities) of_class.emplace_back(rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto answer = std::span(outputs).subspan(row * width, width);
    ++answers.taken_for[known[static_cast<std::size_t>(answer.front())]];
    for (std::size_t i = 0; i < known.size(); ++i) {
      answers.probabilities[known[i]].back()[row] = static_cast<float>(answer[1 + i]);
    }
  }
  return {};
}

}  // namespace

std::vector<std::vector<std::uint32_t>> RowsOfParts(const LabelledExamples& examples) {
  std::vector<std::vector<std::uint32_t>> all;
  for (std::size_t part = 0; part < PartsOf(examples); ++part) {
    PartedRows rows = RowsOfPart(part, examples.size());
    if (!rows.held_out.empty()) all.push_back(std::move(rows.learned));
  }
  return all;
}

Result<std::optional<HeldOutAnswers>> AnswerHeldOut(const ClassifierPlan& plan,
                                                    const LabelledExamples& examples,
                                                    std::span<const ClassLabel> classes,
                                                    const OnProgress& on_progress) {
  const std::size_t parts = PartsOf(examples);
  HeldOutAnswers answers{
      .taken_for = std::vector<std::size_t>(classes.size()),
      .probabilities = std::vector<std::vector<std::vector<float>>>(classes.size())};
  for (std::size_t part = 0; part < parts; ++part) {
    const PartedRows rows = RowsOfPart(part, examples.size());
    if (rows.held_out.empty()) continue;
    const Result<std::optional<TrainedClassifier>> trained = TrainedClassifier::Train(
        plan, examples, rows.learned, classes, [&](std::size_t done, std::size_t total) {
          return on_progress(part * total + done, parts * total);
        });
    if (!trained && trained.error().code == ErrorCode::kInvalidArgument) continue;
    if (!trained) return trained.error();
    if (!*trained) return std::optional<HeldOutAnswers>();
    const Status answered = Answer((*trained)->model(), examples, rows.held_out, answers);
    if (!answered) return answered.error();
  }
  return std::optional(std::move(answers));
}

}  // namespace forkcast::model
