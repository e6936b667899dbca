#include "model/tree/portable_kernel.hpp"

#include <bit>
#include <cmath>
#include <cstdint>

#include "model/tree/category_set.hpp"
#include "model/tree/forest_format.hpp"
#include "model/tree/forest_walk.hpp"

namespace forkcast::model {
namespace {

using forest_format::kTests;
using forest_format::Tile;

/// Three tests a tile, one after the other. `kAny`: with missing values and categories.
template <bool kAny>
class Row {
 public:
  struct Width {
    explicit Width(std::size_t /*feature_count*/) noexcept {}
  };
  Row(const Width& /*width*/, const float* values) noexcept : values_(values) {}

  [[nodiscard]] unsigned Exit(const ForestTables& forest, const Tile& tile) const noexcept {
    unsigned at = 0;
    for (int level = 0; level < 3; ++level) {
      const auto right = static_cast<unsigned>(GoesRight(forest, tile, at));
      at = 2 * at + 1 + (right & (unsigned{tile.tests} >> at));
    }
    return at - kTests;
  }

  static std::uint32_t CountBits(unsigned byte) noexcept { return forest_format::kBitCount[byte]; }

  static bool HasMissing(const float* values, std::size_t count) noexcept {
    bool found = false;
    for (std::size_t i = 0; i < count; ++i) found |= std::isnan(values[i]);
    return found;
  }

 private:
  [[nodiscard]] bool GoesRight(const ForestTables& forest, const Tile& tile,
                               unsigned test) const noexcept {
    const float value = values_[tile.features[test]];
    if constexpr (kAny) {
      if (std::isnan(value)) return ((unsigned{tile.missing_right} >> test) & 1U) != 0;
      if (((unsigned{tile.categorical} >> test) & 1U) != 0) {
        return IsInCategorySet(forest.category_words.data(),
                               std::bit_cast<std::uint32_t>(tile.slots[test]), value);
      }
    }
    return value >= tile.slots[test];
  }

  const float* values_;
};

bool RunsHere() noexcept { return true; }

}  // namespace

const ForestKernel kPortableKernel{.name = "portable",
                                   .runs_here = RunsHere,
                                   .add = forest_walk::Add<Row<false>, Row<true>, float>,
                                   .add_doubles = forest_walk::Add<Row<false>, Row<true>, double>};

}  // namespace forkcast::model
