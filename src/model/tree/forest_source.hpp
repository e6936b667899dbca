#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace forkcast::model {

/// What becomes of a row's margins, the sums of its trees' leaves: in float, as XGBoost does, or in
/// double where a forest adds up doubles.
enum class Link : std::uint32_t {
  kIdentity = 0,
  kSigmoid = 1,        ///< 1 / (1 + e^-x), the probability of class 1
  kExp = 2,            ///< e^x
  kStep = 3,           ///< 1 where x > 0, else 0
  kSoftmax = 4,        ///< e^x as a share of all margins' e^x
  kGreatest = 5,       ///< the number of the greatest margin, the first of equals: one number a row
  kRoundedExp = 6,     ///< e^x in double, then rounded: at times another float than kExp
  kLogOnePlusExp = 7,  ///< ln(1 + e^x)
  kSignedSquare = 8,   ///< x * |x|
};
inline constexpr std::uint32_t kLinkCount = 9;

/// Of a forest whose margins are doubles, as LightGBM's are.
struct DoubleSums {
  std::vector<double> leaf_values;  ///< At most ForestSource::kMostLeafValues.
  double divisor = 1;               ///< A margin is divided by it,
  double factor = 1;                ///< multiplied with it then, and goes through the link.

  friend bool operator==(const DoubleSums&, const DoubleSums&) = default;
};

/// A forest as its trainer wrote it: what CompileForest() takes. Slow to walk, easy to check.
struct ForestSource {
  /// A test, or a leaf when both children are 0.
  struct Node {
    /// Of a leaf: what it adds to the margin, or of a forest with DoubleSums the position of that
    /// among `leaf_values`. Of a number's test: rows with `x >= value` go right.
    float value = 0;
    std::uint32_t feature = 0;
    std::uint32_t left = 0;
    std::uint32_t right = 0;
    float weight = 0;  ///< How many rows came here in training, in any unit.
    bool is_category = false;
    bool missing_goes_right = false;  ///< Where rows go whose feature is NaN.
    /// Of a category's test: rows whose value, cut to a whole number, is one of
    /// Tree::categories[first_category ..] go right; negative numbers are none.
    std::uint32_t first_category = 0;
    std::uint32_t category_count = 0;

    [[nodiscard]] bool is_leaf() const noexcept { return left == 0 && right == 0; }
    friend bool operator==(const Node&, const Node&) = default;
  };

  struct Tree {
    /// The root first, a child behind its parent, each the child of exactly one. At least one.
    std::vector<Node> nodes;
    std::vector<std::uint32_t> categories;  ///< Each below kMostCategories.
    std::uint32_t margin = 0;               ///< Which of a row's margins its leaves are added to.

    friend bool operator==(const Tree&, const Tree&) = default;
  };

  /// A leaf's position is a float, which beyond this would not be exact.
  static constexpr std::size_t kMostLeafValues = std::size_t{1} << 24U;
  /// A category is a float's whole number, which beyond this would not be exact.
  static constexpr std::uint32_t kMostCategories = 1U << 24;
  static constexpr std::size_t kMostFeatures = 65'536;
  static constexpr std::size_t kMostMargins = 4'096;
  /// Sets of categories are written as bits: of all tests, so many words of 32.
  static constexpr std::size_t kMostCategoryWords = std::size_t{1} << 26U;

  std::vector<std::string> features;  ///< Names of a row's numbers; 1 .. kMostFeatures.
  /// With what each margin starts, 1 .. kMostMargins of them. Leaves are added in the order of
  /// trees: float sums depend on it.
  std::vector<float> base_margins;
  Link link = Link::kIdentity;
  std::vector<Tree> trees;
  std::optional<DoubleSums> doubles{};  ///< None: margins are floats.
  /// What the trainer noted beside the trees, e.g. forkcast_task.
  std::map<std::string, std::string, std::less<>> attributes;
};

}  // namespace forkcast::model
