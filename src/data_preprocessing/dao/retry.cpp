#include "data_preprocessing/dao/retry.hpp"

#include <thread>
#include <utility>

namespace forkcast::preprocessing {
namespace {

/// One reading, however often it begins.
class Resumed {
 public:
  Resumed(const StoredRows& source, const Schema& schema, std::size_t batch_rows,
          const std::function<Status(const Table&)>& sink)
      : source_(source), schema_(schema), batch_rows_(batch_rows), sink_(sink) {}

  Status Read(TableDao& dao) {
    if (Status ready = Prepare(dao); !ready) return ready;
    std::size_t seen = 0;
    Status read = dao.Read(source_, schema_, {}, batch_rows_, [&](const Table& batch) -> Status {
      const std::size_t begin = seen;
      seen += batch.row_count();
      if (seen <= taken_) return {};
      // A last batch that was taken, and has become longer.
      if (begin < taken_) return AsEnd();
      Status done = sink_(batch);
      if (done) taken_ = seen;
      return done;
    });
    if (!read) last_ = read;
    return read;
  }

 private:
  /// Whether what was taken is still what the table begins with.
  Status Prepare(TableDao& dao) {
    const auto* const table = std::get_if<TableSource>(&source_);
    if (taken_ == 0) {
      if (table == nullptr) return {};
      Result<std::optional<RowCursor>> cursor = dao.CursorOf(*table);
      if (!cursor) return std::move(cursor).error();
      cursor_ = *std::move(cursor);
      return {};
    }
    if (!cursor_) return AsEnd();
    const Result<bool> unchanged = dao.IsUnchanged(*table, *cursor_);
    if (!unchanged) return unchanged.error();
    return *unchanged ? Status() : AsEnd();
  }

  /// What went wrong, as what does not pass.
  [[nodiscard]] Error AsEnd() const {
    return {ErrorCode::kIo, last_.error().message, last_.error().field};
  }

  const StoredRows& source_;
  const Schema& schema_;
  std::size_t batch_rows_;
  const std::function<Status(const Table&)>& sink_;
  std::size_t taken_ = 0;
  std::optional<RowCursor> cursor_;  // of a table, at its first reading
  Status last_;
};

}  // namespace

std::optional<std::chrono::milliseconds> PauseAfter(int failures, const RetryRules& rules) {
  if (failures >= rules.most_tries) return std::nullopt;
  std::chrono::milliseconds pause = rules.first_pause;
  for (int i = 1; i < failures; ++i) pause *= 2;
  return pause;
}

StoreReading ReadingOf(std::string url) {
  return {.open = [url = std::move(url)] { return OpenStore(url, StoreAccess::kReadOnly); },
          .wait = [](std::chrono::milliseconds pause) { std::this_thread::sleep_for(pause); }};
}

Status ReadRetrying(const StoreReading& reading, const std::function<Status(TableDao&)>& work) {
  bool was_reached = false;
  for (int failures = 1;; ++failures) {
    Result<std::unique_ptr<TableDao>> dao = reading.open();
    Status done = dao ? work(**dao) : Status(dao.error());
    if (done) return done;
    const bool may_pass = dao ? done.error().code == ErrorCode::kNotReady : was_reached;
    was_reached |= dao.ok();
    const auto pause = PauseAfter(failures, reading.rules);
    if (!may_pass || !pause) return done;
    reading.wait(*pause);
  }
}

Status ReadEachOnce(const StoreReading& reading, const StoredRows& source, const Schema& schema,
                    std::size_t batch_rows, const std::function<Status(const Table&)>& sink) {
  Resumed resumed(source, schema, batch_rows, sink);
  return ReadRetrying(reading, [&resumed](TableDao& dao) { return resumed.Read(dao); });
}

}  // namespace forkcast::preprocessing
