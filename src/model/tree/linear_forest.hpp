#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/model.hpp"
#include "model/tree/forest_source.hpp"
#include "model/tree/input_pool.hpp"

namespace forkcast::model {

/// Trees whose leaves are linear functions of the row: those that LightGBM grows with linear_tree,
/// and XGBoost's gblinear, which is a tree of one leaf a margin. What LinearForest is made of.
struct LinearForestSource {
  /// In what numbers are added up, and what a leaf does where a number of its terms is missing.
  enum class Arithmetic {
    kDouble,  ///< In double, as LightGBM; the leaf gives its value in place of the sum.
    kFloat,   ///< In float, as XGBoost; the term is left out.
  };

  struct Input {
    /// How a number that is missing, or 0, is tested.
    enum class Missing {
      kZero,          ///< A missing number is 0.
      kDefault,       ///< A missing one goes the test's default way.
      kDefaultOfZero  ///< 0, and a missing one, go the default way.
    };
    std::string name{};
    bool is_category = false;  ///< Of which a row has one float whatever the arithmetic.
    Missing missing = Missing::kDefault;

    friend bool operator==(const Input&, const Input&) = default;
  };

  /// A test. A child is the position of a test behind this one, or ~position of a leaf.
  struct Test {
    std::uint32_t input = 0;
    double most = 0;  ///< Of a number: what is no greater goes left. Infinity: all go left.
    std::int64_t left = 0;
    std::int64_t right = 0;
    bool missing_goes_right = false;  ///< Of a number.
    /// Of a category: those that go right, ascending. A missing one goes left.
    std::vector<std::uint32_t> categories{};

    friend bool operator==(const Test&, const Test&) = default;
  };

  struct Term {
    std::uint32_t input = 0;
    double coefficient = 0;

    friend bool operator==(const Term&, const Term&) = default;
  };

  struct Leaf {
    double value = 0;     ///< Of kDouble: where a number of its terms is missing.
    double constant = 0;  ///< To which the terms are added, in their order.
    std::vector<Term> terms{};

    friend bool operator==(const Leaf&, const Leaf&) = default;
  };

  /// The first test is the root; without any there is one leaf.
  struct Tree {
    std::uint32_t margin = 0;
    std::vector<Test> tests{};
    std::vector<Leaf> leaves{};

    friend bool operator==(const Tree&, const Tree&) = default;
  };

  /// Tests, leaves, terms and categories in all: what is read by hand has an end.
  static constexpr std::size_t kMostParts = std::size_t{1} << 22U;

  Arithmetic arithmetic = Arithmetic::kDouble;
  std::vector<Input> inputs{};
  std::size_t margins = 1;  ///< Of a row: the sums of their trees, from 0 on.
  double divisor = 1;       ///< A margin is divided by it,
  double factor = 1;        ///< multiplied with it then, and goes through the link.
  Link link = Link::kIdentity;
  std::vector<Tree> trees{};

  friend bool operator==(const LinearForestSource&, const LinearForestSource&) = default;
};

/// Such trees, read from a file (FORMAT.md). Inputs are floats of the source's inputs, three for
/// each number where doubles are computed with (double_parts.hpp). Outputs are "score", or
/// "score.0" and so on: the numbers that the library answers, bit for bit.
class LinearForest final : public Model {
 public:
  static constexpr std::string_view kFormat = "forkcast.linear_forest";

  /// kInvalidArgument naming the JSON path of what is wrong.
  static Result<LinearForest> Parse(std::string_view text);
  /// Precondition: `source` is as Parse() would take it.
  explicit LinearForest(LinearForestSource source);

  [[nodiscard]] std::span<const InputColumn> inputs() const noexcept override { return *inputs_; }
  [[nodiscard]] std::span<const OutputColumn> outputs() const noexcept override { return outputs_; }
  /// O(n_rows * trees * (depth + terms)). Keeps a row's numbers per thread: allocates for the
  /// first.
  void Predict(std::span<const float> rows, std::span<double> out) const noexcept override;

  [[nodiscard]] const LinearForestSource& source() const noexcept { return source_; }
  /// The file. The same model gives the same bytes.
  [[nodiscard]] std::string Write() const;

  /// Takes equal inputs out of the pool in place of its own.
  void ShareInputs(InputPool& pool) { inputs_ = pool.Share(std::move(inputs_)); }

 private:
  void ReadRow(const float* row, std::span<double> numbers) const noexcept;
  [[nodiscard]] const LinearForestSource::Leaf& LeafOf(
      const LinearForestSource::Tree& tree, std::span<const double> numbers) const noexcept;
  template <typename Number>
  void PredictRow(std::span<const double> numbers, std::span<double> out) const noexcept;

  LinearForestSource source_;
  std::shared_ptr<const InputColumns> inputs_;
  std::vector<OutputColumn> outputs_;
};

}  // namespace forkcast::model
