#include "serving/bulk/store_sink.hpp"

#include <cstddef>
#include <utility>

namespace forkcast::serving {
namespace {

using preprocessing::AppendCounts;
using preprocessing::OnConflict;
using preprocessing::OpenStore;
using preprocessing::StoreAccess;
using preprocessing::Table;
using preprocessing::TableDao;
using preprocessing::TableSpec;

/// Has begun a transaction, which is undone with the connection.
class StoreSink final : public RowSink {
 public:
  StoreSink(std::unique_ptr<TableDao> dao, TableSpec table)
      : dao_(std::move(dao)), table_(std::move(table)) {}

  Status Write(const Table& batch) override {
    std::size_t failed_row = 0;
    Result<AppendCounts> counts = dao_->Append(table_, batch, OnConflict::kReplace, failed_row);
    return counts ? Status() : Status(std::move(counts).error());
  }
  Status Finish() override { return dao_->Commit(); }

 private:
  std::unique_ptr<TableDao> dao_;
  TableSpec table_;
};

}  // namespace

Result<std::unique_ptr<RowSink>> OpenStoreSink(const std::string& url, TableSpec table) {
  Result<std::unique_ptr<TableDao>> dao = OpenStore(url, StoreAccess::kReadWriteCreate);
  if (!dao) return std::move(dao).error();
  Status begun = (*dao)->Begin();
  if (!begun) return std::move(begun).error();
  Status there = (*dao)->EnsureTable(table);
  if (!there) return std::move(there).error();
  return std::unique_ptr<RowSink>(std::make_unique<StoreSink>(*std::move(dao), std::move(table)));
}

}  // namespace forkcast::serving
