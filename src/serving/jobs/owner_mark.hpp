#pragma once

#include <string>
#include <string_view>

#include "serving/jobs/job_queue_rules.hpp"

namespace forkcast::serving {

/// By which this process is known from all others, on any machine and after it is gone: the boot
/// of its machine, the namespace of its number, the number, and when it began.
[[nodiscard]] std::string OwnerMark();

/// What becomes of the process of a mark, as far as it can be seen from here.
[[nodiscard]] OwnerLife LifeOf(std::string_view mark);

/// "HOST/NUMBER", for people.
[[nodiscard]] std::string WorkerName();

}  // namespace forkcast::serving
