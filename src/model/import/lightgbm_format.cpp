#include "model/import/lightgbm_format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "model/import/lightgbm_text.hpp"
#include "model/refused.hpp"

namespace forkcast::model {
namespace {

/// What its Python package takes for 0: the nearest float to 1e-35.
constexpr double kZeroWidth = 1e-35F;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// ---- the header ----

/// What an objective makes of a margin.
struct ObjectiveKind {
  std::string_view name;
  Link link = Link::kIdentity;
  bool is_classes = false;
  bool is_many = false;        ///< More than two classes.
  bool may_be_rooted = false;  ///< With the parameter reg_sqrt it learned the root of the target.
};
constexpr std::array<ObjectiveKind, 16> kObjectives{{
    {.name = "regression", .may_be_rooted = true},
    {.name = "regression_l1", .may_be_rooted = true},
    {.name = "huber", .may_be_rooted = true},
    {.name = "fair", .may_be_rooted = true},
    {.name = "quantile", .may_be_rooted = true},
    {.name = "mape", .may_be_rooted = true},
    {.name = "poisson", .link = Link::kExp},
    {.name = "gamma", .link = Link::kExp},
    {.name = "tweedie", .link = Link::kExp},
    {.name = "binary", .link = Link::kSigmoid, .is_classes = true},
    {.name = "multiclass", .link = Link::kSoftmax, .is_classes = true, .is_many = true},
    {.name = "multiclassova", .link = Link::kSigmoid, .is_classes = true, .is_many = true},
    {.name = "cross_entropy", .link = Link::kSigmoid},
    {.name = "cross_entropy_lambda", .link = Link::kLogOnePlusExp},
    {.name = "lambdarank"},
    {.name = "rank_xendcg"},
}};

struct Objective {
  Link link = Link::kIdentity;
  bool is_classes = false;
  bool is_many = false;
  double sigmoid = 1;
};

double ParseDouble(std::string_view member, std::string_view text) {
  const std::vector<double> numbers = Need(member, ReadDoubles(text));
  if (numbers.size() != 1 || !std::isfinite(numbers[0])) {
    RefuseCorrupt(fmt::format("{}: expected a number, got {:?}", member, text.substr(0, 40)));
  }
  return numbers[0];
}

std::size_t ParseCount(std::string_view member, std::string_view text, std::size_t most) {
  const std::vector<std::int64_t> numbers = Need(member, ReadIntegers(text));
  if (numbers.size() != 1 || numbers[0] < 0 || static_cast<std::size_t>(numbers[0]) > most) {
    RefuseCorrupt(fmt::format("{}: expected a whole number up to {}, got {:?}", member, most,
                              text.substr(0, 40)));
  }
  return static_cast<std::size_t>(numbers[0]);
}

/// "binary sigmoid:1", "regression sqrt"; empty: one of the user's own, whose margins are answers.
Objective ReadObjective(std::string_view text) {
  const std::vector<std::string_view> words = Words(text);
  if (words.empty() || words[0] == "none") return {};
  const auto* const kind = std::ranges::find(kObjectives, words[0], &ObjectiveKind::name);
  if (kind == kObjectives.end()) {
    RefuseUnknown(fmt::format("objective: {:?} is not understood", words[0].substr(0, 40)));
  }
  Objective objective{.link = kind->link, .is_classes = kind->is_classes, .is_many = kind->is_many};
  for (const std::string_view word : std::span(words).subspan(1)) {
    const std::size_t colon = word.find(':');
    if (word == "sqrt" && kind->may_be_rooted) {
      objective.link = Link::kSignedSquare;
    } else if (colon == std::string_view::npos) {
      RefuseUnknown(
          fmt::format("objective: {:?} of {} is not understood", word.substr(0, 40), kind->name));
    } else if (word.substr(0, colon) == "sigmoid" && kind->is_classes) {
      // Others, such as alpha, say how it was trained.
      objective.sigmoid = ParseDouble("objective: sigmoid", word.substr(colon + 1));
    }
  }
  if (!(objective.sigmoid > 0)) RefuseUnknown("objective: sigmoid: expected a positive number");
  return objective;
}

// ---- trees as the text has them ----

enum class Missing : std::uint8_t { kNone = 0, kZero = 1, kNan = 2 };

/// A tree's lists, of equal length each for tests and for leaves.
struct RawTree {
  std::vector<std::int64_t> features{};
  std::vector<double> thresholds{};
  std::vector<std::int64_t> decisions{};
  std::vector<std::int64_t> left{};
  std::vector<std::int64_t> right{};
  std::vector<std::int64_t> test_counts{};  ///< Or none.
  std::vector<double> leaves{};
  std::vector<std::int64_t> leaf_counts{};  ///< Or none.
  std::vector<std::int64_t> set_bounds{};
  std::vector<std::int64_t> set_words{};
  /// Of each leaf its linear function; none: leaves are their values.
  std::vector<LinearForestSource::Leaf> functions{};

