#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "model/tree/shap_format.hpp"

namespace forkcast::model {

/// What a kernel reads of a SHAP file; checked, so that nothing leads outside. Bare pointers: what
/// a header defines inline must not be compiled with a kernel's instructions.
struct ShapTables {
  const shap_format::Place* places = nullptr;
  const shap_format::Leaves* leaves = nullptr;
  const std::uint32_t* words = nullptr;  ///< Of categories.
};

/// Where an integrand is looked at.
struct ShapPoints {
  const double* at = nullptr;
  const double* weights = nullptr;
  std::size_t count = 0;
};

/// Memory of a kernel, aligned to 64 bytes.
struct ShapMemory {
  /// Numbers and bytes that each place of a group needs of it.
  static constexpr std::size_t kNumbersAPlace = 9 * shap_format::kLanes;
  static constexpr std::size_t kMarksAPlace = shap_format::kLanes;

  double* numbers = nullptr;
  std::uint8_t* marks = nullptr;
  /// A number for each feature and lane, to which contributions are added.
  double* sums = nullptr;
};

/// A way to explain a row by a group of trees. All give the same doubles: they differ in what they
/// ask of the processor. One is a file and a row of the table in shap_kernels.cpp.
struct ShapKernel {
  std::string_view name;
  /// Whether this processor can.
  bool (*runs_here)() noexcept;
  /// Adds what the group's trees give each feature of `row`. No allocation. Thread-safe.
  void (*add)(const ShapTables& tables, const shap_format::Group& group, const ShapPoints& points,
              const float* row, const ShapMemory& memory) noexcept;
};

/// Those that run here, the fastest first; the last one runs everywhere.
[[nodiscard]] std::span<const ShapKernel> ShapKernels() noexcept;

// The kernels, of one source each with other instructions (shap_walk.hpp).
extern const ShapKernel kPortableShapKernel;
extern const ShapKernel kAvx2ShapKernel;
extern const ShapKernel kAvx512ShapKernel;

}  // namespace forkcast::model
