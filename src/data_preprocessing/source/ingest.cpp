#include "data_preprocessing/source/ingest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <vector>

#include "data_preprocessing/source/csv_row_source.hpp"
#include "data_preprocessing/source/read_ahead.hpp"

namespace forkcast::preprocessing {
namespace {

/// The ingest of one source.
class SourceIngest {
 public:
  SourceIngest(TableDao& dao, const TableSpec& spec, RowSource& source, const IngestRules& rules,
               const IngestProgress& progress, RejectSink* rejects)
      : dao_(dao),
        spec_(spec),
        source_(source),
        rules_(rules),
        progress_(progress),
        rejects_(rejects) {
    report_.table = spec.name;
    report_.source = source.name();
    if (rejects == nullptr) return;
    if (rules.on_conflict == OnConflict::kRefuse) rules_.on_conflict = OnConflict::kSetAside;
    source.SetBadRowsAside();
  }

  Result<IngestReport> Run() {
    Status done = dao_.EnsureTable(spec_);
    if (done) done = spec_.key.empty() ? TakeOnce() : AppendRows();
    if (done && !spec_.key.empty() && report_.rejected > 0) done = Record(std::nullopt);
    if (!done) return std::move(done).error();
    return std::move(report_);
  }

  Result<IngestReport> RunUnremembered() {
    Status done = dao_.EnsureTable(spec_);
    if (done) done = AppendRows();
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
    if (Status met = MeetOtherContents(); !met) return met;
    const Result<std::int64_t> before = dao_.LastRow(spec_.name);
    if (!before) return before.error();
    if (Status appended = AppendRows(); !appended) return appended;
    const Result<std::int64_t> last = dao_.LastRow(spec_.name);
    if (!last) return last.error();
    return Record(RowRange{.first = *before + 1, .last = *last});
  }

  /// A file of this name that was taken in with other contents.
  Status MeetOtherContents() {
    if (!source_.has_lasting_name() || rules_.on_other_contents == OnOtherContents::kAppend) {
      return {};
    }
    const Result<std::vector<RecordedFile>> files = dao_.FilesNamed(spec_.name, FileName());
    if (!files || files->empty()) return files ? Status() : files.error();
    const auto refuse = [this](std::string_view why) {
      return Error{ErrorCode::kConflict, fmt::format("{} was taken in before with other contents{}",
                                                     source_.name(), why)};
    };
    if (std::ranges::any_of(*files, [](const auto& one) { return !one.file.rows; })) {
      if (rules_.on_other_contents == OnOtherContents::kRefuse) {
        return refuse("; its rows stay. If it has other rows each time, say --again");
      }
      return refuse(
          " by an earlier release, which did not note which rows are its: ingest into a new store");
    }
    std::size_t rows = 0;
    for (const RecordedFile& one : *files) rows += one.file.rows->size();
    if (rules_.on_other_contents == OnOtherContents::kRefuse) {
      return refuse(fmt::format(
          "; its {} row{} stay{}. If it has grown or was mended, say --replace; if it has other "
          "rows each time, --again",
          rows, rows == 1 ? "" : "s", rows == 1 ? "s" : ""));
    }
    report_.removed = rows;
    for (const RecordedFile& one : *files) {
      if (Status removed = dao_.RemoveFile(spec_.name, one); !removed) return removed;
    }
    return {};
  }

  [[nodiscard]] std::string FileName() const {
    return std::filesystem::path(source_.name()).filename().string();
  }

  Status Record(std::optional<RowRange> rows) {
    const Result<std::string> hash = source_.ContentHash();
    if (!hash) return hash.error();
    return dao_.RecordFile(spec_.name, *hash, FileName(),
                           {.rejected = report_.rejected, .rows = rows});
  }

  Status AppendRows() {
    ReadAhead ahead(source_, spec_.schema);
    while (true) {
      const Result<const RowBatch*> batch = ahead.Next();
      if (!batch) return batch.error();
      if (*batch == nullptr) return {};
      Status taken = TakeBatch(**batch);
      if (!taken) return taken;
      if (progress_) progress_((*batch)->position.done, (*batch)->position.total);
    }
  }

  Status TakeBatch(const RowBatch& batch) {
    for (const SetAsideRow& bad : batch.set_aside) {
      Status rejected = Reject({.line = bad.place, .reason = bad.reason, .text = bad.text});
      if (!rejected) return rejected;
    }
    std::size_t failed_row = 0;
    const Result<AppendCounts> counts =
        dao_.Append(spec_, batch.rows, rules_.on_conflict, failed_row);
    if (!counts) {
      Error error = counts.error();
      if (error.code == ErrorCode::kConflict) {
        error.message =
            fmt::format("{}: {}", source_.PlaceOf(batch.places[failed_row]), error.message);
      }
      return error;
    }
    for (const RefusedRow& refused : counts->refused) {
      Status rejected = Reject({.line = batch.places[refused.row],
                                .reason = refused.reason,
                                .text = batch.texts.Text(refused.row)});
      if (!rejected) return rejected;
    }
    report_.rows += batch.rows.row_count() - counts->refused.size();
    report_.counts.added += counts->added;
    report_.counts.identical += counts->identical;
    report_.counts.replaced += counts->replaced;
    return {};
  }

  Status Reject(const RejectedRecord& row) {
    ++report_.rejected;
    return rejects_->Add(source_.name(), row);
  }

  TableDao& dao_;
  const TableSpec& spec_;
  RowSource& source_;
  IngestRules rules_;
  IngestProgress progress_;
  RejectSink* rejects_;
  IngestReport report_;
};

bool HasTimes(const TableSpec& spec) {
  return std::ranges::find(spec.schema.columns, ColumnType::kTimestamp, &ColumnSpec::type) !=
         spec.schema.columns.end();
}

}  // namespace

Status CheckZone(TableDao& dao, const TableSpec& spec, const TimeZone& zone) {
  if (!HasTimes(spec)) return {};
  const Result<std::optional<std::string>> known = dao.ZoneOf(spec.name);
  if (!known) return known.error();
  if (!*known || **known == zone.name()) return {};
  return Error{
      ErrorCode::kConflict,
      fmt::format("table {} was ingested with zone {}, but the pipeline says \"timezone\": "
                  "\"{}\": its times would be others. Say \"timezone\": \"{}\", or ingest "
                  "everything into a new store",
                  spec.name, **known, zone.name(), **known),
      "timezone"};
}

Status KeepZone(TableDao& dao, const TableSpec& spec, const TimeZone& zone) {
  if (!HasTimes(spec)) return {};
  const Result<std::optional<std::string>> known = dao.ZoneOf(spec.name);
  if (!known) return known.error();
  return *known ? Status() : dao.RecordZone(spec.name, zone.name());
}

Result<IngestReport> Ingest(TableDao& dao, const TableSpec& spec, RowSource& source,
                            const IngestRules& rules, const IngestProgress& progress,
                            RejectSink* rejects) {
  return SourceIngest(dao, spec, source, rules, progress, rejects).Run();
}

Result<IngestReport> IngestRows(TableDao& dao, const TableSpec& spec, RowSource& source,
                                const IngestRules& rules, RejectSink* rejects) {
  return SourceIngest(dao, spec, source, rules, {}, rejects).RunUnremembered();
}

Result<IngestReport> IngestFile(TableDao& dao, const TableSpec& spec,
                                const std::filesystem::path& file, const TimeZone& zone,
                                const IngestRules& rules, const IngestProgress& progress) {
  CsvRowSource source(file, spec, zone);
  return Ingest(dao, spec, source, rules, progress);
}

}  // namespace forkcast::preprocessing