  [[nodiscard]] bool IsCategory(std::size_t test) const { return (decisions[test] & 1) != 0; }
  [[nodiscard]] bool DefaultsLeft(std::size_t test) const { return (decisions[test] & 2) != 0; }
  [[nodiscard]] Missing MissingOf(std::size_t test) const {
    return static_cast<Missing>((decisions[test] >> 2) & 3);
  }
};

class RawTreeReader {
 public:
  explicit RawTreeReader(const LightGbmTree& text) : text_(text) {}

  [[nodiscard]] RawTree Read() const {
    constexpr std::size_t kMostLeaves = ForestSource::kMostLeafValues;
    const std::size_t leaves = ParseCount("num_leaves", Member("num_leaves"), kMostLeaves);
    if (leaves == 0) RefuseCorrupt("num_leaves: expected one at least");
    const std::size_t tests = leaves - 1;
    RawTree tree{.leaves = Need("leaf_value", ReadDoubles(Member("leaf_value")))};
    Expect("leaf_value", tree.leaves.size(), leaves);
    tree.leaf_counts = Counts("leaf_count", leaves);
    if (Member("is_linear") == "1") tree.functions = Functions(tree.leaves);
    if (tests == 0) return tree;  // its other lists may hold anything
    tree.features = Integers("split_feature", tests);
    tree.thresholds = Need("threshold", ReadDoubles(Member("threshold")));
    Expect("threshold", tree.thresholds.size(), tests);
    tree.decisions = Member("decision_type").empty() ? std::vector<std::int64_t>(tests, 0)
                                                     : Integers("decision_type", tests);
    tree.left = Integers("left_child", tests);
    tree.right = Integers("right_child", tests);
    tree.test_counts = Counts("internal_count", tests);
    tree.set_bounds = Need("cat_boundaries", ReadIntegers(Member("cat_boundaries")));
    tree.set_words = Need("cat_threshold", ReadIntegers(Member("cat_threshold")));
    return tree;
  }

 private:
  [[nodiscard]] std::string_view Member(std::string_view name) const {
    const auto found = text_.members.find(name);
    return found == text_.members.end() ? std::string_view() : found->second;
  }
  static void Expect(std::string_view name, std::size_t size, std::size_t expected) {
    if (size == expected) return;
    RefuseCorrupt(fmt::format("{}: {} numbers, expected {}", name, size, expected));
  }

