#include "model/tree/shap_compiler.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <span>
#include <stdexcept>
#include <vector>

#include "model/explainer.hpp"
#include "model/tree/category_set.hpp"
#include "model/tree/shap_format.hpp"

namespace forkcast::model {
namespace {

using shap_format::Group;
using shap_format::Header;
using shap_format::kLanes;
using shap_format::kLeaf;
using shap_format::Leaves;
using shap_format::Place;

using Node = ForestSource::Node;

constexpr std::uint32_t kNone = ~std::uint32_t{0};

MarginScale ScaleOf(Link link) {
  switch (link) {
    case Link::kSigmoid:
    case Link::kStep:
      return MarginScale::kLogOdds;
    case Link::kExp:
    case Link::kRoundedExp:
      return MarginScale::kLog;
    case Link::kSoftmax:
    case Link::kGreatest:
      return MarginScale::kRaw;
    case Link::kIdentity:
    case Link::kLogOnePlusExp:
    case Link::kSignedSquare:
      break;
  }
  return MarginScale::kOutput;
}

/// Lays trees over each other, and collects their tests and leaves, level by level.
class ShapWriter {
 public:
  explicit ShapWriter(const ForestSource& source) : source_(source) {}

  /// Up to kLanes trees of a margin. What they give on average: the means of their leaves by rows.
  double Add(std::span<const ForestSource::Tree* const> trees) {
    trees_ = trees;
    waiting_.clear();
    group_ = {.first_place = static_cast<std::uint32_t>(places_.size()),
              .first_leaf = static_cast<std::uint32_t>(leaves_.size()),
              .margin = trees.front()->margin};
    mean_ = 0;
    Waiting root;
    for (std::size_t lane = 0; lane < trees.size(); ++lane) {
      sizes_[lane] = CountTests(*trees[lane]);
      root.of_trees[lane].is_on = true;
    }
    AddPlaceOrLeaves(root);
    for (std::uint32_t at = 0; at < waiting_.size(); ++at) AddPlace(at);
    if (places_.size() >= shap_format::kLeaf || leaves_.size() >= shap_format::kLeaf) {
      throw std::length_error("too many tests for a SHAP file");
    }
    group_.place_count = static_cast<std::uint32_t>(places_.size()) - group_.first_place;
    group_.leaf_count = static_cast<std::uint32_t>(leaves_.size()) - group_.first_leaf;
    if (group_.place_count > 0) {
      groups_.push_back(group_);
    } else {  // without a test a tree is the same for all rows
      leaves_.resize(group_.first_leaf);
    }
    return mean_;
  }

  [[nodiscard]] const std::vector<Place>& places() const noexcept { return places_; }
  [[nodiscard]] const std::vector<Group>& groups() const noexcept { return groups_; }
  [[nodiscard]] const std::vector<Leaves>& leaves() const noexcept { return leaves_; }
  [[nodiscard]] const std::vector<std::uint32_t>& words() const noexcept { return words_; }

 private:
  /// Where a tree is at a place.
  struct TreePoint {
    bool is_on = false;  // not ended above
    std::uint32_t node = 0;
    double share = 1;            // of all rows, those that come here
    std::uint32_t features = 0;  // different ones that were asked about, with its own
    std::uint32_t earlier = kNone;
    bool is_below_first = false;  // of the earlier one
    float leaf = 0;               // of a tree that ended above
  };
  /// A place of the group at hand, whose number is its position.
  struct Waiting {
    std::array<TreePoint, kLanes> of_trees{};
    std::uint32_t parent = kNone;
    bool is_first = false;  // of its parent's sides
  };

  /// By node, the tests from it on down. Nodes stand before those below them, or behind.
  static std::vector<std::uint32_t> CountTests(const ForestSource::Tree& tree) {
    std::vector<std::uint32_t> counts(tree.nodes.size());
    std::vector<std::uint32_t> order{0};
    for (std::size_t i = 0; i < order.size(); ++i) {
      const Node& node = tree.nodes[order[i]];
      if (!node.is_leaf()) order.insert(order.end(), {node.left, node.right});
    }
    for (std::size_t i = order.size(); i-- > 0;) {
      const Node& node = tree.nodes[order[i]];
      if (!node.is_leaf()) counts[order[i]] = 1 + counts[node.left] + counts[node.right];
    }
    return counts;
  }

