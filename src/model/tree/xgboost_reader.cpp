#include "model/tree/xgboost_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "model/refused.hpp"
#include "model/tree/category_set.hpp"
#include "model/tree/ubjson_reader.hpp"

namespace forkcast::model {
namespace {

using nlohmann::json;

// ---- what is read of a document ----

/// Of all trees that those become whose leaves have several numbers.
constexpr std::size_t kMostNodes = std::size_t{1} << 26U;

/// Of every kind, floats and positions: a double holds both exactly.
using Numbers = std::vector<double>;

/// A tree: what the document says, of each node or of each list of categories.
struct RawTree {
  Numbers id;  ///< One.
  Numbers left_children;
  Numbers right_children;
  Numbers split_indices;
  Numbers split_conditions;
  Numbers default_left;
  Numbers sum_hessian;
  Numbers base_weights;  ///< Up to 3.1 also the vectors of leaves, one a node.
  Numbers leaf_weights;  ///< From 3.2 on those vectors; that of a leaf is at its right child.
  std::size_t leaf_size = 1;
  Numbers split_type;
  Numbers categories;
  Numbers categories_nodes;
  Numbers categories_segments;
  Numbers categories_sizes;
};

/// What the categories of a feature stand for: texts by the offsets of their bytes, or numbers.
struct RawCategories {
  Numbers offsets;
  Numbers values;
};

/// What a document says beside its trees.
struct RawModel {
  Numbers version;
  std::string booster;
  std::string objective;
  std::string base_score;
  std::string class_count = "0";
  std::string target_count = "1";  // models before 1.6 do not say
  std::string feature_count;
  std::string tree_count;
  std::string trees_a_round;              ///< Models before 1.6 do not say.
  std::vector<RawCategories> categories;  ///< One a feature, or none.
  std::vector<std::string> feature_names;
  std::map<std::string, std::string, std::less<>> attributes;
  Numbers margins;  ///< Of each tree, which it is added to.
  Numbers weights;  ///< Of each tree, with DART.
  Numbers linear_weights;
};

// Paths of members. DART has the trees, and all about them, one object deeper than others do:
// DocumentVisitor leaves out that object's name.
constexpr std::string_view kNested = "/learner/gradient_booster/gbtree/model";
constexpr std::string_view kModel = "/learner/gradient_booster/model";
constexpr std::string_view kTree = "/learner/gradient_booster/model/trees[]";
constexpr std::string_view kAttributes = "/learner/attributes/";
constexpr std::string_view kCategories = "/learner/gradient_booster/model/cats/enc[]";

struct TreeMember {
  std::string_view name;
  Numbers RawTree::*numbers;
};
constexpr std::array<TreeMember, 14> kTreeMembers{{
    {"/id", &RawTree::id},
    {"/left_children[]", &RawTree::left_children},
    {"/right_children[]", &RawTree::right_children},
    {"/split_indices[]", &RawTree::split_indices},
    {"/split_conditions[]", &RawTree::split_conditions},
    {"/default_left[]", &RawTree::default_left},
    {"/sum_hessian[]", &RawTree::sum_hessian},
    {"/base_weights[]", &RawTree::base_weights},
    {"/leaf_weights[]", &RawTree::leaf_weights},
    {"/split_type[]", &RawTree::split_type},
    {"/categories[]", &RawTree::categories},
    {"/categories_nodes[]", &RawTree::categories_nodes},
    {"/categories_segments[]", &RawTree::categories_segments},
    {"/categories_sizes[]", &RawTree::categories_sizes},
}};

struct ModelMember {
  std::string_view path;
  Numbers RawModel::*numbers;
};
constexpr std::array<ModelMember, 5> kModelMembers{{
    {"/version[]", &RawModel::version},
    {"/learner/gradient_booster/model/tree_info[]", &RawModel::margins},
    {"/learner/gradient_booster/weight_drop[]", &RawModel::weights},
    {"/learner/gradient_booster/model/weight_drop[]", &RawModel::weights},
    {"/learner/gradient_booster/model/weights[]", &RawModel::linear_weights},
}};

struct TextMember {
  std::string_view path;
  std::string RawModel::*text;
};
constexpr std::array<TextMember, 8> kTextMembers{{
    {"/learner/gradient_booster/name", &RawModel::booster},
    {"/learner/objective/name", &RawModel::objective},
    {"/learner/learner_model_param/base_score", &RawModel::base_score},
    {"/learner/learner_model_param/num_class", &RawModel::class_count},
    {"/learner/learner_model_param/num_target", &RawModel::target_count},
    {"/learner/learner_model_param/num_feature", &RawModel::feature_count},
    {"/learner/gradient_booster/model/gbtree_model_param/num_trees", &RawModel::tree_count},
    {"/learner/gradient_booster/model/gbtree_model_param/num_parallel_tree",
     &RawModel::trees_a_round},
}};

// ---- objectives ----

float Same(float score) { return score; }
float Logit(float score) { return -std::log(1.0F / score - 1.0F); }
float Logarithm(float score) { return std::log(score); }

/// What an objective makes of margins, and of the score that a model starts with.
struct ObjectiveKind {
  std::string_view name;
  Link link;
  float (*margin_of)(float base_score);
};
constexpr std::array<ObjectiveKind, 21> kObjectives{{
    {"reg:squarederror", Link::kIdentity, Same},
    {"reg:linear", Link::kIdentity, Same},
    {"reg:squaredlogerror", Link::kIdentity, Same},
    {"reg:pseudohubererror", Link::kIdentity, Same},
    {"reg:absoluteerror", Link::kIdentity, Same},
    {"reg:quantileerror", Link::kIdentity, Same},
    {"reg:expectileerror", Link::kIdentity, Same},
    {"reg:logistic", Link::kSigmoid, Logit},
    {"reg:gamma", Link::kExp, Logarithm},
    {"reg:tweedie", Link::kExp, Logarithm},
    {"binary:logistic", Link::kSigmoid, Logit},
    {"binary:logitraw", Link::kIdentity, Same},
    {"binary:hinge", Link::kStep, Same},
    {"multi:softprob", Link::kSoftmax, Same},
    {"multi:softmax", Link::kGreatest, Same},
    {"count:poisson", Link::kExp, Logarithm},
    {"survival:cox", Link::kExp, Logarithm},
    {"survival:aft", Link::kRoundedExp, Logarithm},
    {"rank:pairwise", Link::kIdentity, Same},
    {"rank:ndcg", Link::kIdentity, Same},
    {"rank:map", Link::kIdentity, Same},
}};

// ---- from a document's numbers to a tree ----

/// A whole number of 0 .. below - 1; `what` is wrong with any other.
std::size_t Position(double number, std::size_t below, std::string_view what) {
  if (!(number >= 0) || number >= static_cast<double>(below) || number != std::floor(number)) {
    RefuseCorrupt(std::string(what));
  }
  return static_cast<std::size_t>(number);
}

class TreeBuilder {
 public:
  explicit TreeBuilder(const RawTree& raw) : raw_(raw) {}

