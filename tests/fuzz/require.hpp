#pragma once

#include <cstdio>
#include <cstdlib>

namespace forkcast::fuzz {

/// Ends the fuzzer when a property does not hold, and says which, by its place in the source.
inline void Require(bool holds, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (holds) return;
  std::fprintf(stderr, "%s:%d does not hold\n", file, line);
  std::abort();
}

}  // namespace forkcast::fuzz
