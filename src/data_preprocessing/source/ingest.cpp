#include "data_preprocessing/source/ingest.hpp"

#include <fmt/format.h>

#include "data_preprocessing/source/csv_row_source.hpp"

namespace forkcast::preprocessing {
namespace {

// Large enough to make a batch's own cost vanish, small enough to stay in the processor's cache.
constexpr std::size_t kBatchRows = 4096;

/// The ingest of one source.
class SourceIngest {
 public:
  SourceIngest(TableDao& dao, const TableSpec& spec, RowSource& source, OnConflict on_conflict,
               const IngestProgress& progress, Rejects* rejects)
      : dao_(dao),
        spec_(spec),
        source_(source),
        on_conflict_(on_conflict),
        progress_(progress),
        rejects_(rejects) {
    report_.table = spec.name;
    report_.source = source.name();
    if (rejects == nullptr) return;
    if (on_conflict == OnConflict::kRefuse) on_conflict_ = OnConflict::kSetAside;
    source.SetAside([this](const RejectedRecord& row) {
      ++report_.rejected;
      return rejects_->Add(source_.name(), row);
    });
  }

  Result<IngestReport> Run() {
    Status done = dao_.EnsureTable(spec_);
    if (done) done = spec_.key.empty() ? TakeOnce() : AppendRows();
    if (done && !spec_.key.empty() && report_.rejected > 0) done = Record();
    if (!done) return std::move(done).error();
    return std::move(report_);
  }

 private:
  /// Into a table without key, which knows contents and no rows.
  Status TakeOnce() {
    const Result<std::string> hash = source_.ContentHash();
    if (!hash) return hash.error();
    const Result<std::optional<KnownFile>> known = dao_.FindFile(spec_.name, *hash);
    if (!known) return known.error();
    report_.already_known = known->has_value();
    if (*known) {
      report_.rejected_then = (*known)->rejected;
      return {};
    }
    Status appended = AppendRows();
    return appended ? Record() : appended;
  }

  Status Record() {
    const Result<std::string> hash = source_.ContentHash();
    if (!hash) return hash.error();
    const std::string name = std::filesystem::path(source_.name()).filename().string();
    return dao_.RecordFile(spec_.name, *hash, name, {.rejected = report_.rejected});
  }

  Status AppendRows() {
    Table batch(spec_.schema);
    while (true) {
      const Result<Fetched> fetched = source_.Read(kBatchRows, batch);
      if (!fetched) return fetched.error();
      if (*fetched == Fetched::kEnd) return {};
      Status appended = AppendBatch(batch);
      if (!appended) return appended;
      const SourcePosition position = source_.position();
      if (progress_) progress_(position.done, position.total);
    }
  }

  Status AppendBatch(const Table& batch) {
    std::size_t failed_row = 0;
    const Result<AppendCounts> counts = dao_.Append(spec_, batch, on_conflict_, failed_row);
    if (!counts) {
      Error error = counts.error();
      if (error.code == ErrorCode::kConflict) {
        error.message = fmt::format("{}: {}", source_.PlaceOf(failed_row), error.message);
      }
      return error;
    }
    for (const RefusedRow& refused : counts->refused) {
      Status rejected = source_.Reject(refused.row, refused.reason);
      if (!rejected) return rejected;
    }
    report_.rows += batch.row_count() - counts->refused.size();
    report_.counts.added += counts->added;
    report_.counts.identical += counts->identical;
    report_.counts.replaced += counts->replaced;
    return {};
  }

  TableDao& dao_;
  const TableSpec& spec_;
  RowSource& source_;
  OnConflict on_conflict_;
  const IngestProgress& progress_;
  Rejects* rejects_;
  IngestReport report_;
};

}  // namespace

Result<IngestReport> Ingest(TableDao& dao, const TableSpec& spec, RowSource& source,
                            OnConflict on_conflict, const IngestProgress& progress,
                            Rejects* rejects) {
  return SourceIngest(dao, spec, source, on_conflict, progress, rejects).Run();
}

Result<IngestReport> IngestFile(TableDao& dao, const TableSpec& spec,
                                const std::filesystem::path& file, const TimeZone& zone,
                                OnConflict on_conflict, const IngestProgress& progress) {
  CsvRowSource source(file, spec, zone);
  return Ingest(dao, spec, source, on_conflict, progress);
}

}  // namespace forkcast::preprocessing