  [[nodiscard]] const Node& NodeOf(std::size_t lane, const TreePoint& point) const {
    return trees_[lane]->nodes[point.node];
  }
  [[nodiscard]] bool HasTest(std::size_t lane, const TreePoint& point) const {
    return point.is_on && !NodeOf(lane, point).is_leaf();
  }

  /// The number that leads to it.
  std::uint32_t AddPlaceOrLeaves(Waiting& next) {
    bool has_test = false;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      TreePoint& point = next.of_trees[lane];
      if (HasTest(lane, point)) {
        has_test = true;
        FindEarlier(next, lane);
        group_.features = std::max(group_.features, point.features);
      } else if (point.is_on) {
        point.is_on = false;
        point.leaf = LeafOf(NodeOf(lane, point));
        mean_ += point.share * double{point.leaf};
      }
    }
    if (has_test) {
      waiting_.push_back(next);
      return static_cast<std::uint32_t>(waiting_.size() - 1);
    }
    Leaves& leaves = leaves_.emplace_back();
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      leaves.by_lane[lane] = next.of_trees[lane].leaf;
    }
    return kLeaf | (static_cast<std::uint32_t>(leaves_.size() - 1) - group_.first_leaf);
  }

  /// The nearest test above of the same feature, and on which of its sides this one is.
  void FindEarlier(Waiting& next, std::size_t lane) const {
    TreePoint& point = next.of_trees[lane];
    const std::uint32_t feature = NodeOf(lane, point).feature;
    point.earlier = kNone;
    bool is_first = next.is_first;
    for (std::uint32_t above = next.parent; above != kNone; above = waiting_[above].parent) {
      if (NodeOf(lane, waiting_[above].of_trees[lane]).feature == feature) {
        point.earlier = above;
        point.is_below_first = is_first;
        return;
      }
      is_first = waiting_[above].is_first;
    }
    ++point.features;
  }

  void AddPlace(std::uint32_t at) {
    const Waiting self = waiting_[at];
    Place place;
    std::array<Waiting, 2> below{};  // first and second side
    for (std::size_t side = 0; side < 2; ++side) {
      below[side].parent = at;
      below[side].is_first = side == 0;
    }
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const TreePoint& point = self.of_trees[lane];
      TreePoint& first = below[0].of_trees[lane] = point;
      TreePoint& second = below[1].of_trees[lane] = point;
      place.first_shares[lane] = 1;
      place.reach[lane] = 1;
      if (!point.is_on) continue;
      AddTest(lane, point, place);
      const Node& node = NodeOf(lane, point);
      const bool right_first = (place.tests[lane] >> shap_format::kRightFirstBit & 1U) != 0;
      const double share = double{place.first_shares[lane]};
      first.node = right_first ? node.right : node.left;
      first.share = point.share * share;
      second.node = right_first ? node.left : node.right;
      second.share = point.share * (1 - share);
    }
    for (std::size_t side = 0; side < 2; ++side)
      place.children[side] = AddPlaceOrLeaves(below[side]);
    places_.push_back(place);
  }

  /// Of one tree.
  void AddTest(std::size_t lane, const TreePoint& point, Place& place) {
    const Node& node = NodeOf(lane, point);
    const std::uint32_t bit = 1U << lane;
    const bool right_first = sizes_[lane][node.right] > sizes_[lane][node.left];
    const double left = std::max(0.0F, trees_[lane]->nodes[node.left].weight);
    const double right = std::max(0.0F, trees_[lane]->nodes[node.right].weight);
    const double all = left + right;
    place.thresholds[lane] =
        node.is_category ? std::bit_cast<float>(AddSet(lane, node)) : node.value;
    place.first_shares[lane] =
        all > 0 ? static_cast<float>((right_first ? right : left) / all) : 0.5F;
    std::uint32_t test = node.feature | 1U << shap_format::kTestBit;
    if (node.missing_goes_right) test |= 1U << shap_format::kMissingRightBit;
    if (right_first) test |= 1U << shap_format::kRightFirstBit;
    if (node.is_category) place.categorical |= bit;
    if (point.earlier != kNone) {
      test |= 1U << shap_format::kRepeatedBit;
      if (point.is_below_first) test |= 1U << shap_format::kBelowFirstBit;
      const Place& above = places_[group_.first_place + point.earlier];
      const double share = double{above.first_shares[lane]};
      place.repeated |= bit;
      place.earlier[lane] = point.earlier;
      place.reach[lane] = above.reach[lane] * (point.is_below_first ? share : 1 - share);
    }
    place.tests[lane] = test;
  }

  /// As a float, whatever it is added up in.
  [[nodiscard]] float LeafOf(const Node& node) const {
    if (!source_.doubles) return node.value;
    const DoubleSums& sums = *source_.doubles;
    const double leaf = sums.leaf_values[static_cast<std::size_t>(node.value)];
    return static_cast<float>(leaf / sums.divisor * sums.factor);
  }

  std::uint32_t AddSet(std::size_t lane, const Node& node) {
    return AppendCategorySet(
        std::span(trees_[lane]->categories).subspan(node.first_category, node.category_count),
        words_);
  }

  const ForestSource& source_;
  std::vector<Place> places_;
  std::vector<Group> groups_;
  std::vector<Leaves> leaves_;
  std::vector<std::uint32_t> words_;  // of categories
  // Of the group at hand.
  std::span<const ForestSource::Tree* const> trees_;
  std::array<std::vector<std::uint32_t>, kLanes> sizes_;  // CountTests()
  Group group_;
  std::vector<Waiting> waiting_;
  double mean_ = 0;
};

