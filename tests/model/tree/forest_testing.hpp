#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <ostream>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/base/random.hpp"
#include "model/tree/forest_source.hpp"

namespace forkcast::model {

// ---- the oracle: one row, one tree, one node at a time, as forest_source.hpp says it ----

inline bool GoesRight(const ForestSource::Tree& tree, const ForestSource::Node& node, float value) {
  if (std::isnan(value)) return node.missing_goes_right;
  if (!node.is_category) return value >= node.value;
  if (value < 0 || value >= static_cast<float>(ForestSource::kMostCategories)) return false;
  const auto category = static_cast<std::uint32_t>(value);
  for (std::size_t i = 0; i < node.category_count; ++i) {
    if (tree.categories[node.first_category + i] == category) return true;
  }
  return false;
}

inline float LeafOf(const ForestSource::Tree& tree, std::span<const float> row) {
  const ForestSource::Node* node = tree.nodes.data();
  while (!node->is_leaf()) {
    const bool right = GoesRight(tree, *node, row[node->feature]);
    node = &tree.nodes[right ? node->right : node->left];
  }
  return node->value;
}

inline std::vector<float> MarginsOf(const ForestSource& forest, std::span<const float> row) {
  std::vector<float> margins = forest.base_margins;
  for (const ForestSource::Tree& tree : forest.trees) margins[tree.margin] += LeafOf(tree, row);
  return margins;
}

/// What a row is answered by a forest of doubles.
inline std::vector<double> AnswerInDoubles(const ForestSource& forest, std::span<const float> row) {
  const DoubleSums& sums = *forest.doubles;
  std::vector<double> answer(forest.base_margins.begin(), forest.base_margins.end());
  for (const ForestSource::Tree& tree : forest.trees) {
    answer[tree.margin] += sums.leaf_values[static_cast<std::size_t>(LeafOf(tree, row))];
  }
  for (double& x : answer) x = x / sums.divisor * sums.factor;
  const double greatest = *std::ranges::max_element(answer);
  double sum = 0;
  for (const double x : answer) sum += std::exp(x - greatest);
  for (double& x : answer) {
    switch (forest.link) {
      case Link::kSigmoid:
        x = 1 / (1 + std::exp(-x));
        break;
      case Link::kExp:
        x = std::exp(x);
        break;
      case Link::kSoftmax:
        x = std::exp(x - greatest) / sum;
        break;
      case Link::kLogOnePlusExp:
        x = std::log1p(std::exp(x));
        break;
      case Link::kSignedSquare:
        x = x < 0 ? -x * x : x * x;
        break;
      default:
        break;
    }
  }
  return answer;
}

/// What a row is answered.
inline std::vector<double> AnswerOf(const ForestSource& forest, std::span<const float> row) {
  if (forest.doubles) return AnswerInDoubles(forest, row);
  const std::vector<float> margins = MarginsOf(forest, row);
  std::vector<double> answer;
  switch (forest.link) {
    case Link::kIdentity:
      answer.assign(margins.begin(), margins.end());
      break;
    case Link::kSigmoid:
      for (const float x : margins) {
        answer.push_back(1.0F / (std::exp(std::min(-x, 88.7F)) + 1.0F + 1e-16F));
      }
      break;
    case Link::kExp:
      for (const float x : margins) answer.push_back(std::exp(x));
      break;
    case Link::kRoundedExp:
      for (const float x : margins) answer.push_back(static_cast<float>(std::exp(double{x})));
      break;
    case Link::kStep:
      for (const float x : margins) answer.push_back(x > 0 ? 1 : 0);
      break;
    case Link::kSoftmax: {
      const float greatest = *std::ranges::max_element(margins);
      double sum = 0;
      for (const float x : margins) sum += std::exp(x - greatest);
      for (const float x : margins) {
        answer.push_back(std::exp(x - greatest) / static_cast<float>(sum));
      }
      break;
    }
    case Link::kGreatest:
      answer.push_back(static_cast<double>(std::ranges::max_element(margins) - margins.begin()));
      break;
    case Link::kLogOnePlusExp:
    case Link::kSignedSquare:
      ADD_FAILURE() << "a link of doubles alone";
      break;
  }
  return answer;
}

// ---- forests by chance ----

struct ForestShape {
  const char* name = "";
  std::size_t trees = 10;
  std::size_t features = 5;
  std::size_t depth = 6;    ///< At most; a level deeper, a node is a leaf a bit more often.
  double leaf_share = 0.1;  ///< Of the nodes above the deepest.
  std::size_t margins = 1;
  Link link = Link::kIdentity;
  double category_share = 0;  ///< Of the tests; of the features with odd numbers.
  bool doubles = false;       ///< Whether it adds up doubles.

  friend std::ostream& operator<<(std::ostream& out, const ForestShape& shape) {
    return out << shape.name;
  }
};

class ForestMaker {
 public:
  ForestMaker(const ForestShape& shape, std::uint64_t seed) : shape_(shape), engine_(seed) {}

  ForestSource Make() {
    ForestSource forest;
    forest.link = shape_.link;
    for (std::size_t i = 0; i < shape_.features; ++i) {
      forest.features.push_back("feature " + std::to_string(i));
    }
    for (std::size_t i = 0; i < shape_.margins; ++i) forest.base_margins.push_back(Number());
    for (std::size_t i = 0; i < shape_.trees; ++i) {
      forest.trees.push_back(MakeTree(static_cast<std::uint32_t>(i % shape_.margins)));
    }
    if (shape_.doubles) MakeDoubles(forest);
    return forest;
  }

