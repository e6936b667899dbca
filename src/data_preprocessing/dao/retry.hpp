#pragma once

#include <chrono>
#include <optional>

/// A store that is a server fails in ways that pass: the connection is lost, a deadlock or a
/// serialisation failure undoes the transaction, the server starts again. Such a failure is
/// kNotReady, in place of kIo. Nothing of the transaction is left, so whoever can do all of it
/// again, from the opening of the store on, may do so. Not so where a lock is not to be had, which
/// has been waited for, or where the disk is full: these are kIo.
///
/// Whether a COMMIT whose answer was lost has been carried out is not known. What is tried again
/// must therefore come to the same when it is done twice, as ingesting a file does.
namespace forkcast::preprocessing {

struct RetryRules {
  int most_tries = 6;
  std::chrono::milliseconds first_pause{200};  ///< Doubled each time: 6.2 s in all.
};

/// How long to wait after the `failures`-th failure (the first is 1); none: it was the last try.
[[nodiscard]] std::optional<std::chrono::milliseconds> PauseAfter(int failures,
                                                                  const RetryRules& rules = {});

}  // namespace forkcast::preprocessing
