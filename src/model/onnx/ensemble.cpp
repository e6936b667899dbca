#include "model/onnx/ensemble.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <string_view>
#include <tuple>
#include <utility>

#include "model/refused.hpp"

namespace forkcast::model::onnx {
namespace {

using Mode = Ensemble::Mode;
using Aggregate = Ensemble::Aggregate;
using Finish = Ensemble::Finish;

constexpr std::size_t kMostNodes = std::size_t{1} << 26U;
/// Of a forest, in which a tree of ONNX becomes one a target: with more it is not worth its memory.
constexpr std::size_t kMostForestNodes = std::size_t{1} << 24U;

constexpr std::array<std::string_view, 8> kModes{"BRANCH_LEQ",    "BRANCH_LT", "BRANCH_GTE",
                                                 "BRANCH_GT",     "BRANCH_EQ", "BRANCH_NEQ",
                                                 "BRANCH_MEMBER", "LEAF"};
constexpr std::array<std::pair<std::string_view, Aggregate>, 4> kAggregates{
    {{"AVERAGE", Aggregate::kAverage},
     {"SUM", Aggregate::kSum},
     {"MIN", Aggregate::kMin},
     {"MAX", Aggregate::kMax}}};
/// In the order of TreeEnsemble 5.
constexpr std::array<std::pair<std::string_view, Finish>, 4> kFinishes{
    {{"NONE", Finish::kNone},
     {"SOFTMAX", Finish::kSoftmax},
     {"LOGISTIC", Finish::kLogistic},
     {"SOFTMAX_ZERO", Finish::kSoftmaxZero}}};

template <typename Row, std::size_t n>
auto Named(const std::array<Row, n>& table, std::string_view name, std::string_view attribute) {
  const auto* const found = std::ranges::find(table, name, &Row::first);
  if (found == table.end()) {
    RefuseUnknown(fmt::format("{}: {:?} is not understood", attribute, name.substr(0, 40)));
  }
  return found->second;
}

template <typename Row, std::size_t n>
auto Numbered(const std::array<Row, n>& table, std::int64_t number, std::string_view attribute) {
  if (number < 0 || static_cast<std::size_t>(number) >= n) {
    RefuseUnknown(fmt::format("{}: {} is not understood", attribute, number));
  }
  return table[static_cast<std::size_t>(number)].second;
}

/// What all three operators have: the type of numbers, lists of equal length.
class EnsembleReader {
 public:
  EnsembleReader(const Node& node, bool is_double) : node_(node) {
    ensemble_.is_double = is_double;
  }

 protected:
  [[nodiscard]] const std::vector<std::int64_t>& Integers(std::string_view name,
                                                          std::size_t size) const {
    const std::vector<std::int64_t>& list = node_.Integers(name);
    Expect(name, list.size(), size);
    return list;
  }

  static void Expect(std::string_view name, std::size_t size, std::size_t expected) {
    if (size == expected) return;
    RefuseCorrupt(fmt::format("{}: {} elements, expected {}", name, size, expected));
  }

  /// A constant's numbers, of the ensemble's type.
  [[nodiscard]] std::vector<double> Constant(std::string_view name) const {
    const Tensor* const tensor = node_.Constant(name);
    if (tensor == nullptr) return {};
    const ElementType type = ensemble_.is_double ? ElementType::kDouble : ElementType::kFloat;
    if (tensor->type != type) {
      RefuseCorrupt(fmt::format("{}: of {}, but the input is of {}", name, NameOf(tensor->type),
                                NameOf(type)));
    }
    return tensor->numbers;
  }

  /// The floats of an attribute, or those of the constant that takes its place in version 3.
  [[nodiscard]] std::vector<double> Numbers(std::string_view name) const {
    const std::string as_tensor = fmt::format("{}_as_tensor", name);
    if (node_.Has(as_tensor)) return Constant(as_tensor);
    const std::vector<float>& floats = node_.Floats(name);
    return {floats.begin(), floats.end()};
  }

