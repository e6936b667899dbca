#include <cstddef>
#include <cstdint>

#include "model/tree/category_set.hpp"
#include "model/tree/shap_kernel.hpp"

namespace forkcast::model {
namespace {

constexpr std::size_t kWidth = 4;

bool RunsHere() noexcept { return __builtin_cpu_supports("avx2"); }

}  // namespace
}  // namespace forkcast::model

// From here on, and nowhere else, for the reason that avx512_kernel.cpp tells.
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

#include "model/tree/shap_walk.hpp"

namespace forkcast::model {

const ShapKernel kAvx2ShapKernel{.name = "avx2", .runs_here = RunsHere, .add = AddGroup};

}  // namespace forkcast::model

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
