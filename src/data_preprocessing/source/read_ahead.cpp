#include "data_preprocessing/source/read_ahead.hpp"

namespace forkcast::preprocessing {
namespace {

// Large enough to make a batch's own cost vanish, small enough to stay in the processor's cache.
constexpr std::size_t kBatchRows = 4096;

}  // namespace

ReadAhead::ReadAhead(RowSource& source, const Schema& schema)
    : source_(source),
      slots_{Slot(schema), Slot(schema), Slot(schema), Slot(schema)},
      thread_([this] { Run(); }) {}

ReadAhead::~ReadAhead() {
  stops_ = true;
  free_.release();
  thread_.join();
}

Result<const RowBatch*> ReadAhead::Next() {
  if (has_one_) free_.release();
  has_one_ = true;
  filled_.acquire();
  const Slot& slot = slots_[next_];
  next_ = (next_ + 1) % kSlots;
  if (slot.thrown) std::rethrow_exception(slot.thrown);
  if (!slot.fetched) return slot.fetched.error();
  return *slot.fetched == Fetched::kRows ? &slot.batch : nullptr;
}

void ReadAhead::Run() noexcept {
  for (std::size_t at = 0;; at = (at + 1) % kSlots) {
    free_.acquire();
    if (stops_) return;
    const bool more = Fill(slots_[at]);
    filled_.release();
    if (!more) return;
  }
}

bool ReadAhead::Fill(Slot& slot) noexcept {
  try {
    slot.fetched = source_.Read(kBatchRows, slot.batch);
  } catch (...) {
    slot.thrown = std::current_exception();
  }
  return !slot.thrown && slot.fetched && *slot.fetched == Fetched::kRows;
}

}  // namespace forkcast::preprocessing
