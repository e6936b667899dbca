#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/record_store.hpp"

namespace forkcast::preprocessing {

/// The part of RecordStore that is the same in every SQL database: one table,
/// `forkcast_records (shelf, id, revision, label, body)`. Revisions are compared by the statement
/// that writes, so no lock is held while anybody thinks.
class SqlRecordStore : public RecordStore {
 public:
  Result<std::vector<Record>> Find(std::string_view shelf,
                                   std::span<const std::string> labels) final;
  Result<std::optional<Record>> Get(std::string_view shelf, std::string_view id) final;
  Result<bool> Change(std::vector<RecordChange> changes) final;

 protected:
  using Parameter = std::optional<std::string>;
  using TextRows = std::vector<std::vector<std::optional<std::string>>>;
  struct Answer {
    TextRows rows{};
    std::size_t changes = 0;  ///< Rows that an INSERT, UPDATE or DELETE changed.
  };

 private:
  /// Runs one statement with what stands for its `?`.
  virtual Result<Answer> Ask(const std::string& sql, std::span<const Parameter> parameters) = 0;
  virtual Status Begin() = 0;
  virtual Status Commit() = 0;
  virtual void Rollback() noexcept = 0;
  /// "INSERT ... " with `?` for shelf, id, label and body that does nothing where there is one.
  [[nodiscard]] virtual std::string_view insert() const noexcept = 0;
  /// The table has been found missing, and this connection may not make it.
  [[nodiscard]] virtual bool is_empty() const noexcept = 0;

  Result<bool> Apply(const RecordChange& change);
};

}  // namespace forkcast::preprocessing
