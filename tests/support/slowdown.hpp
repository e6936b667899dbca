#pragma once

namespace forkcast::process_test {

/// What to multiply a bound on time with, that is a promise of the ordinary build, in one that
/// watches itself.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr int kSlowdown = 5;
#else
inline constexpr int kSlowdown = 1;
#endif

}  // namespace forkcast::process_test
