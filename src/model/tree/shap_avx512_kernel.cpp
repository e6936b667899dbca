#include <cstddef>
#include <cstdint>

#include "model/tree/category_set.hpp"
#include "model/tree/shap_kernel.hpp"

namespace forkcast::model {
namespace {

constexpr std::size_t kWidth = 8;

bool RunsHere() noexcept {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
}

}  // namespace
}  // namespace forkcast::model

// From here on, and nowhere else, for the reason that avx512_kernel.cpp tells.
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw")
#endif

#include "model/tree/shap_walk.hpp"

namespace forkcast::model {

const ShapKernel kAvx512ShapKernel{.name = "avx512", .runs_here = RunsHere, .add = AddGroup};

}  // namespace forkcast::model

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
