#pragma once

#include <cstddef>
#include <functional>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::model {

/// Calls work(i, is_caller) for 0 .. count - 1 from the caller's thread and others beside it, each
/// number once. After a failure no more are begun; of several errors that of the least number.
Status ForEach(std::size_t count, unsigned threads,
               const std::function<Status(std::size_t, bool is_caller)>& work);

}  // namespace forkcast::model