  /// One tree, or one for each number of its leaves.
  std::vector<ForestSource::Tree> Build() {
    CheckLengths();
    ReadCategories();
    tree_.nodes.emplace_back();
    // Nodes not yet read, their number in the document and in the tree. From the root on, so that
    // what no test leads to is never seen; not recursive, however deep the tree.
    std::vector<std::pair<std::size_t, std::uint32_t>> open{{0, 0}};
    std::vector<bool> seen(size());
    seen[0] = true;
    std::vector<std::pair<std::uint32_t, std::size_t>> leaves;  // node, and its number here
    while (!open.empty()) {
      const auto [from, to] = open.back();
      open.pop_back();
      if (!ReadNode(from, tree_.nodes[to])) {
        if (raw_.leaf_size > 1) leaves.emplace_back(to, from);
        continue;
      }
      const std::size_t left = Child(raw_.left_children[from], seen);
      const std::size_t right = Child(raw_.right_children[from], seen);
      const auto next = static_cast<std::uint32_t>(tree_.nodes.size());
      tree_.nodes[to].left = next;
      tree_.nodes[to].right = next + 1;
      tree_.nodes.resize(tree_.nodes.size() + 2);
      open.emplace_back(right, next + 1);
      open.emplace_back(left, next);
    }
    if (raw_.sum_hessian.empty()) CountLeaves();
    if (raw_.leaf_size == 1) return {std::move(tree_)};
    return Divide(leaves);
  }