  std::uint32_t Feature(std::int64_t feature) {
    if (feature < 0 || feature >= static_cast<std::int64_t>(ForestSource::kMostFeatures)) {
      RefuseCorrupt(fmt::format("nodes_featureids: {}", feature));
    }
    ensemble_.features = std::max(ensemble_.features, static_cast<std::size_t>(feature) + 1);
    return static_cast<std::uint32_t>(feature);
  }

  std::uint32_t Target(std::string_view name, std::int64_t target) const {
    if (target < 0 || static_cast<std::size_t>(target) >= ensemble_.targets) {
      RefuseCorrupt(fmt::format("{}: {} of {}", name, target, ensemble_.targets));
    }
    return static_cast<std::uint32_t>(target);
  }

  void SetTargets(std::int64_t targets) {
    if (targets < 1 || targets > static_cast<std::int64_t>(ForestSource::kMostMargins)) {
      RefuseUnknown(
          fmt::format("n_targets: {}, expected 1 to {}", targets, ForestSource::kMostMargins));
    }
    ensemble_.targets = static_cast<std::size_t>(targets);
  }

  /// Every node is the child of one at most, a root of none: what is reached is a tree.
  void CheckTrees() const {
    std::vector<bool> is_child(ensemble_.nodes.size());
    for (const Ensemble::Node& node : ensemble_.nodes) {
      if (node.mode == Mode::kLeaf) continue;
      for (const std::uint32_t child : {node.yes, node.no}) {
        if (is_child[child]) RefuseCorrupt("two tests lead to one node");
        is_child[child] = true;
      }
    }
    for (const std::uint32_t root : ensemble_.roots) {
      if (is_child[root]) RefuseCorrupt("a test leads back to the root of its tree");
    }
  }

  const Node& node_;
  Ensemble ensemble_;
};

/// The operators of versions 1 and 3, whose leaves are nodes and whose weights stand apart.
class OldReader : private EnsembleReader {
 public:
  OldReader(const Node& node, bool is_double)
      : EnsembleReader(node, is_double),
        is_classifier_(node.op == "TreeEnsembleClassifier"),
        prefix_(is_classifier_ ? "class" : "target") {}

  Ensemble Read() {
    ReadTargets();
    ReadNodes();
    ReadChildren();
    CheckTrees();
    ReadWeights();
    ReadFinish();
    return std::move(ensemble_);
  }

 private:
  /// A node as the lists name it, and its position in them.
  using Place = std::tuple<std::int64_t, std::int64_t, std::uint32_t>;

  void ReadTargets() {
    if (!is_classifier_) {
      SetTargets(node_.Integer("n_targets", 1));
      return;
    }
    for (const std::string_view label : node_.Strings("classlabels_strings")) {
      ensemble_.classes.emplace_back(label);
    }
    for (const std::int64_t label : node_.Integers("classlabels_int64s")) {
      ensemble_.classes.push_back(std::to_string(label));
    }
    if (ensemble_.classes.size() < 2) {
      RefuseUnknown(fmt::format("{} classes, expected two at least", ensemble_.classes.size()));
    }
    SetTargets(static_cast<std::int64_t>(ensemble_.classes.size()));
  }

