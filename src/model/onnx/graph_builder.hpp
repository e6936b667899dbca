#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/onnx/graph.hpp"
#include "model/onnx/onnx_file.hpp"

namespace forkcast::model::onnx {

/// A tensor while the graph is built: where each of its numbers is. What only moves numbers
/// (Concat, Gather, Reshape and such) moves places, and costs nothing when rows are answered.
struct Value {
  ElementType type = ElementType::kFloat;
  /// Whether its first dimension is that of rows; `dims` are those behind it then.
  bool has_rows = true;
  /// Of the shape of another value with rows: its numbers are `dims` of that, and what it has of
  /// rows is not known. Only what fills such a shape reads it.
  bool is_shape = false;
  /// Whether rows are the second dimension, behind the first of `dims`: one of answers that stand
  /// one behind the other, to be summed up. Only what makes, joins and sums them up reads it.
  bool is_stack = false;
  std::vector<std::int64_t> dims;
  std::vector<Place> places;  ///< Of one row.

  /// All dimensions, -1 for the one of rows.
  [[nodiscard]] std::vector<std::int64_t> AllDims() const;
  [[nodiscard]] bool is_double() const noexcept { return type == ElementType::kDouble; }
  [[nodiscard]] bool is_whole() const noexcept {
    return type == ElementType::kInt64 || type == ElementType::kInt32;
  }
};

/// Makes a Graph of a file: the steps that its answers need. Functions throw Refused.
class GraphBuilder {
 public:
  explicit GraphBuilder(const OnnxFile& file) : file_(file) {}
  Graph Build();

  // ---- what operators ask for (graph_operators.cpp) ----

  /// The node that is understood at the moment.
  [[nodiscard]] const Node& node() const { return *node_; }
  /// Of the domain that the node is of.
  [[nodiscard]] std::int64_t opset() const;
  [[noreturn]] void Refuse(std::string_view what) const;
  [[nodiscard]] bool HasInput(std::size_t i) const;
  [[nodiscard]] const Value& Input(std::size_t i);
  /// The same, which may be a stack.
  [[nodiscard]] const Value& StackInput(std::size_t i);
  /// The same, which may be a shape, too.
  [[nodiscard]] const Value& AnyInput(std::size_t i);
  /// One that must be a number for the operator.
  [[nodiscard]] const Value& NumberInput(std::size_t i);
  /// An input that must be constant.
  [[nodiscard]] Tensor ConstantInput(std::size_t i);
  /// The same of whole numbers: of attribute `name`, or from some version on of input `i`.
  [[nodiscard]] std::vector<std::int64_t> IntegersOf(std::string_view name, std::size_t i);
  /// The position among `dims` of an axis, which counts rows, too, and below 0 from behind.
  [[nodiscard]] std::size_t InnerAxis(const Value& value, std::int64_t axis) const;
  /// The same, also of a value without rows.
  [[nodiscard]] std::size_t AnyAxis(const Value& value, std::int64_t axis) const;

  void Output(std::size_t i, Value value);
  /// So many numbers are held or gone through for a row, beside what was counted before: what a
  /// short file can ask for has an end.
  void CountWork(std::size_t numbers);
  /// One of new numbers.
  [[nodiscard]] Value NewValue(ElementType type, bool has_rows, std::vector<std::int64_t> dims);
  [[nodiscard]] Place NewConstant(double number);
  /// A constant that a node holds, which outlives the builder.
  void OutputConstant(const Tensor& tensor) { constants_[node_->outputs.at(0)] = &tensor; }
  /// Where `count` numbers can be put.
  [[nodiscard]] Place NewPlaces(std::size_t count);
  void AddStep(std::unique_ptr<const Step> step);
  /// The `count` numbers that a step makes at place 0 of nothing but constants.
  [[nodiscard]] std::vector<Place> Fold(const Step& step, std::size_t count);
  /// function(a, b, c) of each number of inputs that are stretched over each other. What is
  /// constant is computed at once.
  [[nodiscard]] Value Combine(ElementFunction function, ElementType type,
                              std::span<const Value* const> inputs);
  /// The same as the node's output.
  void Elementwise(ElementFunction function, ElementType type,
                   std::span<const Value* const> inputs) {
    Output(0, Combine(function, type, inputs));
  }
  /// The number by which a text is known.
  [[nodiscard]] double CodeOf(std::string_view text);
  /// Rows with another text than these make the operator fail at these places.
  void RequireTexts(std::span<const Place> places, std::span<const std::string_view> texts);
  void AddTrees(Ensemble ensemble, const Value& input);
  /// The scores of the classifier, its output 1, are no probabilities.
  void MarkRawScores() {
    if (node_->outputs.size() > 1) raw_scores_.insert(node_->outputs[1]);
  }

 private:
  using Producers = std::map<std::string_view, std::size_t>;

  void CheckNames();
  [[nodiscard]] Value ConstantValue(const Tensor& tensor);
  void FindNeeded();
  void AddInputs();
  [[nodiscard]] static GraphColumn::Kind KindOf(const ValueInfo& info);
  void Run(const Node& node);
  void ChooseAnswer();
  void NoteOutputs(bool is_map);
  void BuildAnswer();
  [[nodiscard]] const Node* ProducerOf(std::string_view value) const;
  [[nodiscard]] std::string_view BeforeMoves(std::string_view value) const;
  [[nodiscard]] std::vector<std::string> ClassesOf(std::string_view label) const;
  [[nodiscard]] std::vector<std::string> LabelsOf(const Node& node) const;
  void FinishColumns();
  void FindForest();
  void NameColumns();

  const OnnxFile& file_;
  std::string_view answer_;  ///< The name of what is answered,
  std::string_view label_;   ///< and of the class, if it has one.
  const Node* node_ = nullptr;
  Producers producers_;  ///< The node that makes a value, by its name.
  std::vector<bool> is_needed_;
  std::map<std::string_view, Value> values_;
  std::map<std::string_view, const Tensor*> constants_;
  Graph graph_;
  std::map<std::string, double, std::less<>> codes_;
  /// By the place of a text column what it may be.
  std::map<Place, std::set<std::string, std::less<>>> allowed_;
  std::unordered_map<std::uint64_t, Place> constant_places_;  ///< By their bits.
  std::vector<Place> columns_;                                ///< Of the graph's columns.
  std::size_t work_ = 0;
  std::vector<std::string_view> ops_;
  /// Scores of classifiers that are no probabilities.
  std::set<std::string_view> raw_scores_;

  /// What the last EnsembleStep was made of.
  struct Trees {
    std::optional<ForestSource> forest;
    std::vector<Place> inputs;
    Value out;
    Ensemble::Finish finish = Ensemble::Finish::kNone;
    bool is_sum = true;
    std::vector<double> base;
  };
  std::optional<Trees> trees_;
};

/// Understands the builder's node. Throws Refused naming the operator.
void RunOperator(GraphBuilder& builder);

}  // namespace forkcast::model::onnx
