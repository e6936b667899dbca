#pragma once

// GCC says by macros that it is told to watch, clang by features.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define FORKCAST_WATCHES_ITSELF
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define FORKCAST_WATCHES_ITSELF
#endif
#endif

namespace forkcast::process_test {

/// What to multiply a bound on time with, that is a promise of the ordinary build, in one that
/// watches itself.
#ifdef FORKCAST_WATCHES_ITSELF
inline constexpr int kSlowdown = 5;
#else
inline constexpr int kSlowdown = 1;
#endif

}  // namespace forkcast::process_test
