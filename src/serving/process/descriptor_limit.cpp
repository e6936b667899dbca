#include "serving/process/descriptor_limit.hpp"

#include <sys/resource.h>

namespace forkcast::serving {

std::size_t RaiseDescriptorLimit() noexcept {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  return ::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

}  // namespace forkcast::serving