 private:
  /// Where a node's categories are.
  struct Segment {
    std::size_t node;
    std::size_t first;
    std::size_t count;
  };

  [[nodiscard]] std::size_t size() const noexcept { return raw_.left_children.size(); }

  void CheckLengths() const {
    if (size() == 0) RefuseCorrupt("it has no nodes");
    if (size() > std::numeric_limits<std::int32_t>::max()) RefuseCorrupt("it has too many nodes");
    for (const Numbers* numbers :
         {&raw_.right_children, &raw_.split_indices, &raw_.split_conditions, &raw_.default_left}) {
      if (numbers->size() != size()) RefuseCorrupt("its lists of nodes differ in length");
    }
    for (const Numbers* numbers : {&raw_.sum_hessian, &raw_.split_type}) {
      if (!numbers->empty() && numbers->size() != size()) {
        RefuseCorrupt("its lists of nodes differ in length");
      }
    }
  }

  void ReadCategories() {
    const std::size_t lists = raw_.categories_nodes.size();
    if (raw_.categories_segments.size() != lists || raw_.categories_sizes.size() != lists) {
      RefuseCorrupt("its lists of categories differ in length");
    }
    const std::size_t all = raw_.categories.size();
    for (std::size_t i = 0; i < lists; ++i) {
      const std::size_t first =
          Position(raw_.categories_segments[i], all + 1, "its categories begin behind their end");
      segments_.push_back(
          {.node = Position(raw_.categories_nodes[i], size(), "categories of no node"),
           .first = first,
           .count = Position(raw_.categories_sizes[i], all - first + 1,
                             "its categories go on behind their end")});
    }
    std::ranges::sort(segments_, {}, &Segment::node);
    for (const double category : raw_.categories) {
      tree_.categories.push_back(static_cast<std::uint32_t>(Position(
          category, ForestSource::kMostCategories, "a category is none of 0 to 16777215")));
    }
  }

  /// Whether it is a test. Its children are left to the caller.
  bool ReadNode(std::size_t from, ForestSource::Node& node) const {
    node.value = static_cast<float>(raw_.split_conditions[from]);
    if (!raw_.sum_hessian.empty()) node.weight = static_cast<float>(raw_.sum_hessian[from]);
    if (raw_.left_children[from] == -1) return false;
    node.feature = static_cast<std::uint32_t>(
        Position(raw_.split_indices[from], ForestSource::kMostFeatures, "a test of no feature"));
    node.missing_goes_right = raw_.default_left[from] == 0;
    node.is_category = !raw_.split_type.empty() && raw_.split_type[from] == 1;
    if (!node.is_category) return true;
    const auto segment = std::ranges::lower_bound(segments_, from, {}, &Segment::node);
    if (segment == segments_.end() || segment->node != from) {
      RefuseCorrupt("a test of categories without them");
    }
    node.first_category = static_cast<std::uint32_t>(segment->first);
    node.category_count = static_cast<std::uint32_t>(segment->count);
    return true;
  }

  std::size_t Child(double number, std::vector<bool>& seen) const {
    const std::size_t child = Position(number, size(), "a child that is no node");
    if (seen[child]) RefuseCorrupt("two tests lead to one node");
    seen[child] = true;
    return child;
  }

