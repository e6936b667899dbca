#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"

namespace forkcast::preprocessing {

/// A text that several programs keep together, and how often it was written: the first time is 1.
struct Record {
  std::string id;
  std::string label;  ///< By which it is looked for.
  std::string text;
  std::int64_t revision = 0;

  friend bool operator==(const Record&, const Record&) = default;
};

/// What is to become of one record.
struct RecordChange {
  std::string shelf;
  std::string id;
  std::int64_t expected = 0;  ///< The revision that it is to have now; 0: it is not to be there.
  std::string label{};
  std::string text{};
  bool is_removed = false;
};

/// Small records beside the tables of a store, for those who have to agree on something: each has
/// a revision, and whoever writes says which one has been read. Nobody waits for a writer of
/// tables, however long its transaction takes: where a store has one writer at a time, the records
/// are in a file of their own (FORMAT.md of the SQLite store).
///
/// One object is one connection, not thread-safe, to be opened after fork(). Errors as TableDao's:
/// kNotReady for what may pass, kIo else.
class RecordStore {
 public:
  virtual ~RecordStore() = default;

  /// Those of a shelf that have one of these labels; no labels: all of them. In no order.
  virtual Result<std::vector<Record>> Find(std::string_view shelf,
                                           std::span<const std::string> labels) = 0;
  virtual Result<std::optional<Record>> Get(std::string_view shelf, std::string_view id) = 0;
  /// Makes all of these changes, or none: false when some record is not as expected.
  virtual Result<bool> Change(std::vector<RecordChange> changes) = 0;
  /// Whether a program that cannot reach the store for a while may still be the only one who
  /// could: it is a file of this machine, whose writers wait for one another.
  [[nodiscard]] virtual bool is_local() const noexcept = 0;
};

/// The records beside the store that `url` names. Errors as OpenStore(); read only, a store without
/// records has none, but for a file that is missing: kNotFound.
Result<std::unique_ptr<RecordStore>> OpenRecords(std::string_view url, StoreAccess access);

}  // namespace forkcast::preprocessing