  void ReadNodes() {
    const std::vector<std::int64_t>& trees = node_.Integers("nodes_treeids");
    const std::size_t size = trees.size();
    if (size == 0) RefuseCorrupt("nodes_treeids: no node");
    if (size > kMostNodes) RefuseUnknown(fmt::format("over {} nodes", kMostNodes));
    const std::vector<std::int64_t>& ids = Integers("nodes_nodeids", size);
    const std::vector<std::int64_t>& features = Integers("nodes_featureids", size);
    const std::vector<double> values = Numbers("nodes_values");
    Expect("nodes_values", values.size(), size);
    const std::vector<std::string_view>& modes = node_.Strings("nodes_modes");
    Expect("nodes_modes", modes.size(), size);
    const std::vector<std::int64_t>& missing = node_.Integers("nodes_missing_value_tracks_true");
    if (!missing.empty()) Expect("nodes_missing_value_tracks_true", missing.size(), size);
    ensemble_.nodes.resize(size);
    for (std::uint32_t i = 0; i < size; ++i) {
      Ensemble::Node& node = ensemble_.nodes[i];
      const auto* const mode = std::ranges::find(kModes, modes[i]);
      if (mode == kModes.end() || *mode == "BRANCH_MEMBER") {
        RefuseUnknown(fmt::format("nodes_modes: {:?} is not understood", modes[i].substr(0, 40)));
      }
      node.mode = static_cast<Mode>(mode - kModes.begin());
      if (node.mode != Mode::kLeaf) node.feature = Feature(features[i]);
      node.value = values[i];
      node.missing_is_yes = !missing.empty() && missing[i] == 1;
      places_.emplace_back(trees[i], ids[i], i);
      if (i == 0 || trees[i] != trees[i - 1]) ensemble_.roots.push_back(i);
    }
    std::ranges::sort(places_);
    for (std::size_t i = 1; i < size; ++i) {
      if (NameAt(i) == NameAt(i - 1)) {
        RefuseCorrupt(fmt::format("tree {} has two nodes {}", std::get<0>(places_[i]),
                                  std::get<1>(places_[i])));
      }
    }
    CheckRuns(trees);
  }

  /// A tree's nodes stand together: its first is the root.
  void CheckRuns(const std::vector<std::int64_t>& trees) const {
    std::vector<std::int64_t> seen;
    for (const std::uint32_t root : ensemble_.roots) seen.push_back(trees[root]);
    std::ranges::sort(seen);
    if (std::ranges::adjacent_find(seen) != seen.end()) {
      RefuseCorrupt("nodes_treeids: the nodes of a tree do not stand together");
    }
  }

  [[nodiscard]] std::pair<std::int64_t, std::int64_t> NameAt(std::size_t i) const {
    return {std::get<0>(places_[i]), std::get<1>(places_[i])};
  }

  [[nodiscard]] std::uint32_t Find(std::string_view attribute, std::int64_t tree,
                                   std::int64_t id) const {
    const auto found = std::ranges::lower_bound(places_, Place(tree, id, 0));
    if (found == places_.end() || std::get<0>(*found) != tree || std::get<1>(*found) != id) {
      RefuseCorrupt(fmt::format("{}: tree {} has no node {}", attribute, tree, id));
    }
    return std::get<2>(*found);
  }

  void ReadChildren() {
    const std::size_t size = ensemble_.nodes.size();
    const std::vector<std::int64_t>& trees = node_.Integers("nodes_treeids");
    const std::vector<std::int64_t>& yes = Integers("nodes_truenodeids", size);
    const std::vector<std::int64_t>& no = Integers("nodes_falsenodeids", size);
    for (std::size_t i = 0; i < size; ++i) {
      Ensemble::Node& node = ensemble_.nodes[i];
      if (node.mode == Mode::kLeaf) continue;
      node.yes = Find("nodes_truenodeids", trees[i], yes[i]);
      node.no = Find("nodes_falsenodeids", trees[i], no[i]);
    }
  }

  [[nodiscard]] std::string Name(std::string_view what) const {
    return fmt::format("{}_{}", prefix_, what);
  }

  /// Those of a leaf stand together, in the order of the file.
  void ReadWeights() {
    const std::string ids_name = Name("ids");
    const std::vector<std::int64_t>& ids = node_.Integers(ids_name);
    const std::vector<std::int64_t>& trees = Integers(Name("treeids"), ids.size());
    const std::vector<std::int64_t>& nodes = Integers(Name("nodeids"), ids.size());
    const std::vector<double> values = Numbers(Name("weights"));
    Expect(Name("weights"), values.size(), ids.size());
    if (ids.size() > kMostNodes) RefuseUnknown(fmt::format("over {} weights", kMostNodes));
    std::vector<std::uint32_t> owners;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      owners.push_back(Find(Name("nodeids"), trees[i], nodes[i]));
      ++ensemble_.nodes[owners[i]].count;
    }
    std::uint32_t first = 0;
    for (Ensemble::Node& node : ensemble_.nodes) {
      if (node.mode == Mode::kLeaf && node.count == 0) {
        RefuseCorrupt(fmt::format("{}: a leaf without a weight", Name("weights")));
      }
      node.first = first;
      first += std::exchange(node.count, 0);
    }
    ensemble_.weights.resize(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      Ensemble::Node& owner = ensemble_.nodes[owners[i]];
      ensemble_.weights[owner.first + owner.count++] = {Target(ids_name, ids[i]), values[i]};
    }
  }