/// The trees of each margin in groups, and with them what the margins are on average.
std::vector<double> AddGroups(const ForestSource& source, ShapWriter& writer) {
  std::vector<std::vector<const ForestSource::Tree*>> of_margins(source.base_margins.size());
  for (const ForestSource::Tree& tree : source.trees) of_margins[tree.margin].push_back(&tree);
  std::vector<double> bases(source.base_margins.begin(), source.base_margins.end());
  for (std::size_t margin = 0; margin < bases.size(); ++margin) {
    const std::span<const ForestSource::Tree* const> trees(of_margins[margin]);
    for (std::size_t first = 0; first < trees.size(); first += kLanes) {
      bases[margin] += writer.Add(trees.subspan(first, std::min(kLanes, trees.size() - first)));
    }
  }
  return bases;
}

template <typename T>
void Append(std::span<const T> elements, std::string& bytes) {
  bytes.append(reinterpret_cast<const char*>(elements.data()), elements.size_bytes());
}

}  // namespace

std::string CompileShap(const ForestSource& source) {
  ShapWriter writer(source);
  const std::vector<double> bases = AddGroups(source, writer);
  Header header;
  header.feature_count = static_cast<std::uint32_t>(source.features.size());
  header.margin_count = static_cast<std::uint32_t>(bases.size());
  header.group_count = static_cast<std::uint32_t>(writer.groups().size());
  header.scale = static_cast<std::uint32_t>(ScaleOf(source.link));
  header.place_count = static_cast<std::uint32_t>(writer.places().size());
  header.leaf_count = static_cast<std::uint32_t>(writer.leaves().size());
  header.category_word_count = static_cast<std::uint32_t>(writer.words().size());

  std::string bytes(sizeof header, '\0');
  Append(std::span(writer.places()), bytes);
  Append(std::span<const double>(bases), bytes);
  Append(std::span(writer.groups()), bytes);
  Append(std::span(writer.leaves()), bytes);
  Append(std::span(writer.words()), bytes);
  header.file_size = bytes.size();
  std::memcpy(bytes.data(), &header, sizeof header);
  header.checksum = shap_format::ComputeChecksum(std::as_bytes(std::span(bytes)));
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

}  // namespace forkcast::model