  /// A tree for each number of the leaves' vectors.
  std::vector<ForestSource::Tree> Divide(
      std::span<const std::pair<std::uint32_t, std::size_t>> leaves) {
    if (leaves.size() > VectorNumbers().size() / raw_.leaf_size) {
      RefuseCorrupt("a leaf without its numbers");
    }
    std::vector<ForestSource::Tree> trees(raw_.leaf_size, tree_);
    for (const auto& [to, from] : leaves) {
      const std::size_t row = RowOf(from);
      for (std::size_t i = 0; i < trees.size(); ++i) {
        trees[i].nodes[to].value = static_cast<float>(VectorNumbers()[row * raw_.leaf_size + i]);
      }
    }
    return trees;
  }

  [[nodiscard]] const Numbers& VectorNumbers() const {
    return raw_.leaf_weights.empty() ? raw_.base_weights : raw_.leaf_weights;
  }

  /// Which of the vectors is a leaf's.
  [[nodiscard]] std::size_t RowOf(std::size_t leaf) const {
    const double row =
        raw_.leaf_weights.empty() ? static_cast<double>(leaf) : raw_.right_children[leaf];
    return Position(row, VectorNumbers().size() / raw_.leaf_size, "a leaf without its numbers");
  }

  /// In place of weights that the document does not have.
  void CountLeaves() {
    for (std::size_t i = tree_.nodes.size(); i-- > 0;) {
      ForestSource::Node& node = tree_.nodes[i];
      node.weight =
          node.is_leaf() ? 1.0F : tree_.nodes[node.left].weight + tree_.nodes[node.right].weight;
    }
  }

  const RawTree& raw_;
  std::vector<Segment> segments_;
  ForestSource::Tree tree_;
};

// ---- from a document to its numbers ----

struct NumberedTree {
  std::size_t id = 0;
  std::vector<ForestSource::Tree> trees;  ///< One, or one for each number of its leaves.
};

/// Takes what it knows out of a document, by its path; each tree is built as soon as it has been
/// read, so that no more than one is held as the document has it. Throws Refused.
class DocumentVisitor final : public nlohmann::json_sax<json> {
 public:
  RawModel model;
  std::vector<NumberedTree> trees;

  bool null() override { return Take(std::numeric_limits<double>::quiet_NaN()); }
  bool boolean(bool value) override { return Take(value ? 1 : 0); }
  bool number_integer(json::number_integer_t value) override {
    return Take(static_cast<double>(value));
  }
  bool number_unsigned(json::number_unsigned_t value) override {
    return Take(static_cast<double>(value));
  }
  bool number_float(json::number_float_t value, const std::string& text) override {
    // Text is read as a float at once: by way of a double it could be rounded twice.
    float number = 0;
    const char* const end = text.data() + text.size();
    const auto [behind, failed] = std::from_chars(text.data(), end, number);
    return Take(failed == std::errc() && behind == end ? double{number} : value);
  }
  bool string(std::string& value) override {
    const std::string path = Path();
    const auto* const member = std::ranges::find(kTextMembers, path, &TextMember::path);
    if (member != kTextMembers.end()) {
      model.*member->text = value;
    } else if (path == "/learner/feature_names[]") {
      model.feature_names.push_back(value);
    } else if (path.starts_with(kAttributes)) {
      model.attributes.insert_or_assign(path.substr(kAttributes.size()), value);
    } else if (path == "/learner/gradient_booster/model/trees[]/tree_param/size_leaf_vector") {
      tree_.leaf_size = LeafSize(value);
    }
    return true;
  }
  bool binary(json::binary_t& /*value*/) override { return true; }
  bool start_object(std::size_t /*members*/) override {
    if (Path() == kTree) tree_ = {};
    if (Path() == kCategories) model.categories.emplace_back();
    return Enter("/");
  }
  bool key(std::string& name) override {
    path_.resize(ends_.back());
    path_ += name;
    numbers_ = NumbersHere();
    return true;
  }
  bool end_object() override {
    Leave();
    if (Path() == kTree) EndTree();
    return true;
  }
  bool start_array(std::size_t /*elements*/) override { return Enter("[]"); }
  bool end_array() override { return Leave(); }
  bool parse_error(std::size_t /*at*/, const std::string& /*token*/,
                   const json::exception& error) override {
    RefuseCorrupt(error.what());
  }