  void ReadFinish() {
    if (!is_classifier_) {
      ensemble_.aggregate =
          Named(kAggregates, node_.Text("aggregate_function", "SUM"), "aggregate_function");
    }
    ensemble_.finish = Named(kFinishes, node_.Text("post_transform", "NONE"), "post_transform");
    ensemble_.base = Numbers("base_values");
    if (is_classifier_) {
      FinishClassifier();
      return;
    }
    if (ensemble_.targets == 1 && ensemble_.finish != Finish::kNone) {
      RefuseUnknown(
          "post_transform: ONNX Runtime leaves it out of a regressor of one target, against the "
          "specification: what the model should answer cannot be told");
    }
    if (!ensemble_.base.empty()) Expect("base_values", ensemble_.base.size(), ensemble_.targets);
  }

  void FinishClassifier() {
    const bool are_positive = std::ranges::all_of(
        ensemble_.weights, [](const Ensemble::Weight& weight) { return weight.value >= 0; });
    const bool is_plain = ensemble_.finish == Finish::kNone;
    ensemble_.are_probabilities = !is_plain || are_positive;
    if (ensemble_.targets > 2) {
      if (!ensemble_.base.empty()) Expect("base_values", ensemble_.base.size(), ensemble_.targets);
      return;
    }
    const auto is_of = [](std::uint32_t target) {
      return [target](const Ensemble::Weight& weight) { return weight.target == target; };
    };
    if (std::ranges::all_of(ensemble_.weights, is_of(0))) {
      FinishPair(is_plain);
      return;
    }
    // Where leaves say nothing of the second class, ONNX Runtime answers as of one sum.
    for (const Ensemble::Node& node : ensemble_.nodes) {
      const auto weights = std::span(ensemble_.weights).subspan(node.first, node.count);
      if (node.mode == Mode::kLeaf && std::ranges::none_of(weights, is_of(1))) {
        RefuseUnknown("class_ids: of two classes some leaves have no weight of the second");
      }
    }
    if (std::ranges::all_of(ensemble_.weights, is_of(1)) || !ensemble_.base.empty()) {
      RefuseUnknown(
          "base_values, class_ids: a classifier of two classes whose weights are all of "
          "the second, or which has base values and weights of both, is not understood");
    }
  }

  /// One sum tells two classes apart.
  void FinishPair(bool is_plain) {
    if (ensemble_.finish == Finish::kSoftmax || ensemble_.finish == Finish::kSoftmaxZero) {
      RefuseUnknown("post_transform: SOFTMAX of the one sum of two classes is not understood");
    }
    if (!ensemble_.base.empty()) Expect("base_values", ensemble_.base.size(), 1);
    ensemble_.targets = 1;
    ensemble_.finish = is_plain ? Finish::kComplement : Finish::kLogisticPair;
  }

  bool is_classifier_;
  std::string_view prefix_;
  std::vector<Place> places_;  // sorted
};

/// TreeEnsemble of version 5, whose leaves have lists of their own.
class NewReader : private EnsembleReader {
 public:
  NewReader(const Node& node, bool is_double) : EnsembleReader(node, is_double) {}