  /// `num_features` says how many of the other lists' numbers are each leaf's.
  [[nodiscard]] std::vector<LinearForestSource::Leaf> Functions(
      std::span<const double> values) const {
    const std::vector<double> constants = Need("leaf_const", ReadDoubles(Member("leaf_const")));
    Expect("leaf_const", constants.size(), values.size());
    const std::vector<std::int64_t> counts = Integers("num_features", values.size());
    const std::vector<double> coefficients = Need("leaf_coeff", ReadDoubles(Member("leaf_coeff")));
    const std::vector<std::int64_t> features = Integers("leaf_features", coefficients.size());
    std::vector<LinearForestSource::Leaf> leaves;
    std::size_t at = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      LinearForestSource::Leaf leaf{.value = values[i], .constant = constants[i]};
      if (counts[i] < 0 || static_cast<std::size_t>(counts[i]) > features.size() - at) {
        RefuseCorrupt("num_features: more than leaf_features has");
      }
      for (std::int64_t k = 0; k < counts[i]; ++k, ++at) {
        if (features[at] < 0 || features[at] >= std::int64_t{ForestSource::kMostFeatures}) {
          RefuseCorrupt(fmt::format("leaf_features: {}", features[at]));
        }
        if (!std::isfinite(coefficients[at])) RefuseCorrupt("leaf_coeff: expected finite numbers");
        leaf.terms.push_back(
            {.input = static_cast<std::uint32_t>(features[at]), .coefficient = coefficients[at]});
      }
      if (!std::isfinite(leaf.constant)) RefuseCorrupt("leaf_const: expected finite numbers");
      leaves.push_back(std::move(leaf));
    }
    Expect("leaf_features", features.size(), at);
    return leaves;
  }

  [[nodiscard]] std::vector<std::int64_t> Integers(std::string_view name,
                                                   std::size_t expected) const {
    std::vector<std::int64_t> numbers = Need(name, ReadIntegers(Member(name)));
    Expect(name, numbers.size(), expected);
    return numbers;
  }
  /// Of the rows of training, which old files may not have.
  [[nodiscard]] std::vector<std::int64_t> Counts(std::string_view name,
                                                 std::size_t expected) const {
    if (Member(name).empty()) return {};
    return Integers(name, expected);
  }

  const LightGbmTree& text_;
};

// ---- features as the trees test them ----

/// What all tests of a feature have in common.
struct FeatureUse {
  bool is_tested = false;
  bool is_category = false;
  Missing missing = Missing::kNone;
  std::vector<double> cuts{};
};

class FeatureUses {
 public:
  explicit FeatureUses(std::span<const std::string> names) : names_(names), uses_(names.size()) {}

  void Add(const RawTree& tree) {
    for (std::size_t i = 0; i < tree.features.size(); ++i) {
      const auto feature = static_cast<std::size_t>(tree.features[i]);
      if (tree.features[i] < 0 || feature >= uses_.size()) {
        RefuseCorrupt(
            fmt::format("split_feature: feature {} of {}", tree.features[i], uses_.size()));
      }
      AddTest(tree, i, feature);
    }
  }

  /// Sorts what was tested; behind all Add().
  void Finish() {
    for (FeatureUse& use : uses_) {
      std::ranges::sort(use.cuts);
      use.cuts.erase(std::unique(use.cuts.begin(), use.cuts.end()), use.cuts.end());
    }
  }

  [[nodiscard]] const FeatureUse& Of(std::size_t feature) const { return uses_[feature]; }

 private:
  void AddTest(const RawTree& tree, std::size_t test, std::size_t feature) {
    FeatureUse& use = uses_[feature];
    const Missing missing = tree.MissingOf(test);
    if (missing > Missing::kNan) RefuseUnknown("decision_type: an unknown kind of missing values");
    if (!use.is_tested) {
      use = {.is_tested = true, .is_category = tree.IsCategory(test), .missing = missing};
    }
    if (use.is_category != tree.IsCategory(test) || (!use.is_category && use.missing != missing)) {
      RefuseUnknown(
          fmt::format("decision_type: feature {:?} is tested in two ways: once as a "
                      "category or with another kind of missing values",
                      names_[feature]));
    }
    if (use.is_category) return;
    const double threshold = tree.thresholds[test];
    if (threshold == kInfinity) return;  // all but missing numbers go left
    if (!std::isfinite(threshold)) RefuseCorrupt("threshold: expected numbers, or inf");
    // -0 and 0 are one cut.
    use.cuts.push_back(threshold + 0.0);
  }

