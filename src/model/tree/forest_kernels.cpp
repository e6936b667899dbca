#include <array>
#include <span>

#include "model/tree/forest_kernel.hpp"
#include "model/tree/portable_kernel.hpp"
#ifdef __x86_64__
#include "model/tree/avx512_kernel.hpp"
#endif

namespace forkcast::model {
namespace {

/// All there are, the fastest first.
constexpr std::array kKernels{
#ifdef __x86_64__
    &kAvx512Kernel,
#endif
    &kPortableKernel,
};

/// Those of them that run here, in their order.
struct Kernels {
  std::array<ForestKernel, kKernels.size()> kernels{};
  std::size_t count = 0;
};

}  // namespace

std::span<const ForestKernel> ForestKernels() noexcept {
  static const Kernels kHere = [] {
    Kernels here;
    for (const ForestKernel* kernel : kKernels) {
      if (kernel->runs_here()) here.kernels[here.count++] = *kernel;
    }
    return here;
  }();
  return std::span(kHere.kernels).first(kHere.count);
}

}  // namespace forkcast::model