  Ensemble Read() {
    SetTargets(node_.Integer("n_targets", 1));
    ensemble_.aggregate =
        Numbered(kAggregates, node_.Integer("aggregate_function", 1), "aggregate_function");
    ensemble_.finish = Numbered(kFinishes, node_.Integer("post_transform", 0), "post_transform");
    CheckFinish();
    ReadTests();
    ReadLeaves();
    ReadChildren();
    for (const std::int64_t root : node_.Integers("tree_roots")) {
      ensemble_.roots.push_back(Position("tree_roots", root, tests_));
    }
    if (ensemble_.roots.empty()) RefuseCorrupt("tree_roots: no tree");
    CheckTrees();
    return std::move(ensemble_);
  }

 private:
  void CheckFinish() const {
    if (ensemble_.finish == Finish::kSoftmax || ensemble_.finish == Finish::kLogistic) {
      RefuseUnknown(
          "post_transform: ONNX Runtime takes 1 for LOGISTIC and 2 for SOFTMAX, against the "
          "specification: what the model should answer cannot be told");
    }
    if (ensemble_.finish == Finish::kNone) return;
    if (ensemble_.targets == 1) RefuseUnknown("post_transform: of one target it is not understood");
    if (ensemble_.is_double) RefuseUnknown("post_transform: of doubles it is not understood");
  }

  static std::uint32_t Position(std::string_view name, std::int64_t position, std::size_t size) {
    if (position < 0 || static_cast<std::size_t>(position) >= size) {
      RefuseCorrupt(fmt::format("{}: {} of {}", name, position, size));
    }
    return static_cast<std::uint32_t>(position);
  }

  void ReadTests() {
    const std::vector<std::int64_t>& features = node_.Integers("nodes_featureids");
    tests_ = features.size();
    if (tests_ == 0 || tests_ > kMostNodes) {
      RefuseUnknown(
          fmt::format("nodes_featureids: {} nodes, expected 1 to {}", tests_, kMostNodes));
    }
    const Tensor* const modes = node_.Constant("nodes_modes");
    Expect("nodes_modes", modes == nullptr ? 0 : modes->numbers.size(), tests_);
    const std::vector<double> splits = Constant("nodes_splits");
    Expect("nodes_splits", splits.size(), tests_);
    const std::vector<std::int64_t>& missing = node_.Integers("nodes_missing_value_tracks_true");
    if (!missing.empty()) Expect("nodes_missing_value_tracks_true", missing.size(), tests_);
    ReadMembers();
    ensemble_.nodes.resize(tests_);
    std::size_t set = 0;
    for (std::size_t i = 0; i < tests_; ++i) {
      Ensemble::Node& node = ensemble_.nodes[i];
      if (!(modes->numbers[i] >= 0 && modes->numbers[i] <= static_cast<double>(Mode::kMember))) {
        RefuseUnknown(fmt::format("nodes_modes: {} is not understood", modes->numbers[i]));
      }
      node = {.value = splits[i],
              .feature = Feature(features[i]),
              .mode = static_cast<Mode>(modes->numbers[i]),
              .missing_is_yes = !missing.empty() && missing[i] == 1};
      if (node.mode != Mode::kMember) continue;
      if (set >= sets_.size()) RefuseCorrupt("membership_values: fewer sets than tests of them");
      std::tie(node.first, node.count) = sets_[set++];
    }
    if (set != sets_.size()) RefuseCorrupt("membership_values: more sets than tests of them");
  }

  /// One set a test, NaN behind each.
  void ReadMembers() {
    std::vector<double>& members = ensemble_.members;
    const std::vector<double> values = Constant("membership_values");
    std::uint32_t first = 0;
    const auto end_set = [&] {
      std::sort(members.begin() + first, members.end());
      const auto size = static_cast<std::uint32_t>(members.size());
      sets_.emplace_back(first, size - first);
      first = size;
    };
    for (const double value : values) {
      if (std::isnan(value)) {
        end_set();
      } else {
        members.push_back(value);
      }
    }
    if (members.size() > first) end_set();  // NaN may be missing behind the last one
  }

  void ReadLeaves() {
    const std::vector<std::int64_t>& targets = node_.Integers("leaf_targetids");
    const std::vector<double> weights = Constant("leaf_weights");
    Expect("leaf_weights", weights.size(), targets.size());
    for (std::size_t i = 0; i < targets.size(); ++i) {
      ensemble_.weights.push_back({Target("leaf_targetids", targets[i]), weights[i]});
    }
  }