  std::span<const std::string> names_;
  std::vector<FeatureUse> uses_;
};

// ---- from the text's trees to the forest's ----

class TreeBuilder {
 public:
  /// `functions`: of a model whose leaves are linear, those of all leaves; else null.
  TreeBuilder(const RawTree& raw, const FeatureUses& uses, std::vector<double>& leaf_values,
              std::vector<LinearForestSource::Leaf>* functions)
      : raw_(raw), uses_(uses), leaf_values_(leaf_values), functions_(functions) {}

  ForestSource::Tree Build() {
    tree_.nodes.emplace_back();
    seen_tests_.resize(raw_.features.size());
    seen_leaves_.resize(raw_.leaves.size());
    // Nodes not yet read, their number in the text (a leaf's is ~number) and in the tree.
    std::vector<std::pair<std::int64_t, std::uint32_t>> open{{raw_.features.empty() ? ~0 : 0, 0}};
    while (!open.empty()) {
      const auto [from, to] = open.back();
      open.pop_back();
      if (from < 0) {
        ReadLeaf(static_cast<std::size_t>(~from), tree_.nodes[to]);
        continue;
      }
      const auto test = static_cast<std::size_t>(from);
      const auto next = static_cast<std::uint32_t>(tree_.nodes.size());
      tree_.nodes.resize(tree_.nodes.size() + 2);
      ReadTest(test, tree_.nodes[to]);
      tree_.nodes[to].left = next;
      tree_.nodes[to].right = next + 1;
      // A category of the set goes left there, and right here.
      const bool swaps = raw_.IsCategory(test);
      open.emplace_back(swaps ? raw_.left[test] : raw_.right[test], next + 1);
      open.emplace_back(swaps ? raw_.right[test] : raw_.left[test], next);
    }
    if (!HasCounts()) CountLeaves();
    return std::move(tree_);
  }

 private:
  [[nodiscard]] bool HasCounts() const {
    return !raw_.leaf_counts.empty() && (raw_.features.empty() || !raw_.test_counts.empty());
  }

  void ReadLeaf(std::size_t leaf, ForestSource::Node& node) {
    if (leaf >= seen_leaves_.size()) RefuseCorrupt("a child that is no leaf");
    if (seen_leaves_[leaf]) RefuseCorrupt("two tests lead to one leaf");
    seen_leaves_[leaf] = true;
    if (!std::isfinite(raw_.leaves[leaf])) RefuseCorrupt("leaf_value: expected finite numbers");
    node.value = static_cast<float>(leaf_values_.size());
    leaf_values_.push_back(raw_.leaves[leaf]);
    if (functions_ != nullptr) {
      const double value = raw_.leaves[leaf];
      functions_->push_back(raw_.functions.empty() ? LinearForestSource::Leaf{value, value, {}}
                                                   : raw_.functions[leaf]);
    }
    if (HasCounts()) node.weight = static_cast<float>(raw_.leaf_counts[leaf]);
  }

  void ReadTest(std::size_t test, ForestSource::Node& node) {
    if (test >= seen_tests_.size()) RefuseCorrupt("a child that is no test");
    if (seen_tests_[test]) RefuseCorrupt("two tests lead to one");
    seen_tests_[test] = true;
    node.feature = static_cast<std::uint32_t>(raw_.features[test]);
    if (HasCounts()) node.weight = static_cast<float>(raw_.test_counts[test]);
    node.is_category = raw_.IsCategory(test);
    if (node.is_category) {
      // A missing one goes where those go that are not in the set.
      ReadSet(test, node);
      return;
    }
    node.missing_goes_right = !raw_.DefaultsLeft(test);
    const std::vector<double>& cuts = uses_.Of(node.feature).cuts;
    if (raw_.thresholds[test] == kInfinity) {
      node.value = std::numeric_limits<float>::infinity();
      return;
    }
    const auto cut = std::ranges::lower_bound(cuts, raw_.thresholds[test]) - cuts.begin();
    node.value = static_cast<float>(cut + 1);
  }

