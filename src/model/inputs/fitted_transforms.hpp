#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "model/inputs/feature_table.hpp"

namespace forkcast::model {

/// What stands in for a missing number.
struct Impute {
  enum class With { kConstant, kMean, kMedian };
  With with = With::kConstant;
  double constant = 0;  ///< Of kConstant alone.

  friend bool operator==(const Impute&, const Impute&) = default;
};

/// How a category becomes numbers.
enum class CategoryEncoding {
  kOrdinal,     ///< One column: the position among the training rows' categories, sorted by bytes.
  kOneHot,      ///< A column for each category, named "feature=category": 1 in its own, else 0.
  kTargetMean,  ///< One column: (sum of the target + s * overall mean) / (rows + s) over the
                ///< training rows of the category, with s = smoothing. A category seen in one row
                ///< alone carries that row's target: choose s > 0.
};

/// What becomes of a category that no training row had. A missing one takes the same path, but is
/// never an error.
enum class UnknownCategory {
  kMissing,  ///< Ordinal: NaN; one-hot: 0 in all columns; target mean: the overall mean.
  kError,    ///< kInvalidArgument naming feature and category.
};

/// What is done to one feature. A number is imputed first and scaled then; without either it stays
/// as it is, missing values included.
struct TransformSpec {
  std::string feature;
  std::optional<Impute> impute{};  ///< Numbers alone.
  /// (x - mean) / standard deviation (n, not n - 1) of the training rows after imputation; a
  /// missing value stays missing, and a feature without spread is only shifted. Numbers alone.
  bool scale = false;
  CategoryEncoding encoding = CategoryEncoding::kOrdinal;  ///< Categories alone, as the next two.
  double smoothing = 10;
  UnknownCategory unknown = UnknownCategory::kMissing;

  friend bool operator==(const TransformSpec&, const TransformSpec&) = default;
};

/// Reads the declaration
///   {"price": {"impute": "median", "scale": true}, "stock": {"impute": 0},
///    "store": {"encode": "target_mean", "smoothing": 20, "unknown": "error"}}
/// with "impute" a number, "mean" or "median", "encode" "ordinal", "one_hot" or "target_mean",
/// "unknown" "missing" or "error". Throws SpecError naming the path of what is wrong; whether the
/// features exist is not looked at.
[[nodiscard]] std::vector<TransformSpec> ReadTransforms(const preprocessing::JsonNode& node);

/// kInvalidArgument with the feature's name when `spec` is not for a feature of `column`'s kind.
[[nodiscard]] Status CheckFits(const TransformSpec& spec, const FeatureColumnSpec& column);

/// How a model that was trained elsewhere, and tests doubles, takes a number that is to become a
/// float without a test noticing (model/import).
struct ExactReading {
  enum class As {
    kRank,   ///< How many of `cuts` are less than it, so that `x <= cuts[i]` is `rank <= i`.
    kWhole,  ///< The number without its fraction: a category.
    /// A whole number from -2^24 to 2^24. Another, and a missing one, is its row's error.
    kInteger,
    kParts,  ///< The number itself, as three floats (double_parts.hpp).
  };
  As as = As::kRank;
  std::vector<double> cuts{};  ///< Ascending, none twice; of kRank alone.
  double zero_width = 0;       ///< What is no greater, whatever its sign, is 0.
  bool zero_is_missing = false;

  friend bool operator==(const ExactReading&, const ExactReading&) = default;
};

/// Makes the floats that a model reads of features; fitted on training rows, saved with the model.
/// Never changes after fitting; thread-safe.
class FittedTransforms {
 public:
  /// Learns from the rows `rows` of `table` alone, and from `target` (one value a row of `table`,
  /// read at `rows` alone, and only for kTargetMean; classes 0 and 1 give the share of class 1).
  /// Features without a spec get the default one. A number that is missing in all of `rows` is
  /// neither imputed by mean or median nor scaled. kInvalidArgument with the feature's name for a
  /// spec of an unknown feature, two of one feature, what fits not the kind of the feature, a
  /// target that is not finite; and for no rows. O(rows * columns * log rows) with medians, else
  /// O(rows * columns).
  static Result<FittedTransforms> Fit(const FeatureTable& table, std::span<const double> target,
                                      std::span<const std::uint32_t> rows,
                                      std::span<const TransformSpec> specs);