  /// A leaf becomes a node wherever a test leads to it.
  void ReadChildren() {
    for (const bool is_yes : {true, false}) {
      const std::string_view ids_name = is_yes ? "nodes_truenodeids" : "nodes_falsenodeids";
      const std::string_view leaf_name = is_yes ? "nodes_trueleafs" : "nodes_falseleafs";
      const std::vector<std::int64_t>& ids = Integers(ids_name, tests_);
      const std::vector<std::int64_t>& are_leaves = Integers(leaf_name, tests_);
      for (std::size_t i = 0; i < tests_; ++i) {
        std::uint32_t child = 0;
        if (are_leaves[i] != 0) {
          const std::uint32_t leaf = Position(ids_name, ids[i], ensemble_.weights.size());
          child = static_cast<std::uint32_t>(ensemble_.nodes.size());
          ensemble_.nodes.push_back({.mode = Mode::kLeaf, .first = leaf, .count = 1});
        } else {
          child = Position(ids_name, ids[i], tests_);
        }
        (is_yes ? ensemble_.nodes[i].yes : ensemble_.nodes[i].no) = child;
      }
    }
  }

  std::size_t tests_ = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> sets_;
};

// ---- for the forest engine ----

class ForestBuilder {
 public:
  explicit ForestBuilder(const Ensemble& ensemble) : ensemble_(ensemble) {}

  /// The tree once for each of the targets that its leaves have weights of; false: there are too
  /// many nodes.
  bool AddTree(std::uint32_t root, ForestSource& forest) {
    std::vector<std::uint32_t> targets;
    order_.clear();
    ForestSource::Tree tree = Copy(root);
    for (const std::uint32_t at : order_) {
      for (const Ensemble::Weight& weight : WeightsOf(at)) targets.push_back(weight.target);
    }
    std::ranges::sort(targets);
    targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
    for (const std::uint32_t target : targets) {
      nodes_ += tree.nodes.size();
      if (nodes_ > kMostForestNodes) return false;
      tree.margin = target;
      for (std::size_t i = 0; i < order_.size(); ++i) {
        if (tree.nodes[i].is_leaf()) tree.nodes[i].value = ValueOf(order_[i], target);
      }
      forest.trees.push_back(tree);
    }
    return true;
  }

 private:
  [[nodiscard]] std::span<const Ensemble::Weight> WeightsOf(std::uint32_t at) const {
    const Ensemble::Node& node = ensemble_.nodes[at];
    if (node.mode != Mode::kLeaf) return {};
    return std::span(ensemble_.weights).subspan(node.first, node.count);
  }

  [[nodiscard]] float ValueOf(std::uint32_t at, std::uint32_t target) const {
    float value = 0;
    for (const Ensemble::Weight& weight : WeightsOf(at)) {
      if (weight.target == target) value += static_cast<float>(weight.value);
    }
    return value;
  }

  /// Its nodes, and in `order_` which each is.
  ForestSource::Tree Copy(std::uint32_t root) {
    ForestSource::Tree tree;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> open{{root, 0}};
    tree.nodes.emplace_back();
    order_.push_back(root);
    while (!open.empty()) {
      const auto [from, to] = open.back();
      open.pop_back();
      const Ensemble::Node& node = ensemble_.nodes[from];
      if (node.mode == Mode::kLeaf) continue;
      const auto next = static_cast<std::uint32_t>(tree.nodes.size());
      tree.nodes.resize(tree.nodes.size() + 2);
      order_.resize(tree.nodes.size());
      tree.nodes[to] = Test(node, next);
      // Of LEQ and LT the rows that pass go left, of GTE and GT right.
      const bool yes_is_left = node.mode == Mode::kLeq || node.mode == Mode::kLt;
      order_[next] = yes_is_left ? node.yes : node.no;
      order_[next + 1] = yes_is_left ? node.no : node.yes;
      open.emplace_back(order_[next + 1], next + 1);
      open.emplace_back(order_[next], next);
    }
    Weigh(tree);
    return tree;
  }