  void ReadSet(std::size_t test, ForestSource::Node& node) {
    constexpr std::size_t kBits = 32;
    const double number = raw_.thresholds[test];
    const bool is_set = number >= 0 && number == std::floor(number) &&
                        number + 1 < static_cast<double>(raw_.set_bounds.size());
    if (!is_set) RefuseCorrupt("threshold: a set of categories that is none");
    const auto set = static_cast<std::size_t>(number);
    const std::int64_t begin = raw_.set_bounds[set];
    const std::int64_t end = raw_.set_bounds[set + 1];
    if (begin < 0 || end < begin || static_cast<std::size_t>(end) > raw_.set_words.size()) {
      RefuseCorrupt("cat_boundaries: a set out of bounds");
    }
    node.first_category = static_cast<std::uint32_t>(tree_.categories.size());
    for (std::int64_t i = begin; i < end; ++i) {
      const auto word = static_cast<std::uint32_t>(raw_.set_words[static_cast<std::size_t>(i)]);
      for (std::size_t bit = 0; bit < kBits; ++bit) {
        if (((word >> bit) & 1U) == 0) continue;
        AddCategory(static_cast<std::size_t>(i - begin) * kBits + bit);
      }
    }
    node.category_count = static_cast<std::uint32_t>(tree_.categories.size()) - node.first_category;
  }

  void AddCategory(std::size_t category) {
    if (category >= ForestSource::kMostCategories) {
      RefuseUnknown(fmt::format("cat_threshold: category {}, expected less than {}", category,
                                ForestSource::kMostCategories));
    }
    tree_.categories.push_back(static_cast<std::uint32_t>(category));
  }

  /// In place of counts that the text does not have.
  void CountLeaves() {
    for (std::size_t i = tree_.nodes.size(); i-- > 0;) {
      ForestSource::Node& node = tree_.nodes[i];
      node.weight =
          node.is_leaf() ? 1.0F : tree_.nodes[node.left].weight + tree_.nodes[node.right].weight;
    }
  }

  const RawTree& raw_;
  const FeatureUses& uses_;
  std::vector<double>& leaf_values_;
  std::vector<LinearForestSource::Leaf>* functions_;
  ForestSource::Tree tree_;
  std::vector<bool> seen_tests_;
  std::vector<bool> seen_leaves_;
};

// ---- the model ----

class ModelReader {
 public:
  explicit ModelReader(const LightGbmText& text) : text_(text) {}

  ImportedModel Read() {
    ReadHeader();
    ReadTrees();
    ReadInputs();
    ReadPandas();
    if (is_linear_) MakeLinear();
    return std::move(model_);
  }

 private:
  [[nodiscard]] std::string_view Member(std::string_view name) const {
    const auto found = text_.header.find(name);
    if (found == text_.header.end()) RefuseCorrupt(fmt::format("{}: missing", name));
    return found->second;
  }
  [[nodiscard]] std::string_view MemberOr(std::string_view name, std::string_view otherwise) const {
    const auto found = text_.header.find(name);
    return found == text_.header.end() ? otherwise : found->second;
  }

  void ReadHeader() {
    const std::string_view version = Member("version");
    if (version != "v3" && version != "v4") {
      RefuseUnknown(
          fmt::format("version: {:?} is not understood, only v3 and v4 (LightGBM 2.3 to "
                      "4.x) are: save the model anew with one of these",
                      version.substr(0, 40)));
    }
    model_.format_version = version;
    model_.objective = MemberOr("objective", "none");
    objective_ = ReadObjective(MemberOr("objective", {}));
    const std::size_t features =
        ParseCount("max_feature_idx", Member("max_feature_idx"), ForestSource::kMostFeatures - 1) +
        1;
    for (const std::string_view name : Words(Member("feature_names"))) {
      model_.forest.features.emplace_back(name);
    }
    if (model_.forest.features.size() != features) {
      RefuseCorrupt(fmt::format("feature_names: {} names of {} features",
                                model_.forest.features.size(), features));
    }
    margins_ = ParseCount("num_tree_per_iteration", Member("num_tree_per_iteration"),
                          ForestSource::kMostMargins);
    if (margins_ == 0) RefuseCorrupt("num_tree_per_iteration: expected one at least");
    if (objective_.is_classes && (margins_ > 1) != objective_.is_many) {
      RefuseCorrupt(fmt::format("num_tree_per_iteration: {} does not fit to the objective {:?}",
                                margins_, model_.objective));
    }
    if (text_.trees.size() % margins_ != 0) {
      RefuseCorrupt(fmt::format("{} trees, {} an iteration", text_.trees.size(), margins_));
    }
  }