 private:
  static constexpr std::size_t kMostDepth = 64;

  bool Enter(std::string_view mark) {
    if (ends_.size() == kMostDepth) RefuseCorrupt("nested too deep");
    path_ += mark;
    ends_.push_back(path_.size());
    numbers_ = NumbersHere();
    return true;
  }

  bool Leave() {
    ends_.pop_back();
    path_.resize(ends_.empty() ? 0 : ends_.back());
    numbers_ = NumbersHere();
    return true;
  }

  [[nodiscard]] std::string Path() const {
    return path_.starts_with(kNested) ? fmt::format("{}{}", kModel, path_.substr(kNested.size()))
                                      : path_;
  }

  bool Take(double number) {
    if (numbers_ != nullptr) numbers_->push_back(number);
    return true;
  }

  /// Where numbers go that come now; null: nowhere.
  Numbers* NumbersHere() {
    const std::string path = Path();
    const auto* const member = std::ranges::find(kModelMembers, path, &ModelMember::path);
    if (member != kModelMembers.end()) return &(model.*member->numbers);
    if (path.starts_with(kCategories) && !model.categories.empty()) {
      const std::string_view list = std::string_view(path).substr(kCategories.size());
      if (list == "/offsets[]") return &model.categories.back().offsets;
      if (list == "/values[]") return &model.categories.back().values;
    }
    if (!path.starts_with(kTree)) return nullptr;
    const std::string_view name = std::string_view(path).substr(kTree.size());
    const auto* const of_tree = std::ranges::find(kTreeMembers, name, &TreeMember::name);
    return of_tree == kTreeMembers.end() ? nullptr : &(tree_.*of_tree->numbers);
  }

  static std::size_t LeafSize(std::string_view text) {
    std::size_t size = 0;
    const auto [behind, failed] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (failed != std::errc() || behind != text.data() + text.size() ||
        size > ForestSource::kMostMargins) {
      RefuseUnknown(fmt::format("size_leaf_vector: expected 0 to {}, got {:?}",
                                ForestSource::kMostMargins, text));
    }
    return std::max<std::size_t>(size, 1);
  }

  void EndTree() {
    try {
      if (tree_.id.size() != 1) RefuseCorrupt("it has no id");
      const std::size_t id =
          Position(tree_.id[0], std::numeric_limits<std::int32_t>::max(), "its id is no number");
      if (tree_.leaf_size > 1) divided_nodes_ += tree_.leaf_size * tree_.left_children.size();
      if (divided_nodes_ > kMostNodes) RefuseUnknown("size_leaf_vector: too many numbers in all");
      trees.push_back({.id = id, .trees = TreeBuilder(tree_).Build()});
    } catch (const Refused& refused) {
      throw Refused{
          {refused.error.code, fmt::format("trees[{}]: {}", trees.size(), refused.error.message)}};
    }
  }

