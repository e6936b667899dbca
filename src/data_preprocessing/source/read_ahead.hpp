#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <exception>
#include <semaphore>
#include <thread>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/source/row_source.hpp"
#include "data_preprocessing/table/schema.hpp"

namespace forkcast::preprocessing {

/// Reads a source in a second thread while its rows are stored by the first: parsing takes about as
/// long as storing. A few batches at a time, so that memory does not grow with the source.
class ReadAhead {
 public:
  /// Begins to read. Both must outlive the object; until then nobody else may read the source.
  ReadAhead(RowSource& source, const Schema& schema);
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;
  /// Waits for the batch that is being read, no longer.
  ~ReadAhead();

  /// The next batch, which lives until the next call; null behind the last one. Errors, and what is
  /// thrown, as RowSource::Read(), behind the batches that came before. Not to be called after
  /// either.
  Result<const RowBatch*> Next();

 private:
  /// A batch and what came of reading it.
  struct Slot {
    explicit Slot(const Schema& schema) : batch(schema) {}

    RowBatch batch;
    Result<Fetched> fetched = Fetched::kEnd;
    std::exception_ptr thrown;
  };
  static constexpr std::size_t kSlots = 4;

  void Run() noexcept;
  /// Whether there is more behind it.
  bool Fill(Slot& slot) noexcept;

  RowSource& source_;
  std::array<Slot, kSlots> slots_;
  std::counting_semaphore<kSlots + 1> free_{kSlots};  // one more to wake who is to stop
  std::counting_semaphore<kSlots> filled_{0};
  std::atomic<bool> stops_{false};
  std::size_t next_ = 0;  // slot that Next() takes
  bool has_one_ = false;  // Next() has given the slot before
  std::thread thread_;    // last: it uses all others
};

}  // namespace forkcast::preprocessing
