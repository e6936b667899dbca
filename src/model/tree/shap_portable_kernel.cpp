#include <cstddef>
#include <cstdint>

#include "model/tree/category_set.hpp"
#include "model/tree/shap_kernel.hpp"

namespace forkcast::model {
namespace {

constexpr std::size_t kWidth = 2;

bool RunsHere() noexcept { return true; }

}  // namespace
}  // namespace forkcast::model

#include "model/tree/shap_walk.hpp"

namespace forkcast::model {

const ShapKernel kPortableShapKernel{.name = "portable", .runs_here = RunsHere, .add = AddGroup};

}  // namespace forkcast::model