  /// x <= t is not x >= the float above t.
  static ForestSource::Node Test(const Ensemble::Node& node, std::uint32_t left) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const bool yes_is_left = node.mode == Mode::kLeq || node.mode == Mode::kLt;
    const bool is_above = node.mode == Mode::kLeq || node.mode == Mode::kGt;
    const auto value = static_cast<float>(node.value);
    return {.value = is_above ? std::nextafter(value, kInfinity) : value,
            .feature = node.feature,
            .left = left,
            .right = left + 1,
            .missing_goes_right = yes_is_left != node.missing_is_yes};
  }

  /// Counts of leaves, in place of rows of training, which the file does not have.
  static void Weigh(ForestSource::Tree& tree) {
    for (std::size_t i = tree.nodes.size(); i-- > 0;) {
      ForestSource::Node& node = tree.nodes[i];
      node.weight =
          node.is_leaf() ? 1.0F : tree.nodes[node.left].weight + tree.nodes[node.right].weight;
    }
  }

  const Ensemble& ensemble_;
  std::vector<std::uint32_t> order_;
  std::size_t nodes_ = 0;
};

/// Whether the engine's tests say the same.
bool FitsForest(const Ensemble& ensemble) {
  const bool adds =
      ensemble.aggregate == Aggregate::kSum || ensemble.aggregate == Aggregate::kAverage;
  if (ensemble.is_double || !adds) return false;
  return std::ranges::all_of(ensemble.nodes, [&ensemble](const Ensemble::Node& node) {
    if (node.mode == Mode::kLeaf) {
      // One that has a target twice adds to it twice.
      const auto weights = std::span(ensemble.weights).subspan(node.first, node.count);
      return std::ranges::adjacent_find(weights, std::ranges::greater_equal(),
                                        &Ensemble::Weight::target) == weights.end();
    }
    // Nothing is above infinity: a test of it needs NaN to stand for what no number passes.
    const bool is_above = node.mode == Mode::kLeq || node.mode == Mode::kGt;
    const bool is_number = node.mode <= Mode::kGt && !std::isnan(node.value) &&
                           !(is_above && node.value == std::numeric_limits<double>::infinity());
    return is_number;
  });
}

// ---- tree by tree ----

bool Passes(const Ensemble& ensemble, const Ensemble::Node& node, double x) noexcept {
  if (std::isnan(x) && node.missing_is_yes) return true;
  switch (node.mode) {
    case Mode::kLeq:
      return x <= node.value;
    case Mode::kLt:
      return x < node.value;
    case Mode::kGte:
      return x >= node.value;
    case Mode::kGt:
      return x > node.value;
    case Mode::kEq:
      return x == node.value;
    case Mode::kNeq:
      return x != node.value;
    case Mode::kMember:
      return !std::isnan(x) && std::ranges::binary_search(
                                   std::span(ensemble.members).subspan(node.first, node.count), x);
    case Mode::kLeaf:
      break;
  }
  return false;
}

double Aggregated(Aggregate aggregate, bool is_first, double sum, double weight) noexcept {
  if (aggregate == Aggregate::kMin) return is_first || weight < sum ? weight : sum;
  if (aggregate == Aggregate::kMax) return is_first || weight > sum ? weight : sum;
  return sum + weight;
}

// ---- what becomes of sums ----

float Logistic(float x) noexcept {
  const float v = 1 / (1 + std::exp(-std::abs(x)));
  return x < 0 ? 1 - v : v;
}

void Softmax(std::span<float> values, bool skips_zeros) noexcept {
  constexpr float kNearZero = 0.0000001F;
  float greatest = -std::numeric_limits<float>::max();
  for (const float value : values) greatest = value > greatest ? value : greatest;
  const float scale = std::exp(-greatest);
  float sum = 0;
  for (float& value : values) {
    if (skips_zeros && !(value > kNearZero || value < -kNearZero)) {
      value *= scale;
      continue;
    }
    value = std::exp(value - greatest);
    sum += value;
  }
  for (float& value : values) value /= sum;
}