  /// The features read, in the order of a row.
  [[nodiscard]] const std::vector<FeatureColumnSpec>& inputs() const noexcept { return inputs_; }
  /// The names of the columns written: a feature's own, "feature=category", or PartNames().
  [[nodiscard]] const std::vector<std::string>& outputs() const noexcept { return outputs_; }
  /// The input that a column is made of.
  [[nodiscard]] std::size_t InputOf(std::size_t output) const noexcept;

  /// Rows `rows` of `table`, row-major, rows.size() x outputs().size(). kInvalidArgument when the
  /// table's columns are not inputs(), or for a category under UnknownCategory::kError.
  [[nodiscard]] Result<std::vector<float>> Transform(const FeatureTable& table,
                                                     std::span<const std::uint32_t> rows) const;

  /// The same for one row of values, bit for bit, of which that of input i is row[positions[i]];
  /// allocates nothing unless it fails: kInvalidArgument with the feature's name also for a value
  /// of the wrong kind. Precondition: positions.size() == inputs().size(), all of them within the
  /// row, and out.size() == outputs().size().
  Status TransformRow(std::span<const preprocessing::Value> row,
                      std::span<const std::size_t> positions, std::span<float> out) const;

  /// All of it as JSON, and back, without loss.
  [[nodiscard]] nlohmann::ordered_json ToJson() const;
  /// Throws SpecError naming the path of what is wrong.
  static FittedTransforms FromJson(const preprocessing::JsonNode& node);

  friend bool operator==(const FittedTransforms&, const FittedTransforms&) = default;

 private:
  /// One feature's transform; `first_output` is where its columns begin.
  struct Number {
    std::optional<double> fill{};
    double mean = 0;
    double deviation = 1;
    bool scaled = false;
    std::optional<ExactReading> reading{};  // before the others; never fitted
    friend bool operator==(const Number&, const Number&) = default;
  };
  struct Category {
    CategoryEncoding encoding = CategoryEncoding::kOrdinal;
    UnknownCategory unknown = UnknownCategory::kMissing;
    std::map<std::string, std::uint32_t, std::less<>> codes{};  // sorted: code = position
    std::vector<double> means{};                                // by code; of kTargetMean
    double overall_mean = 0;
    friend bool operator==(const Category&, const Category&) = default;
  };
  struct Feature {
    std::size_t first_output = 0;
    Number number;      // of FeatureKind::kNumber
    Category category;  // of FeatureKind::kCategory
    friend bool operator==(const Feature&, const Feature&) = default;
  };

  static Number FitNumber(std::span<const float> column, std::span<const std::uint32_t> rows,
                          const TransformSpec& spec);
  static Result<Category> FitCategory(const FeatureTable& table, std::size_t column,
                                      std::span<const double> target,
                                      std::span<const std::uint32_t> rows,
                                      const TransformSpec& spec);
  static Number ReadNumber(const preprocessing::JsonNode& node);
  static Category ReadCategory(const preprocessing::JsonNode& node);
  void NameOutputs();
  [[nodiscard]] Error UnknownError(std::size_t input, std::string_view text) const;
  /// kInvalidArgument with the feature's name for a number that its reading does not take.
  [[nodiscard]] Status CheckIsTaken(std::size_t input, double value) const;
  static float Apply(const Number& number, float value) noexcept;
  /// Of a number with a reading: writes its columns.
  static void ApplyExactly(const Number& number, double value, float* out) noexcept;
  /// Writes the columns of one category; `code` is unset for an unknown or missing one.
  static void Write(const Category& category, std::optional<std::uint32_t> code,
                    float* out) noexcept;

  std::vector<FeatureColumnSpec> inputs_;
  std::vector<std::string> outputs_;
  std::vector<Feature> features_;
};

}  // namespace forkcast::model