 private:
  float Number() { return static_cast<float>(2 * DrawShare(engine_) - 1); }

  void MakeDoubles(ForestSource& forest) {
    DoubleSums& sums = forest.doubles.emplace();
    sums.divisor = 3;
    sums.factor = 0.7;
    for (ForestSource::Tree& tree : forest.trees) {
      for (ForestSource::Node& node : tree.nodes) {
        if (!node.is_leaf()) continue;
        node.value = static_cast<float>(sums.leaf_values.size());
        sums.leaf_values.push_back(2 * DrawShare(engine_) - 1);
      }
    }
  }

  ForestSource::Tree MakeTree(std::uint32_t margin) {
    ForestSource::Tree tree{.nodes = {{}}, .categories = {}, .margin = margin};
    std::vector<std::size_t> depths{0};
    for (std::uint32_t i = 0; i < tree.nodes.size(); ++i) {
      tree.nodes[i].weight = static_cast<float>(DrawBelow(engine_, 100));
      tree.nodes[i].value = Number();
      if (depths[i] == shape_.depth || (i > 0 && DrawShare(engine_) < shape_.leaf_share)) continue;
      MakeTest(tree.nodes[i], tree.categories);
      const auto next = static_cast<std::uint32_t>(tree.nodes.size());
      tree.nodes[i].left = next;
      tree.nodes[i].right = next + 1;
      tree.nodes.resize(tree.nodes.size() + 2);
      depths.resize(tree.nodes.size(), depths[i] + 1);
    }
    return tree;
  }

  void MakeTest(ForestSource::Node& node, std::vector<std::uint32_t>& categories) {
    node.feature = static_cast<std::uint32_t>(DrawBelow(engine_, shape_.features));
    node.missing_goes_right = DrawBelow(engine_, 2) == 0;
    node.is_category = DrawShare(engine_) < shape_.category_share;
    if (!node.is_category) {
      constexpr float kInfinity = std::numeric_limits<float>::infinity();
      constexpr float kOdd[] = {0, -0.0F, 1e-45F, -1e-40F, kInfinity, -kInfinity};
      if (DrawBelow(engine_, 10) == 0) node.value = kOdd[DrawBelow(engine_, std::size(kOdd))];
      return;
    }
    node.first_category = static_cast<std::uint32_t>(categories.size());
    node.category_count = static_cast<std::uint32_t>(DrawBelow(engine_, 6));  // at times none
    for (std::size_t i = 0; i < node.category_count; ++i) {
      categories.push_back(static_cast<std::uint32_t>(DrawBelow(engine_, 100)));
    }
  }

  ForestShape shape_;
  std::mt19937_64 engine_;
};

/// Numbers at which something may go wrong: those that a forest tests, with both neighbours, and
/// the odd ones of a float; categories, and what is none.
inline std::vector<float> OddNumbers(const ForestSource& forest) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> numbers{
      0,     -0.0F,         1e-45F,        -1e-45F, 1e-38F, kInfinity, -kInfinity, NAN, -1,
      -0.5F, 16'777'215.0F, 16'777'216.0F, 3e9F,    1e30F,  31.9F,     32,         64};
  for (const ForestSource::Tree& tree : forest.trees) {
    for (const ForestSource::Node& node : tree.nodes) {
      if (node.is_leaf()) continue;
      for (const float value : {node.value, std::nextafter(node.value, kInfinity),
                                std::nextafter(node.value, -kInfinity)}) {
        numbers.push_back(value);
      }
      for (std::size_t i = 0; i < node.category_count; ++i) {
        numbers.push_back(static_cast<float>(tree.categories[node.first_category + i]));
      }
    }
    if (numbers.size() > 5000) break;
  }
  return numbers;
}

/// Rows of odd numbers, of even ones of -1..1, and mixed; every third has values missing.
inline std::vector<float> RowsFor(const ForestSource& forest, std::size_t count,
                                  std::uint64_t seed) {
  const std::vector<float> odd = OddNumbers(forest);
  std::mt19937_64 engine(seed);
  std::vector<float> rows;
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t column = 0; column < forest.features.size(); ++column) {
      const bool is_odd = i % 4 == 0 || (i % 4 == 1 && DrawBelow(engine, 2) == 0);
      float value = is_odd ? odd[DrawBelow(engine, odd.size())]
                           : static_cast<float>(2 * DrawShare(engine) - 1);
      if (i % 3 == 0 && DrawBelow(engine, 4) == 0) value = NAN;
      rows.push_back(value);
    }
  }
  return rows;
}

/// Expects numbers to be the same bits.
inline void ExpectSame(std::span<const double> given, std::span<const double> expected) {
  ASSERT_EQ(given.size(), expected.size());
  for (std::size_t i = 0; i < given.size(); ++i) {
    ASSERT_EQ(std::bit_cast<std::uint64_t>(given[i]), std::bit_cast<std::uint64_t>(expected[i]))
        << "number " << i << ": " << given[i] << " and not " << expected[i];
  }
}

}  // namespace forkcast::model