  std::string path_;
  std::vector<std::size_t> ends_;  ///< Of the path, in each container that has not ended.
  Numbers* numbers_ = nullptr;
  RawTree tree_;
  std::size_t divided_nodes_ = 0;  ///< Of trees whose leaves have several numbers.
};

// ---- the model ----

template <typename Number>
Number Parse(std::string_view text, std::string_view member) {
  Number number{};
  const auto [behind, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || behind != text.data() + text.size()) {
    RefuseUnknown(fmt::format("{}: expected a number, got {:?}", member, text));
  }
  return number;
}

void ReadVersion(const RawModel& raw, XGBoostModel& model) {
  if (raw.version.size() != model.version.size()) {
    RefuseUnknown("version: expected three numbers, as XGBoost 1.0 and later write");
  }
  for (std::size_t i = 0; i < raw.version.size(); ++i) {
    model.version[i] = static_cast<std::uint32_t>(
        Position(raw.version[i], 1'000'000, "version: expected three numbers"));
  }
  constexpr std::uint32_t kLatest = 3;
  if (model.version[0] == 0 || model.version[0] > kLatest) {
    RefuseUnknown(
        fmt::format("version: {} is not understood, only 1.0 to {}.x are: it may mean "
                    "something else by the same members",
                    fmt::join(model.version, "."), kLatest));
  }
}

void ReadFeatures(RawModel& raw, XGBoostModel& model) {
  ForestSource& source = model.forest;
  const auto count = Parse<std::size_t>(raw.feature_count, "num_feature");
  if (count == 0 || count > ForestSource::kMostFeatures) {
    RefuseUnknown(fmt::format("num_feature: {} features, expected 1 to {}", count,
                              ForestSource::kMostFeatures));
  }
  source.features = std::move(raw.feature_names);
  model.has_feature_names = !source.features.empty();
  if (source.features.empty()) {
    for (std::size_t i = 0; i < count; ++i) source.features.push_back(fmt::format("f{}", i));
  }
  if (source.features.size() != count) {
    RefuseCorrupt(
        fmt::format("feature_names: {} names of {} features", source.features.size(), count));
  }
}

/// One number, or from 3.1 on a list of them, one a margin.
std::vector<float> ParseBaseScores(std::string_view text) {
  if (!text.starts_with('[') || !text.ends_with(']')) return {Parse<float>(text, "base_score")};
  text = text.substr(1, text.size() - 2);
  std::vector<float> scores;
  while (true) {
    const std::size_t comma = text.find(',');
    scores.push_back(Parse<float>(text.substr(0, comma), "base_score"));
    if (comma == std::string_view::npos) return scores;
    text.remove_prefix(comma + 1);
  }
}

/// What 3.2 and later take for a probability of 0 or 1.
float Clamped(float probability, const XGBoostModel& model) {
  constexpr float kLeast = 1e-6F;
  const bool clamps = model.version[0] > 3 || (model.version[0] == 3 && model.version[1] >= 2);
  return clamps ? std::clamp(probability, kLeast, 1.0F - kLeast) : probability;
}

void ReadMargins(const RawModel& raw, XGBoostModel& model) {
  const auto* const objective = std::ranges::find(kObjectives, raw.objective, &ObjectiveKind::name);
  if (objective == kObjectives.end()) {
    RefuseUnknown(fmt::format("objective: {:?} is not understood", raw.objective));
  }
  model.objective = raw.objective;
  model.forest.link = objective->link;
  const std::size_t count =
      std::max({std::size_t{1}, Parse<std::size_t>(raw.class_count, "num_class"),
                Parse<std::size_t>(raw.target_count, "num_target")});
  if (count > ForestSource::kMostMargins) {
    RefuseUnknown(fmt::format("num_class: {} numbers a row, expected at most {}", count,
                              ForestSource::kMostMargins));
  }
  const std::vector<float> scores = ParseBaseScores(raw.base_score);
  if (scores.size() != 1 && scores.size() != count) {
    RefuseCorrupt(fmt::format("base_score: {} numbers for {} of a row", scores.size(), count));
  }
  for (std::size_t i = 0; i < count; ++i) {
    float score = scores[scores.size() == 1 ? 0 : i];
    if (objective->margin_of == &Logit) score = Clamped(score, model);
    const float margin = objective->margin_of(score);
    if (!std::isfinite(margin)) {
      RefuseUnknown(fmt::format("base_score: {} has no meaning for {}", score, raw.objective));
    }
    model.forest.base_margins.push_back(margin);
  }
}

/// Which margin the first number of a tree's leaves is added to.
std::size_t MarginOf(double group, const NumberedTree& tree, const ForestSource& source) {
  const std::size_t margins = source.base_margins.size();
  const std::size_t numbers = tree.trees.size();
  if (numbers > 1 && numbers != margins) {
    RefuseCorrupt(fmt::format("trees: leaves of {} numbers where a row has {}", numbers, margins));
  }
  return Position(group, numbers > 1 ? 1 : margins, "tree_info: a group that is none");
}

void ReadTrees(const RawModel& raw, std::vector<NumberedTree> trees, ForestSource& source) {
  if (Parse<std::size_t>(raw.tree_count, "num_trees") != trees.size() ||
      raw.margins.size() != trees.size() ||
      (!raw.weights.empty() && raw.weights.size() != trees.size())) {
    RefuseCorrupt("num_trees, trees, tree_info and weight_drop differ in length");
  }
  std::ranges::sort(trees, {}, &NumberedTree::id);
  std::size_t words = 0;
  for (std::size_t i = 0; i < trees.size(); ++i) {
    if (trees[i].id != i) RefuseCorrupt(fmt::format("trees: none, or two, with the id {}", i));
    std::size_t margin = MarginOf(raw.margins[i], trees[i], source);
    for (ForestSource::Tree& tree : trees[i].trees) {
      tree.margin = static_cast<std::uint32_t>(margin++);
      for (ForestSource::Node& node : tree.nodes) {
        if (!node.is_leaf() && node.feature >= source.features.size()) {
          RefuseCorrupt(fmt::format("trees: a test of feature {} of {}", node.feature,
                                    source.features.size()));
        }
        // XGBoost multiplies when it predicts, to the same float.
        if (node.is_leaf() && !raw.weights.empty()) {
          node.value *= static_cast<float>(raw.weights[i]);
        }
      }
      words += CountCategoryWords(tree);
      if (words > ForestSource::kMostCategoryWords) {
        RefuseUnknown("categories: too many, or too great numbers, to hold their sets as bits");
      }
      source.trees.push_back(std::move(tree));
    }
  }
}

/// The texts that stand beside each other in `raw.values`.
std::vector<std::string> Texts(const RawCategories& raw) {
  constexpr int kAscii = 128;
  std::string bytes;
  for (const double byte : raw.values) {
    // XGBoost 3.x counts characters where it means bytes, and so cuts such texts apart.
    if (!(byte >= 0 && byte < kAscii)) {
      RefuseUnknown(
          "cats: a category that is not ASCII: XGBoost 3.x does not write such texts whole");
    }
    bytes += static_cast<char>(static_cast<int>(byte));
  }
  std::vector<std::string> texts;
  for (std::size_t i = 1; i < raw.offsets.size(); ++i) {
    const std::size_t begin =
        Position(raw.offsets[i - 1], bytes.size() + 1, "cats: a text out of bounds");
    const std::size_t end =
        Position(raw.offsets[i], bytes.size() + 1, "cats: a text out of bounds");
    if (end < begin) RefuseCorrupt("cats: a text that ends before it begins");
    texts.push_back(bytes.substr(begin, end - begin));
  }
  return texts;
}

void ReadCategoryNames(const RawModel& raw, XGBoostModel& model) {
  if (raw.categories.empty()) return;
  if (raw.categories.size() != model.forest.features.size()) {
    RefuseCorrupt(fmt::format("cats: of {} features, expected {}", raw.categories.size(),
                              model.forest.features.size()));
  }
  for (std::uint32_t i = 0; i < raw.categories.size(); ++i) {
    const RawCategories& one = raw.categories[i];
    if (!one.offsets.empty()) {
      std::vector<std::string> texts = Texts(one);
      if (!texts.empty()) model.category_texts.emplace(i, std::move(texts));
    } else if (!one.values.empty()) {
      model.category_numbers.emplace(i, one.values);
    }
  }
}

/// gblinear: a weight a feature and margin, those of a feature beside each other, and the biases.
void ReadLinear(const RawModel& raw, XGBoostModel& model) {
  const std::size_t expected =
      (model.forest.features.size() + 1) * model.forest.base_margins.size();
  if (raw.linear_weights.size() != expected) {
    RefuseCorrupt(
        fmt::format("weights: {} numbers, expected {}", raw.linear_weights.size(), expected));
  }
  for (const double weight : raw.linear_weights) {
    const auto number = static_cast<float>(weight);
    if (!std::isfinite(number)) RefuseCorrupt("weights: expected finite numbers");
    model.linear_weights.push_back(number);
  }
}

XGBoostModel Finish(DocumentVisitor visitor) {
  RawModel& raw = visitor.model;
  const bool is_linear = raw.booster == "gblinear";
  if (raw.booster != "gbtree" && raw.booster != "dart" && !is_linear) {
    RefuseUnknown(raw.booster.empty()
                      ? std::string("not a model of XGBoost")
                      : fmt::format("gradient_booster: {:?} is not understood", raw.booster));
  }
  XGBoostModel model;
  ReadVersion(raw, model);
  ReadFeatures(raw, model);
  ReadMargins(raw, model);
  if (is_linear) {
    ReadLinear(raw, model);
    return model;
  }
  ReadTrees(raw, std::move(visitor.trees), model.forest);
  ReadCategoryNames(raw, model);
  const std::size_t parallel =
      raw.trees_a_round.empty() ? 1 : Parse<std::size_t>(raw.trees_a_round, "num_parallel_tree");
  constexpr std::size_t kMostParallel = 1'000'000'000;
  if (parallel == 0 || parallel > kMostParallel) RefuseUnknown("num_parallel_tree: out of bounds");
  model.trees_a_round = parallel * model.forest.base_margins.size();
  model.forest.attributes = std::move(raw.attributes);
  return model;
}

/// XGBoost writes the word NaN, which is no JSON, where a test of categories has no number. It
/// becomes null, which the library writes nowhere.
std::string WithoutNan(std::string_view text) {
  constexpr std::string_view kNan = "NaN";
  std::string without;
  without.reserve(text.size());
  bool in_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') in_text = !in_text;
    if (in_text && text[i] == '\\' && i + 1 < text.size()) without += text[i++];
    if (!in_text && text.substr(i, kNan.size()) == kNan) {
      without += "null";
      i += kNan.size() - 1;
    } else {
      without += text[i];
    }
  }
  return without;
}

}  // namespace

