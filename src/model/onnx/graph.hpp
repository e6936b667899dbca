#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/model.hpp"
#include "model/onnx/graph_steps.hpp"
#include "model/tree/forest_source.hpp"
#include "model/tree/input_pool.hpp"

namespace forkcast::model::onnx {

/// How a graph takes one of its columns.
struct GraphColumn {
  enum class Kind {
    kNumber,
    kWhole,   ///< Whole, none missing.
    kBool,    ///< 0 is false, all else is true; none missing.
    kDouble,  ///< Three floats of a row (double_parts.hpp).
    kText,
  };
  std::string name;
  Kind kind = Kind::kNumber;
  /// Of kText: those that the graph tells apart, ascending. A row has the position of its text, or
  /// NaN for another.
  std::vector<std::string> texts{};
  bool refuses_others = false;  ///< Whether ONNX Runtime fails for a text that is none of them.
};

/// An output that the file names.
struct GraphOutput {
  std::string name;
  bool is_integer = false;  ///< A tensor of whole numbers.
  bool is_map = false;      ///< A map of each row's numbers, as ZipMap makes it.
};

/// A graph of ONNX operators, run row by row as ONNX Runtime runs it in one thread
/// (../import/README.md says where that is the same number, and where close to it). Trees are run
/// by Forest. Inputs are the columns of the graph's inputs, in their order, three for each of a
/// tensor of doubles; outputs its numbers; of
/// two classes the second one's alone. A row for which ONNX Runtime would fail is answered with
/// NaN.
class Graph final : public Model {
 public:
  /// kCorrupt for bytes that are no whole model, or contradict themselves; kInvalidArgument naming
  /// the operator, attribute, input or output that is not understood. Operators that answers do not
  /// need are not looked at. O(bytes), and of trees whose leaves are vectors O(bytes * numbers of
  /// one).
  static Result<Graph> FromBytes(std::string_view bytes);

  [[nodiscard]] std::span<const InputColumn> inputs() const noexcept override { return *inputs_; }
  [[nodiscard]] std::span<const OutputColumn> outputs() const noexcept override { return outputs_; }
  /// O(n_rows * work of the operators). Keeps a row's values per thread: allocates for the first.
  void Predict(std::span<const float> rows, std::span<double> out) const noexcept override;

  [[nodiscard]] const std::vector<GraphColumn>& columns() const noexcept { return columns_; }
  /// Whether the file names each column: each is an input of its own.
  [[nodiscard]] bool has_column_names() const noexcept { return has_column_names_; }
  /// What its numbers are of, in their order; empty: they are no classes.
  [[nodiscard]] const std::vector<std::string>& classes() const noexcept { return classes_; }
  /// What the file gives: the label, if there is one, and the numbers.
  [[nodiscard]] const std::vector<GraphOutput>& named_outputs() const noexcept {
    return named_outputs_;
  }
  [[nodiscard]] std::size_t tree_count() const noexcept { return tree_count_; }
  /// What wrote it: "skl2onnx 1.20.0".
  [[nodiscard]] const std::string& producer() const noexcept { return producer_; }
  /// The operators that are run, in their order, those that only move numbers left out; for people.
  [[nodiscard]] const std::string& summary() const noexcept { return summary_; }
  /// The same model as a forest, where it is nothing but trees whose sums are the answer.
  [[nodiscard]] std::optional<ForestSource> TakeForest() { return std::move(forest_); }

  void ShareInputs(InputPool& pool) { inputs_ = pool.Share(std::move(inputs_)); }

 private:
  friend class GraphBuilder;
  Graph() = default;
  void FillInputs(const float* row, double* values) const noexcept;

  std::vector<GraphColumn> columns_;
  /// Of each text of a text column, the number by which the graph knows it.
  std::vector<std::vector<double>> text_codes_;
  bool has_column_names_ = false;
  std::vector<std::string> classes_;
  std::vector<GraphOutput> named_outputs_;
  std::string producer_;
  std::string summary_;
  std::size_t tree_count_ = 0;
  std::optional<ForestSource> forest_;

  std::shared_ptr<const InputColumns> inputs_;
  std::vector<OutputColumn> outputs_;
  std::vector<double> constants_;  ///< By Place; the columns are the first of a row's values.
  std::size_t value_count_ = 0;
  std::size_t float_count_ = 0;
  std::vector<std::unique_ptr<const Step>> steps_;
  std::vector<Place> answers_;  ///< Where the outputs are among the values.
};

/// The model with the names of its columns, in place of those that it has: what is published. The
/// bytes of the model come first, unchanged.
[[nodiscard]] std::string NameColumns(std::string_view bytes, std::span<const std::string> names);

}  // namespace forkcast::model::onnx
