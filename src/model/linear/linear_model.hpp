#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/linear/polynomial.hpp"
#include "model/model.hpp"
#include "model/tree/input_pool.hpp"

namespace forkcast::model {

/// What becomes of a row's sums.
enum class LinearLink {
  kIdentity,  ///< Nothing.
  kSigmoid,   ///< 1 / (1 + e^-x), the probability of the second of two classes.
  kSoftmax,   ///< e^x as a share of all sums' e^x.
};

/// An input that was chosen.
struct LinearInput {
  std::uint32_t feature = 0;  ///< Its position among the features.
  double mean = 0;            ///< Of the training rows.
  double deviation = 1;       ///< The same (n, not n - 1), and 1 where all are equal.

  friend bool operator==(const LinearInput&, const LinearInput&) = default;
};

struct LinearOutput {
  double intercept = 0;
  std::vector<double> coefficients;  ///< One a term.

  friend bool operator==(const LinearOutput&, const LinearOutput&) = default;
};

/// What training finds. With z = x or, `is_scaled`, z = (x - mean) / deviation of the chosen
/// inputs, and the products of z that `polynomial` names as terms, an output is
/// link(intercept + sum of coefficient * term).
struct LinearSource {
  std::string algorithm;  ///< By which it was learned; for people.
  LinearLink link = LinearLink::kIdentity;
  std::vector<std::string> features;
  bool is_scaled = false;
  std::vector<LinearInput> inputs;  ///< By ascending feature.
  Polynomial polynomial;
  std::vector<LinearOutput> outputs;  ///< Two at least with kSoftmax, else one.

  friend bool operator==(const LinearSource&, const LinearSource&) = default;
};

/// A linear model, read from a file (FORMAT.md). Inputs are numbers, named as the features; one
/// that is chosen and missing (NaN) makes the answer NaN. Outputs are "score", or "score.0" and so
/// on, one a class. All is added up in double, in the order of the terms.
class LinearModel final : public Model {
 public:
  static constexpr std::string_view kFormat = "forkcast.linear";

  /// kInvalidArgument naming the JSON path of what is wrong.
  static Result<LinearModel> Parse(std::string_view text);
  /// Precondition: `source` is as Parse() would take it.
  explicit LinearModel(LinearSource source);

  [[nodiscard]] std::span<const InputColumn> inputs() const noexcept override { return *inputs_; }
  [[nodiscard]] std::span<const OutputColumn> outputs() const noexcept override { return outputs_; }
  /// O(n_rows * (factors of all terms + outputs * terms)).
  void Predict(std::span<const float> rows, std::span<double> out) const noexcept override;

  [[nodiscard]] const LinearSource& source() const noexcept { return source_; }
  /// The products that each output adds up.
  [[nodiscard]] const PolynomialTerms& terms() const noexcept { return terms_; }
  /// The chosen input `i` of a row, as terms multiply it.
  [[nodiscard]] double ValueOf(std::size_t i, const float* row) const noexcept {
    const LinearInput& input = source_.inputs[i];
    const double x = row[input.feature];
    return source_.is_scaled ? (x - input.mean) / input.deviation : x;
  }

  /// The file. The same model gives the same bytes.
  [[nodiscard]] std::string Write() const;

  /// Takes equal inputs out of the pool in place of its own.
  void ShareInputs(InputPool& pool) { inputs_ = pool.Share(std::move(inputs_)); }

 private:
  void Sum(const float* row, std::span<double> sums) const noexcept;

  LinearSource source_;
  PolynomialTerms terms_;
  std::shared_ptr<const InputColumns> inputs_;
  std::vector<OutputColumn> outputs_;
};

}  // namespace forkcast::model
