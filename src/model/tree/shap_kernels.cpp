#include <array>
#include <cstddef>
#include <span>

#include "model/tree/shap_kernel.hpp"

namespace forkcast::model {
namespace {

/// All there are, the fastest first.
constexpr std::array kKernels{
#ifdef __x86_64__
    &kAvx512ShapKernel,
    &kAvx2ShapKernel,
#endif
    &kPortableShapKernel,
};

/// Those of them that run here, in their order.
struct Kernels {
  std::array<ShapKernel, kKernels.size()> kernels{};
  std::size_t count = 0;
};

}  // namespace

std::span<const ShapKernel> ShapKernels() noexcept {
  static const Kernels kHere = [] {
    Kernels here;
    for (const ShapKernel* kernel : kKernels) {
      if (kernel->runs_here()) here.kernels[here.count++] = *kernel;
    }
    return here;
  }();
  return std::span(kHere.kernels).first(kHere.count);
}

}  // namespace forkcast::model
