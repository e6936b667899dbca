#include "model/tree/xgboost_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "model/tree/ubjson_reader.hpp"

namespace forkcast::model {
namespace {

using nlohmann::json;

/// Thrown and caught in this file alone, through the parsers too.
struct Refused {
  Error error;
};

[[noreturn]] void RefuseCorrupt(std::string message) {
  throw Refused{{ErrorCode::kCorrupt, std::move(message)}};
}
[[noreturn]] void RefuseUnknown(std::string message) {
  throw Refused{{ErrorCode::kInvalidArgument, std::move(message)}};
}

// ---- what is read of a document ----

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
  Numbers split_type;
  Numbers categories;
  Numbers categories_nodes;
  Numbers categories_segments;
  Numbers categories_sizes;
};

/// What a document says beside its trees.
struct RawModel {
  std::string booster;
  std::string objective;
  std::string base_score;
  std::string class_count = "0";
  std::string target_count = "1";  // models before 1.6 do not say
  std::string feature_count;
  std::string tree_count;
  std::vector<std::string> feature_names;
  std::map<std::string, std::string, std::less<>> attributes;
  Numbers margins;  ///< Of each tree, which it is added to.
  Numbers weights;  ///< Of each tree, with DART.
};

// Paths of members. DART has the trees, and all about them, one object deeper than others do:
// DocumentVisitor leaves out that object's name.
constexpr std::string_view kNested = "/learner/gradient_booster/gbtree/model";
constexpr std::string_view kModel = "/learner/gradient_booster/model";
constexpr std::string_view kTree = "/learner/gradient_booster/model/trees[]";
constexpr std::string_view kAttributes = "/learner/attributes/";

struct TreeMember {
  std::string_view name;
  Numbers RawTree::*numbers;
};
constexpr std::array<TreeMember, 12> kTreeMembers{{
    {"/id", &RawTree::id},
    {"/left_children[]", &RawTree::left_children},
    {"/right_children[]", &RawTree::right_children},
    {"/split_indices[]", &RawTree::split_indices},
    {"/split_conditions[]", &RawTree::split_conditions},
    {"/default_left[]", &RawTree::default_left},
    {"/sum_hessian[]", &RawTree::sum_hessian},
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
constexpr std::array<ModelMember, 3> kModelMembers{{
    {"/learner/gradient_booster/model/tree_info[]", &RawModel::margins},
    {"/learner/gradient_booster/weight_drop[]", &RawModel::weights},
    {"/learner/gradient_booster/model/weight_drop[]", &RawModel::weights},
}};

struct TextMember {
  std::string_view path;
  std::string RawModel::*text;
};
constexpr std::array<TextMember, 7> kTextMembers{{
    {"/learner/gradient_booster/name", &RawModel::booster},
    {"/learner/objective/name", &RawModel::objective},
    {"/learner/learner_model_param/base_score", &RawModel::base_score},
    {"/learner/learner_model_param/num_class", &RawModel::class_count},
    {"/learner/learner_model_param/num_target", &RawModel::target_count},
    {"/learner/learner_model_param/num_feature", &RawModel::feature_count},
    {"/learner/gradient_booster/model/gbtree_model_param/num_trees", &RawModel::tree_count},
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
constexpr std::array<ObjectiveKind, 19> kObjectives{{
    {"reg:squarederror", Link::kIdentity, Same},
    {"reg:linear", Link::kIdentity, Same},
    {"reg:squaredlogerror", Link::kIdentity, Same},
    {"reg:pseudohubererror", Link::kIdentity, Same},
    {"reg:absoluteerror", Link::kIdentity, Same},
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

  ForestSource::Tree Build() {
    CheckLengths();
    ReadCategories();
    tree_.nodes.emplace_back();
    // Nodes not yet read, their number in the document and in the tree. From the root on, so that
    // what no test leads to is never seen; not recursive, however deep the tree.
    std::vector<std::pair<std::size_t, std::uint32_t>> open{{0, 0}};
    std::vector<bool> seen(size());
    seen[0] = true;
    while (!open.empty()) {
      const auto [from, to] = open.back();
      open.pop_back();
      if (!ReadNode(from, tree_.nodes[to])) continue;
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
    return std::move(tree_);
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
  ForestSource::Tree tree;
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
    } else if (path == "/learner/gradient_booster/model/trees[]/tree_param/size_leaf_vector" &&
               value != "0" && value != "1") {
      RefuseUnknown("size_leaf_vector: leaves that are vectors are not understood");
    }
    return true;
  }
  bool binary(json::binary_t& /*value*/) override { return true; }
  bool start_object(std::size_t /*members*/) override {
    if (Path() == kTree) tree_ = {};
    if (Path() == "/learner/gradient_booster/model/cats/enc[]") {
      RefuseUnknown("cats: categories that stand for texts are not understood");
    }
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
    if (!path.starts_with(kTree)) return nullptr;
    const std::string_view name = std::string_view(path).substr(kTree.size());
    const auto* const of_tree = std::ranges::find(kTreeMembers, name, &TreeMember::name);
    return of_tree == kTreeMembers.end() ? nullptr : &(tree_.*of_tree->numbers);
  }

  void EndTree() {
    try {
      if (tree_.id.size() != 1) RefuseCorrupt("it has no id");
      const std::size_t id =
          Position(tree_.id[0], std::numeric_limits<std::int32_t>::max(), "its id is no number");
      trees.push_back({.id = id, .tree = TreeBuilder(tree_).Build()});
    } catch (const Refused& refused) {
      throw Refused{
          {refused.error.code, fmt::format("trees[{}]: {}", trees.size(), refused.error.message)}};
    }
  }

  std::string path_;
  std::vector<std::size_t> ends_;  ///< Of the path, in each container that has not ended.
  Numbers* numbers_ = nullptr;
  RawTree tree_;
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

void ReadFeatures(RawModel& raw, ForestSource& source) {
  const auto count = Parse<std::size_t>(raw.feature_count, "num_feature");
  if (count == 0 || count > ForestSource::kMostFeatures) {
    RefuseUnknown(fmt::format("num_feature: {} features, expected 1 to {}", count,
                              ForestSource::kMostFeatures));
  }
  source.features = std::move(raw.feature_names);
  if (source.features.empty()) {
    for (std::size_t i = 0; i < count; ++i) source.features.push_back(fmt::format("f{}", i));
  }
  if (source.features.size() != count) {
    RefuseCorrupt(
        fmt::format("feature_names: {} names of {} features", source.features.size(), count));
  }
}

void ReadMargins(const RawModel& raw, ForestSource& source) {
  const auto* const objective = std::ranges::find(kObjectives, raw.objective, &ObjectiveKind::name);
  if (objective == kObjectives.end()) {
    RefuseUnknown(fmt::format("objective: {:?} is not understood", raw.objective));
  }
  source.link = objective->link;
  const auto base_score = Parse<float>(raw.base_score, "base_score");
  const float margin = objective->margin_of(base_score);
  if (!std::isfinite(margin)) {
    RefuseUnknown(fmt::format("base_score: {} has no meaning for {}", base_score, raw.objective));
  }
  const std::size_t count =
      std::max({std::size_t{1}, Parse<std::size_t>(raw.class_count, "num_class"),
                Parse<std::size_t>(raw.target_count, "num_target")});
  if (count > ForestSource::kMostMargins) {
    RefuseUnknown(fmt::format("num_class: {} numbers a row, expected at most {}", count,
                              ForestSource::kMostMargins));
  }
  source.base_margins.assign(count, margin);
}

/// Words that CompileForest() writes for the categories of a tree.
std::size_t CategoryWords(const ForestSource::Tree& tree) {
  std::size_t words = 0;
  for (const ForestSource::Node& node : tree.nodes) {
    if (!node.is_category) continue;
    std::uint32_t most = 0;
    for (std::size_t i = 0; i < node.category_count; ++i) {
      most = std::max(most, tree.categories[node.first_category + i] / 32 + 1);
    }
    words += 1 + most;
  }
  return words;
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
    ForestSource::Tree& tree = trees[i].tree;
    tree.margin = static_cast<std::uint32_t>(
        Position(raw.margins[i], source.base_margins.size(), "tree_info: a group that is none"));
    for (ForestSource::Node& node : tree.nodes) {
      if (!node.is_leaf() && node.feature >= source.features.size()) {
        RefuseCorrupt(
            fmt::format("trees: a test of feature {} of {}", node.feature, source.features.size()));
      }
      // XGBoost multiplies when it predicts, to the same float.
      if (node.is_leaf() && !raw.weights.empty()) node.value *= static_cast<float>(raw.weights[i]);
    }
    words += CategoryWords(tree);
    if (words > ForestSource::kMostCategoryWords) {
      RefuseUnknown("categories: too many, or too great numbers, to hold their sets as bits");
    }
    source.trees.push_back(std::move(tree));
  }
}

ForestSource Finish(DocumentVisitor visitor) {
  RawModel& raw = visitor.model;
  if (raw.booster != "gbtree" && raw.booster != "dart") {
    RefuseUnknown(raw.booster.empty()
                      ? std::string("not a model of XGBoost")
                      : fmt::format("gradient_booster: {:?} is not understood", raw.booster));
  }
  ForestSource source;
  ReadFeatures(raw, source);
  ReadMargins(raw, source);
  ReadTrees(raw, std::move(visitor.trees), source);
  source.attributes = std::move(raw.attributes);
  return source;
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

Result<ForestSource> ReadXGBoost(std::string_view bytes) {
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

}  // namespace forkcast::model
