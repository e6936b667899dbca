#pragma once

#include <span>
#include <string>
#include <vector>

namespace forkcast::model {

/// How a model takes a feature; each becomes one float of a row.
enum class InputType {
  kNumber,    ///< The number itself.
  kBool,      ///< 0 or 1.
  kCategory,  ///< The position of the text among `categories`, or their count when it is none.
};

struct InputColumn {
  std::string name;
  InputType type = InputType::kNumber;
  std::vector<std::string> categories;  ///< Of kCategory alone.

  friend bool operator==(const InputColumn&, const InputColumn&) = default;
};

/// What an output means.
enum class OutputType {
  kNumber,
  kCategory,  ///< A position among `categories`.
};

/// "class", "value", "probability.CLASS".
struct OutputColumn {
  std::string name;
  OutputType type = OutputType::kNumber;
  std::vector<std::string> categories;  ///< Of kCategory alone.

  friend bool operator==(const OutputColumn&, const OutputColumn&) = default;
};

/// What scores rows: a tree, a forest, a linear model. Knows no key, time or pipeline. Loaded whole
/// and checked, never changed after; thread-safe. One that would have to wait for its answer (of
/// another machine) is none.
class Model {
 public:
  virtual ~Model() = default;

  /// Columns of a row, in their order.
  [[nodiscard]] virtual std::span<const InputColumn> inputs() const noexcept = 0;
  /// Numbers that a row is answered with, in their order; at least one.
  [[nodiscard]] virtual std::span<const OutputColumn> outputs() const noexcept = 0;

  /// Scores rows. `rows`: row-major, n_rows x inputs().size(); NaN is "missing". `out`: row-major,
  /// n_rows x outputs().size(). No allocation.
  /// Precondition: rows.size() * outputs().size() == out.size() * inputs().size().
  virtual void Predict(std::span<const float> rows, std::span<double> out) const noexcept = 0;
};

}  // namespace forkcast::model