Result<XGBoostModel> ReadXGBoostModel(std::string_view bytes) {
  const bool is_text = bytes.size() > 1 &&
                       (bytes[1] == '"' || bytes[1] == '}' || (bytes[1] >= 0 && bytes[1] <= ' '));
  if (!bytes.starts_with('{')) {
    return Error{ErrorCode::kInvalidArgument,
                 "not a model of XGBoost as UBJSON or JSON (its older binary format is not read: "
                 "save the model as .ubj)"};
  }
  try {
    DocumentVisitor visitor;
    if (is_text) {
      (void)json::sax_parse(WithoutNan(bytes), &visitor);
    } else if (Status read = ReadUbjson(bytes, visitor); !read) {
      return std::move(read).error();
    }
    return Finish(std::move(visitor));
  } catch (const Refused& refused) {
    return refused.error;
  }
}

Result<ForestSource> ReadXGBoost(std::string_view bytes) {
  Result<XGBoostModel> model = ReadXGBoostModel(bytes);
  if (!model) return std::move(model).error();
  if (!model->linear_weights.empty()) {
    return Error{ErrorCode::kInvalidArgument, "gradient_booster: gblinear has no trees"};
  }
  if (!model->category_texts.empty() || !model->category_numbers.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "cats: categories that stand for texts are not understood"};
  }
  return std::move(model->forest);
}

}  // namespace forkcast::model
