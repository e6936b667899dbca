#include "model/tree/shap_compiler.hpp"

#include <algorithm>
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

using shap_format::Header;
using shap_format::kNone;
using shap_format::Test;

using Node = ForestSource::Node;

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

/// Collects the tests and leaves of trees, level by level.
class ShapWriter {
 public:
  explicit ShapWriter(const ForestSource& source) : source_(source) {}

  /// What a row is given of which nothing is known: the mean of the leaves by their rows.
  double Add(const ForestSource::Tree& tree) {
    tree_ = &tree;
    waiting_.clear();
    written_ = {.first_test = static_cast<std::uint32_t>(tests_.size()),
                .first_leaf = static_cast<std::uint32_t>(leaves_.size()),
                .margin = tree.margin};
    mean_ = 0;
    AddNode({.node = 0});
    for (std::uint32_t at = 0; at < waiting_.size(); ++at) AddTest(at);
    if (tests_.size() >= shap_format::kLeaf || leaves_.size() >= shap_format::kLeaf) {
      throw std::length_error("too many tests for a SHAP file");
    }
    written_.test_count = static_cast<std::uint32_t>(tests_.size()) - written_.first_test;
    written_.leaf_count = static_cast<std::uint32_t>(leaves_.size()) - written_.first_leaf;
    trees_.push_back(written_);
    return mean_;
  }

  [[nodiscard]] const std::vector<Test>& tests() const noexcept { return tests_; }
  [[nodiscard]] const std::vector<shap_format::Tree>& trees() const noexcept { return trees_; }
  [[nodiscard]] const std::vector<float>& leaves() const noexcept { return leaves_; }
  [[nodiscard]] const std::vector<std::uint32_t>& words() const noexcept { return words_; }

 private:
  /// A test of the tree at hand, whose number is its place.
  struct Waiting {
    std::uint32_t node = 0;
    double share = 1;            // of all rows, those that come here
    std::uint32_t features = 0;  // different ones that were asked about, with its own
    std::uint32_t parent = kNone;
    bool is_right = false;  // of its parent
    std::uint32_t earlier = kNone;
    bool is_below_right = false;  // of the earlier one
  };

  /// The number that leads to it.
  std::uint32_t AddNode(Waiting next) {
    const Node& node = tree_->nodes[next.node];
    if (node.is_leaf()) {
      leaves_.push_back(LeafOf(node));
      mean_ += next.share * double{leaves_.back()};
      return shap_format::kLeaf |
             (static_cast<std::uint32_t>(leaves_.size() - 1) - written_.first_leaf);
    }
    FindEarlier(next);
    written_.features = std::max(written_.features, next.features);
    waiting_.push_back(next);
    return static_cast<std::uint32_t>(waiting_.size() - 1);
  }

  /// The nearest test above of the same feature, and on which of its sides this one is.
  void FindEarlier(Waiting& next) const {
    bool is_right = next.is_right;
    for (std::uint32_t above = next.parent; above != kNone; above = waiting_[above].parent) {
      if (FeatureOf(waiting_[above]) == FeatureOf(next)) {
        next.earlier = above;
        next.is_below_right = is_right;
        return;
      }
      is_right = waiting_[above].is_right;
    }
    ++next.features;
  }

  void AddTest(std::uint32_t at) {
    const Waiting self = waiting_[at];
    const Node& node = tree_->nodes[self.node];
    const double left = std::max(0.0F, tree_->nodes[node.left].weight);
    const double all = left + std::max(0.0F, tree_->nodes[node.right].weight);
    Test test{.threshold = node.is_category ? std::bit_cast<float>(AddSet(node)) : node.value,
              .earlier = self.earlier,
              .feature = static_cast<std::uint16_t>(node.feature),
              .flags = FlagsOf(node, self),
              .left_share = all > 0 ? static_cast<float>(left / all) : 0.5F,
              .reach = ReachOf(self)};
    const double left_share = double{test.left_share};
    Waiting next{.features = self.features, .parent = at};
    next.node = node.left;
    next.share = self.share * left_share;
    test.children[0] = AddNode(next);
    next.node = node.right;
    next.is_right = true;
    next.share = self.share * (1 - left_share);
    test.children[1] = AddNode(next);
    tests_.push_back(test);
  }

  /// As a float, whatever it is added up in.
  [[nodiscard]] float LeafOf(const Node& node) const {
    if (!source_.doubles) return node.value;
    const DoubleSums& sums = *source_.doubles;
    const double leaf = sums.leaf_values[static_cast<std::size_t>(node.value)];
    return static_cast<float>(leaf / sums.divisor * sums.factor);
  }

  [[nodiscard]] double ReachOf(const Waiting& self) const {
    if (self.earlier == kNone) return 1;
    const Test& earlier = tests_[written_.first_test + self.earlier];
    const double left = double{earlier.left_share};
    return earlier.reach * (self.is_below_right ? 1 - left : left);
  }

  static std::uint16_t FlagsOf(const Node& node, const Waiting& self) {
    unsigned flags = 0;
    if (node.is_category) flags |= shap_format::kCategorical;
    if (node.missing_goes_right) flags |= shap_format::kMissingRight;
    if (self.is_below_right) flags |= shap_format::kBelowRight;
    return static_cast<std::uint16_t>(flags);
  }

  [[nodiscard]] std::uint32_t FeatureOf(const Waiting& test) const {
    return tree_->nodes[test.node].feature;
  }

  std::uint32_t AddSet(const Node& node) {
    return AppendCategorySet(
        std::span(tree_->categories).subspan(node.first_category, node.category_count), words_);
  }

  const ForestSource& source_;
  std::vector<Test> tests_;
  std::vector<shap_format::Tree> trees_;
  std::vector<float> leaves_;
  std::vector<std::uint32_t> words_;  // of categories
  // Of the tree at hand.
  const ForestSource::Tree* tree_ = nullptr;
  shap_format::Tree written_;
  std::vector<Waiting> waiting_;
  double mean_ = 0;
};

template <typename T>
void Append(std::span<const T> elements, std::string& bytes) {
  bytes.append(reinterpret_cast<const char*>(elements.data()), elements.size_bytes());
}

}  // namespace

std::string CompileShap(const ForestSource& source) {
  ShapWriter writer(source);
  std::vector<double> bases(source.base_margins.begin(), source.base_margins.end());
  for (const ForestSource::Tree& tree : source.trees) bases[tree.margin] += writer.Add(tree);
  Header header;
  header.feature_count = static_cast<std::uint32_t>(source.features.size());
  header.margin_count = static_cast<std::uint32_t>(bases.size());
  header.tree_count = static_cast<std::uint32_t>(writer.trees().size());
  header.scale = static_cast<std::uint32_t>(ScaleOf(source.link));
  header.test_count = static_cast<std::uint32_t>(writer.tests().size());
  header.leaf_count = static_cast<std::uint32_t>(writer.leaves().size());
  header.category_word_count = static_cast<std::uint32_t>(writer.words().size());

  std::string bytes(sizeof header, '\0');
  Append(std::span(writer.tests()), bytes);
  Append(std::span<const double>(bases), bytes);
  Append(std::span(writer.trees()), bytes);
  Append(std::span(writer.leaves()), bytes);
  Append(std::span(writer.words()), bytes);
  header.file_size = bytes.size();
  std::memcpy(bytes.data(), &header, sizeof header);
  header.checksum = shap_format::ComputeChecksum(std::as_bytes(std::span(bytes)));
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

}  // namespace forkcast::model
