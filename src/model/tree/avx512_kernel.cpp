#include "model/tree/avx512_kernel.hpp"

#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "model/tree/category_set.hpp"
#include "model/tree/forest_format.hpp"
#include "model/tree/forest_kernel.hpp"

// From here on, and nowhere else: a flag for the whole file would also compile what the headers
// above define inline with instructions that another file's copy must not have.
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,bmi,bmi2,popcnt"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,bmi,bmi2,popcnt")
#endif

#include "model/tree/forest_walk.hpp"

namespace forkcast::model {
namespace {

using forest_format::Tile;

constexpr unsigned kLanes = 16;         // floats of a register
constexpr __mmask16 kTestLanes = 0x7F;  // of a tile, taken for 16 floats

/// Those of a register that hold the first `count` floats.
__mmask16 LanesOf(std::size_t count) noexcept {
  return static_cast<__mmask16>(
      _bzhi_u32(0xFFFF, static_cast<unsigned>(std::min<std::size_t>(count, kLanes))));
}

/// Numbers of a row, up to kRegisters * 16 of them; 0: any number, gathered from memory.
template <unsigned kRegisters>
class Numbers {
 public:
  struct Width {
    explicit Width(std::size_t feature_count) noexcept {
      for (unsigned i = 0; i < kRegisters; ++i) {
        lanes[i] = LanesOf(std::max<std::size_t>(feature_count, i * kLanes) - i * kLanes);
      }
    }
    __mmask16 lanes[kRegisters];
  };

  Numbers(const Width& width, const float* values) noexcept {
    for (unsigned i = 0; i < kRegisters; ++i) {
      registers_[i] = _mm512_maskz_loadu_ps(width.lanes[i], values + i * kLanes);
    }
  }

  [[nodiscard]] __m512 Of(__m512i features) const noexcept {
    const __m512 low = _mm512_permutex2var_ps(registers_[0], features, registers_[1]);
    if constexpr (kRegisters == 2) return low;
    const __m512 high = _mm512_permutex2var_ps(registers_[2], features, registers_[3]);
    const __mmask16 is_high = _mm512_test_epi32_mask(features, _mm512_set1_epi32(2 * kLanes));
    return _mm512_mask_mov_ps(low, is_high, high);
  }

 private:
  __m512 registers_[kRegisters];
};

template <>
class Numbers<0> {
 public:
  struct Width {
    explicit Width(std::size_t /*feature_count*/) noexcept {}
  };

  Numbers(const Width& /*width*/, const float* values) noexcept : values_(values) {}

  [[nodiscard]] __m512 Of(__m512i features) const noexcept {
    return _mm512_mask_i32gather_ps(_mm512_setzero_ps(), kTestLanes, features, values_,
                                    sizeof(float));
  }

 private:
  const float* values_;
};

/// `kAny`: with missing values and categories.
template <unsigned kRegisters, bool kAny>
class Row {
 public:
  using Width = typename Numbers<kRegisters>::Width;
  Row(const Width& width, const float* values) noexcept
      : numbers_(width, values), values_(values) {}

  [[nodiscard]] unsigned Exit(const ForestTables& forest, const Tile& tile) const noexcept {
    // The whole tile, and eight features where there are seven: lanes that are no tests are not
    // used.
    const __m512 limits = _mm512_load_ps(tile.slots.data());
    const auto* const features =
        reinterpret_cast<const std::byte*>(&tile) + offsetof(Tile, features);
    const __m512 values = numbers_.Of(_mm512_castsi256_si512(
        _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(features)))));
    unsigned outcome = _mm512_mask_cmp_ps_mask(kTestLanes, values, limits, _CMP_GE_OQ);
    if constexpr (kAny) {
      const unsigned missing = _mm512_mask_cmp_ps_mask(kTestLanes, values, values, _CMP_UNORD_Q);
      outcome |= missing & tile.missing_right;
      for (unsigned left = tile.categorical & ~missing; left != 0; left &= left - 1) {
        const auto test = static_cast<unsigned>(std::countr_zero(left));
        const bool is_in = IsInCategorySet(forest.category_words.data(),
                                           std::bit_cast<std::uint32_t>(tile.slots[test]),
                                           values_[tile.features[test]]);
        outcome = (outcome & ~(1U << test)) | (unsigned{is_in} << test);
      }
    }
    return forest_format::kExitOf[outcome & tile.tests];
  }

  static std::uint32_t CountBits(unsigned byte) noexcept {
    return static_cast<std::uint32_t>(_mm_popcnt_u32(byte));
  }

  static bool HasMissing(const float* values, std::size_t count) noexcept {
    unsigned found = 0;
    for (std::size_t i = 0; i < count; i += kLanes) {
      const __m512 some = _mm512_maskz_loadu_ps(LanesOf(count - i), values + i);
      found |= _mm512_cmp_ps_mask(some, some, _CMP_UNORD_Q);
    }
    return found != 0;
  }

 private:
  Numbers<kRegisters> numbers_;
  const float* values_;
};

bool RunsHere() noexcept {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
}

template <typename Margin>
void Add(const ForestTables& forest, const float* rows, std::size_t row_count,
         Margin* margins) noexcept {
  if (forest.feature_count <= 2 * kLanes) {
    forest_walk::Add<Row<2, false>, Row<2, true>>(forest, rows, row_count, margins);
  } else if (forest.feature_count <= 4 * kLanes) {
    forest_walk::Add<Row<4, false>, Row<4, true>>(forest, rows, row_count, margins);
  } else {
    forest_walk::Add<Row<0, false>, Row<0, true>>(forest, rows, row_count, margins);
  }
}

}  // namespace

const ForestKernel kAvx512Kernel{
    .name = "avx512", .runs_here = RunsHere, .add = Add<float>, .add_doubles = Add<double>};

}  // namespace forkcast::model

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
