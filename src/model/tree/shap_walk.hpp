// How a group of trees explains a row (tree_shap.hpp tells the idea), for a kernel's file to
// include once, behind what says which instructions it may use, and
//   constexpr std::size_t kWidth = 8;  // doubles of a register
// in the namespace. Trees of a group are gone through kWidth at once: a register holds a number for
// each of them.
//
// With t the probability that a feature is known, s the share of training rows that went to the
// first side of a test, and R the product of such shares over the tests above that ask about the
// same feature (`reach`), a feature that is known up to here counts f = t + (1 - t) R in what comes
// here. With d = 1 - s for a row that goes to the first side, and -s for one that goes to the
// second,
//   s + t d / f      of what comes here goes to the first side, and
//   R d / f^2        times what comes here, times the difference of the sides' mean leaves, is the
//                    derivative by the feature's probability that this test adds.
// A feature that is not known is d = 0: rows go as those of training did, and nothing is added.

#include <cstddef>
#include <cstdint>

#include "model/tree/category_set.hpp"
#include "model/tree/shap_kernel.hpp"

namespace forkcast::model {
namespace {

using shap_format::Group;
using shap_format::kLanes;
using shap_format::kLeaf;
using shap_format::Leaves;
using shap_format::Place;

using Floats = float __attribute__((vector_size(kWidth * sizeof(float))));
using Ints = std::int32_t __attribute__((vector_size(kWidth * sizeof(std::int32_t))));
using Bytes = std::uint8_t __attribute__((vector_size(kWidth)));
using Doubles = double __attribute__((vector_size(kWidth * sizeof(double))));

/// Those of `bits` that are about the kWidth lanes from `lane` on.
constexpr unsigned BitsFrom(std::size_t lane, std::uint32_t bits) noexcept {
  return (bits >> lane) & ((1U << kWidth) - 1);
}

#define FORKCAST_INLINE inline __attribute__((always_inline))

/// From anywhere, as memcpy() does.
template <typename Vector>
FORKCAST_INLINE Vector Load(const void* from) noexcept {
  Vector vector;
  __builtin_memcpy(&vector, from, sizeof vector);
  return vector;
}

template <typename Vector>
FORKCAST_INLINE void Store(const Vector& vector, void* to) noexcept {
  __builtin_memcpy(to, &vector, sizeof vector);
}

FORKCAST_INLINE Doubles Widen(Floats floats) noexcept {
  return __builtin_convertvector(floats, Doubles);
}

/// All bits of a lane, where `bit` is set.
FORKCAST_INLINE Ints LanesWith(Ints bits, unsigned bit) noexcept {
  return (bits << static_cast<int>(31 - bit)) >> 31;
}

/// 1 / f for f in 0..1: rounded to a float, and made exact by one step of Newton's, which takes a
/// third of a division's time.
FORKCAST_INLINE Doubles Reciprocal(Doubles f) noexcept {
  const Doubles first = Widen(1.0F / __builtin_convertvector(f, Floats));
  return first * (2.0 - f * first);
}

/// kWidth trees of a group, from lane `lane` on.
struct Trees {
  const Place* places;
  std::size_t count;  // of places
  const Leaves* leaves;
  const std::uint32_t* words;
  std::size_t lane;
};

/// The feature that a place's test is about, in a lane.
FORKCAST_INLINE std::size_t FeatureOf(const Place& place, std::size_t lane) noexcept {
  return place.tests[lane] & shap_format::kFeatureMask;
}

/// Which lanes go right (all bits set), of tests that compare numbers or look into sets.
FORKCAST_INLINE Ints GoesRight(const Trees& trees, const Place& place, Ints tests,
                               const float* row) noexcept {
  Floats values{};
  for (std::size_t i = 0; i < kWidth; ++i) values[i] = row[FeatureOf(place, trees.lane + i)];
  const Ints missing = values != values;
  Ints right = (values >= Load<Floats>(place.thresholds + trees.lane)) |
               (missing & LanesWith(tests, shap_format::kMissingRightBit));
  for (unsigned left = BitsFrom(trees.lane, place.categorical); left != 0; left &= left - 1) {
    const auto i = static_cast<unsigned>(__builtin_ctz(left));
    if (missing[i] != 0) continue;
    const auto set = Load<std::uint32_t>(place.thresholds + trees.lane + i);
    right[i] = IsInCategorySet(trees.words, set, values[i]) ? -1 : 0;
  }
  return right;
}

// How a row meets a tree's test, in the bytes of ShapMemory::marks.
constexpr int kFirst = 1;  // it goes to the first side
constexpr int kKnown = 2;  // it went its own way at all tests above that ask about the same feature

/// Which lanes went the way to this test at the one above that asks about the same feature, and at
/// all before it. Without branches, and without looking at single lanes of what was just written.
FORKCAST_INLINE Ints CameOwnWay(const Trees& trees, const Place& place, Ints tests,
                                const std::uint8_t* marks) noexcept {
  Ints above{};
  for (std::size_t i = 0; i < kWidth; ++i) {
    above[i] = marks[place.earlier[trees.lane + i] * kWidth + i];
  }
  const Ints side = (tests >> static_cast<int>(shap_format::kBelowFirstBit)) & kFirst;
  return (above == (side | kKnown)) | ~LanesWith(tests, shap_format::kRepeatedBit);
}

/// Writes d of each place.
FORKCAST_INLINE void MeetTests(const Trees& trees, const float* row, std::uint8_t* marks,
                               double* moves) noexcept {
  for (std::size_t at = 0; at < trees.count; ++at) {
    const Place& place = trees.places[at];
    const Ints tests = Load<Ints>(place.tests + trees.lane);
    const Ints first =
        ~(GoesRight(trees, place, tests, row) ^ LanesWith(tests, shap_format::kRightFirstBit));
    Ints known = LanesWith(tests, shap_format::kTestBit);
    if (place.repeated != 0) known &= CameOwnWay(trees, place, tests, marks);
    Store(__builtin_convertvector((first & kFirst) | (known & kKnown), Bytes), marks + at * kWidth);
    const Doubles is_first = __builtin_convertvector(first & 1, Doubles);
    const Doubles is_known = __builtin_convertvector(known & 1, Doubles);
    const Doubles share = Widen(Load<Floats>(place.first_shares + trees.lane));
    Store((is_first - share) * is_known, moves + at * kWidth);
  }
}

/// Of one place, at each point.
template <std::size_t kPoints>
struct Cell {
  /// What comes here; then, what that weighs in the derivative; then the mean leaf.
  Doubles flow[kPoints];
  Doubles first[kPoints];  // the share that goes to the first side
};

/// What comes to each place, and goes on. Whether a place has repeated tests is asked of all lanes,
/// so that all kernels round alike.
template <std::size_t kPoints>
FORKCAST_INLINE void GoDown(const Trees& trees, const double* points, const double* moves,
                            Cell<kPoints>* cells) noexcept {
  for (std::size_t at = 0; at < trees.count; ++at) {
    const Place& place = trees.places[at];
    Cell<kPoints>& cell = cells[at];
    const Doubles move = Load<Doubles>(moves + at * kWidth);
    const Doubles share = Widen(Load<Floats>(place.first_shares + trees.lane));
    Doubles flow[kPoints];
    for (std::size_t q = 0; q < kPoints; ++q) flow[q] = cell.flow[q];
    if (place.repeated == 0) {
      for (std::size_t q = 0; q < kPoints; ++q) {
        cell.first[q] = share + points[q] * move;
        cell.flow[q] = flow[q] * move;
      }
    } else {
      const Doubles reach = Load<Doubles>(place.reach + trees.lane);
      for (std::size_t q = 0; q < kPoints; ++q) {
        const Doubles factor = Reciprocal(points[q] + (1 - points[q]) * reach);
        const Doubles moved = move * factor;
        cell.first[q] = share + points[q] * moved;
        cell.flow[q] = flow[q] * reach * (moved * factor);
      }
    }
    const std::uint32_t first = place.children[0];
    const std::uint32_t second = place.children[1];
    if ((first & kLeaf) == 0) {
      for (std::size_t q = 0; q < kPoints; ++q) cells[first].flow[q] = flow[q] * cell.first[q];
    }
    if ((second & kLeaf) == 0) {
      for (std::size_t q = 0; q < kPoints; ++q) {
        cells[second].flow[q] = flow[q] - flow[q] * cell.first[q];
      }
    }
  }
}

/// The mean leaves, and with them what each place adds to the sums.
template <std::size_t kPoints>
FORKCAST_INLINE void GoUp(const Trees& trees, Cell<kPoints>* cells, double* sums) noexcept {
  for (std::size_t at = trees.count; at-- > 0;) {
    const Place& place = trees.places[at];
    Cell<kPoints>& cell = cells[at];
    Doubles of_side[2][kPoints];
    for (std::size_t side = 0; side < 2; ++side) {
      const std::uint32_t child = place.children[side];
      if ((child & kLeaf) == 0) {
        for (std::size_t q = 0; q < kPoints; ++q) of_side[side][q] = cells[child].flow[q];
        continue;
      }
      const Doubles leaf = Widen(Load<Floats>(trees.leaves[child & ~kLeaf].by_lane + trees.lane));
      for (std::size_t q = 0; q < kPoints; ++q) of_side[side][q] = leaf;
    }
    Doubles added{};
    for (std::size_t q = 0; q < kPoints; ++q) {
      const Doubles difference = of_side[0][q] - of_side[1][q];
      added += cell.flow[q] * difference;
      cell.flow[q] = of_side[1][q] + cell.first[q] * difference;
    }
    for (std::size_t i = 0; i < kWidth; ++i) {
      const std::size_t lane = trees.lane + i;
      sums[FeatureOf(place, lane) * kLanes + lane] += added[i];
    }
  }
}

/// So many points at once: what a group needs of memory grows no further.
constexpr std::size_t kAtOnce = 4;

template <std::size_t kPoints>
FORKCAST_INLINE void AddPoints(const Trees& trees, const double* at, const double* weights,
                               const double* moves, const ShapMemory& memory) noexcept {
  static_assert(kPoints <= kAtOnce);
  auto* const cells = reinterpret_cast<Cell<kPoints>*>(memory.numbers);
  for (std::size_t q = 0; q < kPoints; ++q) cells[0].flow[q] = Doubles{} + weights[q];
  GoDown<kPoints>(trees, at, moves, cells);
  GoUp<kPoints>(trees, cells, memory.sums);
}

/// ShapKernel::add.
void AddGroup(const ShapTables& tables, const Group& group, const ShapPoints& points,
              const float* row, const ShapMemory& memory) noexcept {
  static_assert(sizeof(Cell<kAtOnce>) + sizeof(Doubles) <=
                ShapMemory::kNumbersAPlace * sizeof(double));
  double* const moves =
      memory.numbers + group.place_count * (sizeof(Cell<kAtOnce>) / sizeof(double));
  for (std::size_t lane = 0; lane < kLanes; lane += kWidth) {
    const Trees trees{.places = tables.places + group.first_place,
                      .count = group.place_count,
                      .leaves = tables.leaves + group.first_leaf,
                      .words = tables.words,
                      .lane = lane};
    MeetTests(trees, row, memory.marks, moves);
    for (std::size_t done = 0; done < points.count; done += kAtOnce) {
      const double* const at = points.at + done;
      const double* const weights = points.weights + done;
      switch (points.count - done) {
        case 1:
          AddPoints<1>(trees, at, weights, moves, memory);
          break;
        case 2:
          AddPoints<2>(trees, at, weights, moves, memory);
          break;
        case 3:
          AddPoints<3>(trees, at, weights, moves, memory);
          break;
        default:
          AddPoints<kAtOnce>(trees, at, weights, moves, memory);
      }
    }
  }
}

#undef FORKCAST_INLINE

}  // namespace
}  // namespace forkcast::model
