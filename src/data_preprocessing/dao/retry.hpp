#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"

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

/// How whoever reads meets the store.
struct StoreReading {
  std::function<Result<std::unique_ptr<TableDao>>()> open;
  std::function<void(std::chrono::milliseconds)> wait;
  RetryRules rules{};
};
/// Opens the store at `url` to read, and sleeps.
[[nodiscard]] StoreReading ReadingOf(std::string url);

/// Does `work`, which begins anew each time, from the opening of the store on, while it fails of
/// what may pass. A store that has never been reached is not tried again: its URL may be wrong.
Status ReadRetrying(const StoreReading& reading, const std::function<Status(TableDao&)>& work);

/// TableDao::Read() likewise, for a `sink` that cannot take anything back: what it has taken it is
/// not given again. That can be told of a table's rows while the store knows that none was changed
/// or removed; of a query's only before the first one, so that a failure behind it is the end.
Status ReadEachOnce(const StoreReading& reading, const StoredRows& source, const Schema& schema,
                    std::size_t batch_rows, const std::function<Status(const Table&)>& sink);

}  // namespace forkcast::preprocessing