  void ReadTrees() {
    std::vector<RawTree> trees;
    std::size_t leaves = 0;
    FeatureUses uses(model_.forest.features);
    for (const LightGbmTree& tree : text_.trees) {
      InTree(trees.size(), [&] {
        trees.push_back(RawTreeReader(tree).Read());
        is_linear_ = is_linear_ || !trees.back().functions.empty();
        uses.Add(trees.back());
        leaves += trees.back().leaves.size();
        if (leaves > ForestSource::kMostLeafValues) {
          RefuseUnknown(fmt::format("over {} leaves in all", ForestSource::kMostLeafValues));
        }
      });
    }
    uses.Finish();
    ForestSource& forest = model_.forest;
    forest.base_margins.assign(margins_, 0.0F);
    forest.link = objective_.link;
    DoubleSums& sums = forest.doubles.emplace();
    sums.factor = objective_.sigmoid;
    const bool is_average = text_.header.contains("average_output");
    if (is_average && !trees.empty()) {
      const std::size_t rounds = trees.size() / margins_;
      sums.divisor = static_cast<double>(rounds);
    }
    for (std::size_t i = 0; i < trees.size(); ++i) {
      InTree(i, [&] {
        forest.trees.push_back(
            TreeBuilder(trees[i], uses, sums.leaf_values, is_linear_ ? &functions_ : nullptr)
                .Build());
        forest.trees.back().margin = static_cast<std::uint32_t>(i % margins_);
        trees[i] = {};
      });
    }
    for (std::size_t i = 0; i < forest.features.size(); ++i) {
      model_.inputs.push_back(InputOf(forest.features[i], uses.Of(i)));
      missing_.push_back(uses.Of(i).missing);
      has_categories_ = has_categories_ || uses.Of(i).is_category;
    }
  }

  template <typename Action>
  static void InTree(std::size_t tree, const Action& action) {
    try {
      action();
    } catch (Refused& refused) {
      refused.error.message = fmt::format("Tree={}: {}", tree, refused.error.message);
      throw;
    }
  }

  static ImportedInput InputOf(const std::string& name, const FeatureUse& use) {
    ImportedInput input{.name = name};
    ExactReading& reading = input.reading.emplace();
    if (use.is_category) {
      reading.as = ExactReading::As::kWhole;
      return input;
    }
    reading.cuts = use.cuts;
    reading.zero_width = kZeroWidth;
    reading.zero_is_missing = use.missing == Missing::kZero;
    if (use.missing == Missing::kNone) input.fill = 0;
    return input;
  }

  void ReadInputs() {
    model_.has_input_names = !AreNumbered();
    if (objective_.is_classes) {
      ClassAnswer answer;
      const std::size_t classes = std::max<std::size_t>(margins_, 2);
      for (std::size_t i = 0; i < classes; ++i) answer.classes.push_back(std::to_string(i));
      model_.answer = std::move(answer);
    } else if (margins_ > 1) {
      model_.answer = ValuesAnswer{margins_};
    }
    const Link link = objective_.link;
    model_.can_explain = !std::holds_alternative<ValuesAnswer>(model_.answer) &&
                         link != Link::kLogOnePlusExp && link != Link::kSignedSquare;
    if (has_categories_ && model_.format_version == "v3") {
      model_.notes.emplace_back(
          "version v3: a missing category is answered as LightGBM 3.3 and later do; those before "
          "took it for category 0, and the file does not say which one wrote it");
    }
  }