/// Averages and base values, and of two classes with one sum what is transformed of each.
template <typename Number>
void FinishIn(const Ensemble& ensemble, std::span<const double> sums,
              std::span<double> out) noexcept {
  for (std::size_t i = 0; i < sums.size(); ++i) {
    auto sum = static_cast<Number>(sums[i]);
    if (ensemble.aggregate == Aggregate::kAverage) {
      sum /= static_cast<Number>(ensemble.roots.size());
    }
    if (!ensemble.base.empty()) sum += static_cast<Number>(ensemble.base[i]);
    out[i] = static_cast<double>(sum);
  }
  if (ensemble.finish == Finish::kComplement) {
    out[1] = out[0];
    out[0] = static_cast<double>(1 - static_cast<Number>(out[1]));
  } else if (ensemble.finish == Finish::kLogisticPair) {
    out[1] = out[0];
    out[0] = -out[1];
  }
}

/// In float: as ONNX Runtime does also where sums are doubles.
void Transform(Finish finish, std::span<double> out) noexcept {
  std::array<float, ForestSource::kMostMargins> scratch;  // written before it is read
  const std::span<float> values = std::span(scratch).first(out.size());
  for (std::size_t i = 0; i < out.size(); ++i) values[i] = static_cast<float>(out[i]);
  if (finish == Finish::kLogistic || finish == Finish::kLogisticPair) {
    for (float& value : values) value = Logistic(value);
  } else if (finish == Finish::kSoftmax || finish == Finish::kSoftmaxZero) {
    Softmax(values, finish == Finish::kSoftmaxZero);
  }
  std::ranges::copy(values, out.begin());
}

}  // namespace

Ensemble ReadEnsemble(const Node& node, bool is_double) {
  if (node.op == "TreeEnsemble") return NewReader(node, is_double).Read();
  Ensemble ensemble = OldReader(node, is_double).Read();
  ensemble.gives_floats = true;
  return ensemble;
}

std::optional<ForestSource> ToForest(const Ensemble& ensemble, std::vector<std::string> features) {
  if (!FitsForest(ensemble)) return std::nullopt;
  ForestSource forest;
  forest.features = std::move(features);
  forest.base_margins.assign(ensemble.targets, 0.0F);
  ForestBuilder builder(ensemble);
  for (const std::uint32_t root : ensemble.roots) {
    if (!builder.AddTree(root, forest)) return std::nullopt;
  }
  return forest;
}

void AddTrees(const Ensemble& ensemble, std::span<const double> row, std::span<double> sums,
              std::span<double> has_sum) noexcept {
  std::ranges::fill(sums, 0.0);
  std::ranges::fill(has_sum, 0.0);
  for (const std::uint32_t root : ensemble.roots) {
    const Ensemble::Node* node = &ensemble.nodes[root];
    while (node->mode != Mode::kLeaf) {
      node = &ensemble.nodes[Passes(ensemble, *node, row[node->feature]) ? node->yes : node->no];
    }
    for (std::uint32_t i = node->first; i < node->first + node->count; ++i) {
      const Ensemble::Weight& weight = ensemble.weights[i];
      const double sum = Aggregated(ensemble.aggregate, has_sum[weight.target] == 0,
                                    sums[weight.target], weight.value);
      has_sum[weight.target] = 1;
      sums[weight.target] = ensemble.is_double ? sum : static_cast<double>(static_cast<float>(sum));
    }
  }
}

void FinishSums(const Ensemble& ensemble, std::span<const double> sums,
                std::span<double> out) noexcept {
  if (ensemble.is_double) {
    FinishIn<double>(ensemble, sums, out);
  } else {
    FinishIn<float>(ensemble, sums, out);
  }
  if (!ensemble.is_double || ensemble.gives_floats) Transform(ensemble.finish, out);
}

}  // namespace forkcast::model::onnx