  /// As LightGBM calls features without names.
  [[nodiscard]] bool AreNumbered() const {
    const std::vector<std::string>& names = model_.forest.features;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i] != fmt::format("Column_{}", i)) return false;
    }
    return true;
  }

  // ---- categories of pandas ----

  void ReadPandas() {
    const std::string_view text = text_.pandas_categorical;
    if (text.empty() || text == "null" || text == "[]") return;
    const nlohmann::json lists = nlohmann::json::parse(text, nullptr, false);
    if (!lists.is_array()) RefuseCorrupt("pandas_categorical: expected a list of lists");
    const std::vector<std::uint32_t> features = CategoryFeatures();
    if (features.size() != lists.size()) {
      RefuseUnknown(fmt::format(
          "pandas_categorical: {} lists of categories, but feature_infos has {} features with "
          "them: which is whose cannot be told",
          lists.size(), features.size()));
    }
    for (std::size_t i = 0; i < features.size(); ++i) TakePandas(features[i], lists[i]);
  }

  /// Those whose values are listed ("0:1:4") and not bounded ("[0:4]").
  [[nodiscard]] std::vector<std::uint32_t> CategoryFeatures() const {
    std::vector<std::uint32_t> features;
    const std::vector<std::string_view> infos = Words(Member("feature_infos"));
    if (infos.size() != model_.inputs.size()) {
      RefuseCorrupt(fmt::format("feature_infos: of {} features, expected {}", infos.size(),
                                model_.inputs.size()));
    }
    for (std::uint32_t i = 0; i < infos.size(); ++i) {
      if (!infos[i].starts_with('[') && infos[i] != "none") features.push_back(i);
    }
    return features;
  }

  void TakePandas(std::uint32_t feature, const nlohmann::json& list) {
    const std::string& name = model_.forest.features[feature];
    if (!list.is_array()) RefuseCorrupt("pandas_categorical: expected a list of lists");
    const bool are_texts =
        !list.empty() && std::all_of(list.begin(), list.end(),
                                     [](const nlohmann::json& one) { return one.is_string(); });
    const bool is_tested_as_number = !model_.inputs[feature].reading->cuts.empty();
    if (is_tested_as_number) {
      RefuseCorrupt(fmt::format("pandas_categorical: feature {:?} is tested as a number", name));
    }
    if (are_texts) {
      model_.inputs[feature].reading.reset();
      model_.inputs[feature].fill.reset();
      Need(TakeTexts(feature, list.get<std::vector<std::string>>(), model_));
      return;
    }
    std::vector<std::uint32_t> numbers;
    for (const nlohmann::json& one : list) {
      if (!one.is_number_unsigned() || one.get<std::uint64_t>() >= ForestSource::kMostCategories) {
        RefuseUnknown(
            fmt::format("pandas_categorical: categories of feature {:?}: expected texts, "
                        "or whole numbers from 0 to {}",
                        name, ForestSource::kMostCategories - 1));
      }
      numbers.push_back(one.get<std::uint32_t>());
    }
    Need(RenumberCategories(feature, numbers, model_.forest));
  }

  // ---- leaves that are linear functions ----

  /// Its trees once more, which test the numbers themselves.
  void MakeLinear() {
    using Input = LinearForestSource::Input;
    ForestSource& forest = model_.forest;
    std::size_t parts = 0;
    for (const LinearForestSource::Leaf& leaf : functions_) parts += 1 + leaf.terms.size();
    for (const ForestSource::Tree& tree : forest.trees) {
      parts += tree.nodes.size() + tree.categories.size();
    }
    if (parts > LinearForestSource::kMostParts) {
      RefuseUnknown(fmt::format("linear_tree: over {} tests, leaves, terms and categories",
                                LinearForestSource::kMostParts));
    }
    LinearForestSource& linear = model_.linear.emplace();
    linear.margins = margins_;
    linear.link = forest.link;
    linear.divisor = forest.doubles->divisor;
    linear.factor = forest.doubles->factor;
    std::vector<std::vector<double>> cuts;
    for (std::size_t i = 0; i < model_.inputs.size(); ++i) {
      ImportedInput& input = model_.inputs[i];
      const bool is_category = input.is_text() || input.reading->as == ExactReading::As::kWhole;
      cuts.push_back(input.reading ? std::move(input.reading->cuts) : std::vector<double>());
      linear.inputs.push_back({.name = input.name,
                               .is_category = is_category,
                               .missing = missing_[i] == Missing::kNone ? Input::Missing::kZero
                                          : missing_[i] == Missing::kZero
                                              ? Input::Missing::kDefaultOfZero
                                              : Input::Missing::kDefault});
      if (is_category) continue;
      input.reading = ExactReading{.as = ExactReading::As::kParts, .zero_width = kZeroWidth};
      input.fill.reset();
    }
    for (std::size_t i = 0; i < forest.trees.size(); ++i) {
      InTree(i, [&] { linear.trees.push_back(LinearTree(forest.trees[i], linear, cuts)); });
      forest.trees[i] = {};
    }
    model_.tree_count = forest.trees.size();
    forest.trees.clear();
    forest.doubles.reset();
    model_.can_explain = false;
  }

  [[nodiscard]] LinearForestSource::Tree LinearTree(const ForestSource::Tree& tree,
                                                    const LinearForestSource& linear,
                                                    std::span<const std::vector<double>> cuts) {
    LinearForestSource::Tree made{.margin = tree.margin};
    std::vector<std::int64_t> places;  // of each node among the tests, or ~ among the leaves
    std::int64_t tests = 0;
    std::int64_t leaves = 0;
    for (const ForestSource::Node& node : tree.nodes) {
      places.push_back(node.is_leaf() ? ~leaves++ : tests++);
    }
    for (const ForestSource::Node& node : tree.nodes) {
      if (node.is_leaf()) {
        made.leaves.push_back(LinearLeaf(static_cast<std::size_t>(node.value), linear));
        continue;
      }
      LinearForestSource::Test test{.input = node.feature,
                                    .left = places[node.left],
                                    .right = places[node.right],
                                    .missing_goes_right = node.missing_goes_right};
      if (node.is_category) {
        const auto first = tree.categories.begin() + node.first_category;
        test.categories.assign(first, first + node.category_count);
        std::ranges::sort(test.categories);
      } else if (std::isinf(node.value)) {
        test.most = kInfinity;
      } else {
        test.most = cuts[node.feature][static_cast<std::size_t>(node.value) - 1];
      }
      made.tests.push_back(std::move(test));
    }
    return made;
  }

  [[nodiscard]] LinearForestSource::Leaf LinearLeaf(std::size_t at,
                                                    const LinearForestSource& linear) {
    LinearForestSource::Leaf& leaf = functions_[at];
    for (const LinearForestSource::Term& term : leaf.terms) {
      if (term.input >= linear.inputs.size()) {
        RefuseCorrupt(
            fmt::format("leaf_features: feature {} of {}", term.input, linear.inputs.size()));
      }
      if (linear.inputs[term.input].is_category) {
        RefuseCorrupt(fmt::format("leaf_features: feature {:?} is a category",
                                  linear.inputs[term.input].name));
      }
    }
    return std::move(leaf);
  }

  const LightGbmText& text_;
  ImportedModel model_;
  Objective objective_;
  std::size_t margins_ = 1;
  bool has_categories_ = false;
  bool is_linear_ = false;
  std::vector<Missing> missing_;                     ///< Of each feature.
  std::vector<LinearForestSource::Leaf> functions_;  ///< Of all leaves.
};

}  // namespace

bool IsLightGbm(std::string_view bytes) noexcept {
  return bytes.starts_with("tree\n") || bytes.starts_with("tree\r\n");
}

Result<ImportedModel> ImportLightGbm(std::string_view bytes, Rounds rounds) {
  const Result<LightGbmText> text = SplitLightGbm(bytes);
  if (!text) return text.error();
  if (rounds == Rounds::kBest) {
    return Error{ErrorCode::kInvalidArgument,
                 "LightGBM's text names no best round: its Python package saves the rounds up to "
                 "the best alone"};
  }
  try {
    return ModelReader(*text).Read();
  } catch (const Refused& refused) {
    return refused.error;
  }
}

}  // namespace forkcast::model
