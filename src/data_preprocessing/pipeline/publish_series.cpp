// Publishing costs what is new: the rows behind the place up to which the store was read before
// (RowCursor) become a run on top of the base. Of a series with `aggregate` they are added to the
// cells that the rows before amount to, and the grid is laid out anew from these, which costs what
// the grid is and not what the rows were. The files of a publication are put in place before
// the list that names them, and a base before its list, so whoever is killed in between leaves what
// was published before, or, of a base, the same contents without a list.

#include "data_preprocessing/pipeline/publish_series.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>
#include <vector>

#include "data_preprocessing/base/atomic_file.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr std::size_t kBatchRows = 10'000;

std::optional<ReadTo> AsReadTo(const std::optional<RowCursor>& cursor) {
  if (!cursor) return std::nullopt;
  return ReadTo{.row = cursor->last_row, .mark = cursor->mark};
}

Status AddAll(const SnapshotFile& file, SnapshotBuilder& builder) {
  // What is copied into a new file gets a new checksum, so this is where damage would be hidden.
  if (Status verified = file.Verify(); !verified) return verified;
  return builder.Add(file);
}

}  // namespace

/// The reading of one series, whole or what is new of it.
class SeriesReadout {
 public:
  SeriesReadout(TableDao& dao, const PipelineSpec& spec, const SeriesFiles& files, Instant now,
                const PublishOptions& options)
      : dao_(dao),
        spec_(spec),
        files_(files),
        series_(files.series()),
        now_(now),
        options_(options) {}

  Result<SeriesUpdate> Run() {
    SeriesUpdate update(files_);
    update.report_.series = series_.name;
    if (options_.what == Publishing::kWhole) return Whole(std::move(update));
    Result<SeriesPublication> before = OpenPublication(files_, OpenAnew(files_));
    if (!before) {
      if (before.error().code == ErrorCode::kNotFound) return Whole(std::move(update));
      update.report_.why_whole = before.error().message;
      return Whole(std::move(update));
    }
    Result<std::string> hindrance = Hindrance(*before);
    if (!hindrance) return std::move(hindrance).error();
    if (hindrance->empty()) {
      hindrance = AddNew(*before, update);
      if (!hindrance) return std::move(hindrance).error();
      if (hindrance->empty()) return update;
    }
    update.report_.why_whole = *std::move(hindrance);
    return Whole(std::move(update));
  }

 private:
  /// Why nothing can be added to what is published, since it was damaged; empty: it was not.
  [[nodiscard]] std::string Damage(const SeriesPublication& before) const {
    const auto look = [](const std::filesystem::path& path, const std::string& written,
                         const SnapshotFile& file) {
      if (StampOf(FileIdentity::At(path)) == written) return std::string();
      const Status verified = file.Verify();
      return verified ? std::string()
                      : fmt::format("{}: {}", path.string(), verified.error().message);
    };
    std::string damage = look(files_.base(), before.list.base_written, before.base);
    for (std::size_t i = 0; i < before.runs.size(); ++i) {
      const ListedFile& run = before.list.runs[i];
      if (damage.empty()) damage = look(files_.Path(run.file), run.written, before.runs[i]);
    }
    return damage;
  }

  /// Why the rows that came since cannot be had alone; empty: they can, behind `cursor_`.
  Result<std::string> Hindrance(const SeriesPublication& before) {
    const auto* const source = std::get_if<TableSource>(&series_.source);
    if (source == nullptr) return std::string("its rows come from a query");
    if (!before.list.read_to) return std::string("how far it had been read is not known");
    Result<std::optional<RowCursor>> end = dao_.CursorOf(*source);
    if (!end) return std::move(end).error();
    if (!*end) return std::string("the store keeps no order of these rows");
    end_ = **std::move(end);
    cursor_ = {.last_row = before.list.read_to->row, .mark = before.list.read_to->mark};
    const Result<bool> unchanged = dao_.IsUnchanged(*source, cursor_);
    if (!unchanged) return unchanged.error();
    if (!*unchanged) return std::string("rows were replaced or removed");
    if (std::string damage = Damage(before); !damage.empty() || !series_.aggregate) return damage;
    is_same_ = end_.last_row == cursor_.last_row && !MayLeaveOut(before.base);
    return is_same_ ? std::string() : ReadCellsOf(before.list);
  }

  /// Why what the rows before amount to cannot be had; empty: it is in `cells_`.
  std::string ReadCellsOf(const RunList& list) {
    if (!list.cells) return "what its rows amount to is not kept";
    Result<GridCells> cells = ReadCells(files_.Path(list.cells->file), files_.definition(), series_,
                                        list.cells->checksum);
    if (!cells) return cells.error().message;
    cells_ = *std::move(cells);
    return {};
  }

  /// Whether rows may have been left out, which may count by now, or have to be told of again.
  [[nodiscard]] bool MayLeaveOut(const SnapshotFile& base) const {
    if (!series_.aggregate || series_.aggregate->until == GridEnd::kLastRow) return false;
    return series_.aggregate->until != GridEnd::kJudged || !base.left_out().empty();
  }

  /// Rows behind `cursor_`, as a run or a new base. A text: why that cannot be.
  Result<std::string> AddNew(const SeriesPublication& before, SeriesUpdate& update) {
    update.base_seen_ = before.base_seen;
    update.list_seen_ = before.list_seen;
    update.list_ = before.list;
    update.list_.read_to = AsReadTo(end_);
    update.report_.is_whole = false;
    if (series_.aggregate ? is_same_ : end_.last_row == cursor_.last_row) {
      Describe(before.AsSnapshot(), update);
      return std::string();
    }
    if (series_.aggregate) return AddToCells(before, update);
    std::vector<std::uint64_t> sizes;
    for (const SnapshotFile& run : before.runs) sizes.push_back(run.row_count());
    const Result<std::uint64_t> rows =
        dao_.CountRows(std::get<TableSource>(series_.source), NewRows());
    if (!rows) return rows.error();
    const MergePlan plan = PlanMerge(before.base.row_count(), sizes, *rows, options_.policy);
    SnapshotBuilder builder(series_, spec_.zone);
    const std::size_t kept = plan.into_base ? 0 : before.runs.size() - plan.with_newest;
    Status added = plan.into_base ? AddAll(before.base, builder) : Status();
    for (std::size_t i = kept; i < before.runs.size(); ++i) {
      if (added) added = AddAll(before.runs[i], builder);
    }
    if (!added) return added.error().message;
    if (Result<std::string> read = ReadNew(builder, update); !read || !read->empty()) return read;
    update.base_is_due_ = plan.base_is_due;
    Status written =
        plan.into_base ? WriteBase(builder, update) : WriteRun(builder, before, kept, update);
    if (!written) return written.error();
    return std::string();
  }

  /// Rows behind `cursor_`, added to what those before amount to. A text: why that cannot be.
  Result<std::string> AddToCells(const SeriesPublication& before, SeriesUpdate& update) {
    SnapshotBuilder builder(series_, spec_.zone, now_);
    builder.GoOnFrom(*std::move(cells_));
    if (Result<std::string> read = ReadNew(builder, update); !read || !read->empty()) return read;
    if (Status written = WriteBase(builder, update); !written) return written.error();
    // Rows of a period that is not over change nothing that anybody reads.
    if (update.list_.base == before.base.checksum()) update.base_.reset();
    return std::string();
  }

  /// A text: why the rows behind `cursor_` are not all that changed.
  Result<std::string> ReadNew(SnapshotBuilder& builder, SeriesUpdate& update) {
    const auto& table = std::get<TableSource>(series_.source);
    if (end_.last_row > cursor_.last_row) {
      Status read = dao_.ReadRows(table, NewRows(), series_.ReadSchema(), spec_.ForbiddenColumns(),
                                  kBatchRows, [&](const Table& batch) {
                                    update.report_.new_rows += batch.row_count();
                                    return builder.Add(batch);
                                  });
      if (!read) return std::move(read).error();
    }
    const Result<bool> unchanged = dao_.IsUnchanged(table, end_);
    if (!unchanged) return unchanged.error();
    return *unchanged ? std::string() : std::string("rows were replaced or removed meanwhile");
  }

  /// A run in place of those from number `kept` on.
  Status WriteRun(SnapshotBuilder& builder, const SeriesPublication& before, std::size_t kept,
                  SeriesUpdate& update) const {
    const std::string name = files_.NewRunName();
    Result<WrittenSnapshot> written = builder.Write(files_.Path(name));
    if (!written) return std::move(written).error();
    Result<SnapshotFile> run =
        SnapshotFile::Open(written->temporary_path(), files_.definition(), series_.ValueSchema());
    if (!run) return std::move(run).error();
    const Snapshot known = before.AsSnapshot();
    for (std::size_t key = 0; key < run->key_count(); ++key) {
      if (!known.Find(run->KeyBytesAt(key))) ++update.list_.keys;
    }
    update.list_.runs.resize(kept);
    update.list_.runs.push_back({.file = name, .checksum = run->checksum(), .written = {}});
    std::vector<SnapshotFile> runs(before.runs.begin(),
                                   before.runs.begin() + static_cast<std::ptrdiff_t>(kept));
    runs.push_back(*std::move(run));
    Describe(Snapshot(before.base, std::move(runs)), update);
    update.run_ = *std::move(written);
    return {};
  }

  Status WriteBase(SnapshotBuilder& builder, SeriesUpdate& update) const {
    Result<WrittenSnapshot> written = builder.Write(files_.base());
    if (!written) return std::move(written).error();
    update.report_.report = written->report();
    update.list_.base = written->report().checksum;
    update.list_.keys = written->report().keys;
    update.list_.runs.clear();
    update.list_.cells.reset();
    update.base_ = *std::move(written);
    return WriteCellsOf(builder, update);
  }

  /// For whoever publishes next, where that can be told from the rows' places.
  Status WriteCellsOf(SnapshotBuilder& builder, SeriesUpdate& update) const {
    const std::optional<GridCells> cells = builder.TakeCells();
    if (!cells || !update.list_.read_to) return {};
    const std::string name = files_.NewCellsName();
    try {
      WrittenCells written = WriteCells(files_.Path(name), files_.definition(), *cells);
      update.list_.cells = ListedFile{.file = name, .checksum = written.checksum};
      update.cells_ = std::move(written.file);
    } catch (const std::system_error& error) {
      return Error{ErrorCode::kIo, error.what()};
    }
    return {};
  }

  /// What `snapshot` is, in the report.
  static void Describe(const Snapshot& snapshot, SeriesUpdate& update) {
    std::uint64_t bytes = snapshot.base().bytes().size();
    for (const SnapshotFile& run : snapshot.runs()) bytes += run.bytes().size();
    update.report_.runs = snapshot.runs().size();
    update.report_.report = {.keys = update.list_.keys,
                             .rows = snapshot.row_count(),
                             .bytes = bytes,
                             .watermark = snapshot.watermark(),
                             .checksum = snapshot.base().checksum()};
  }

  Result<SeriesUpdate> Whole(SeriesUpdate update) {
    update.base_seen_.reset();
    update.list_seen_.reset();
    update.report_.is_whole = true;
    update.report_.new_rows = 0;
    SnapshotBuilder builder(series_, spec_.zone, now_);
    const Result<std::optional<RowCursor>> read_to = ReadAll(builder);
    if (!read_to) return read_to.error();
    update.list_.read_to = AsReadTo(*read_to);
    if (Status written = WriteBase(builder, update); !written) return std::move(written).error();
    return update;
  }

  /// How far, if that can be told.
  Result<std::optional<RowCursor>> ReadAll(SnapshotBuilder& builder) {
    const auto add = [&builder](const Table& batch) { return builder.Add(batch); };
    const std::vector<ForbiddenColumn> forbidden = spec_.ForbiddenColumns();
    const auto* const table = std::get_if<TableSource>(&series_.source);
    std::optional<RowCursor> end;
    if (table != nullptr) {
      Result<std::optional<RowCursor>> cursor = dao_.CursorOf(*table);
      if (!cursor) return cursor;
      end = *std::move(cursor);
    }
    if (!end) {
      const Status read =
          dao_.Read(series_.source, series_.ReadSchema(), forbidden, kBatchRows, add);
      return read ? Result<std::optional<RowCursor>>(std::nullopt) : read.error();
    }
    const Status read = dao_.ReadRows(*table, {.first = RowRange::kBegin, .last = end->last_row},
                                      series_.ReadSchema(), forbidden, kBatchRows, add);
    if (!read) return read.error();
    // Where some changed meanwhile, nobody knows which of them were read.
    const Result<bool> unchanged = dao_.IsUnchanged(*table, *end);
    if (!unchanged) return unchanged.error();
    return *unchanged ? end : std::nullopt;
  }

  [[nodiscard]] RowRange NewRows() const {
    return {.first = cursor_.last_row + 1, .last = end_.last_row};
  }

  TableDao& dao_;
  const PipelineSpec& spec_;
  const SeriesFiles& files_;
  const SeriesSpec& series_;
  Instant now_;
  const PublishOptions& options_;
  RowCursor cursor_;  // behind what is published
  RowCursor end_;     // behind what the store has
  // Of a series with `aggregate`: nothing came, and no row waits to count; or what it adds to.
  bool is_same_ = false;
  std::optional<GridCells> cells_;
};

Result<SeriesUpdate> SeriesUpdate::Prepare(TableDao& dao, const PipelineSpec& spec,
                                           const SeriesFiles& files, Instant now,
                                           const PublishOptions& options) {
  return SeriesReadout(dao, spec, files, now, options).Run();
}

Result<std::optional<SeriesUpdate>> SeriesUpdate::PrepareBase(const PipelineSpec& spec,
                                                              const SeriesFiles& files) {
  const Result<SeriesPublication> before = OpenPublication(files, OpenAnew(files));
  if (!before) return before.error();
  if (before->runs.empty()) return std::optional<SeriesUpdate>();
  SnapshotBuilder builder(files.series(), spec.zone);
  Status added = AddAll(before->base, builder);
  for (const SnapshotFile& run : before->runs) {
    if (added) added = AddAll(run, builder);
  }
  if (!added) return std::move(added).error();
  Result<WrittenSnapshot> written = builder.Write(files.base());
  if (!written) return std::move(written).error();
  SeriesUpdate update(files);
  update.base_seen_ = before->base_seen;
  update.list_seen_ = before->list_seen;
  update.list_ = before->list;
  update.list_.runs.clear();
  update.list_.base = written->report().checksum;
  update.report_.report = written->report();
  update.base_ = *std::move(written);
  return std::optional(std::move(update));
}

bool SeriesUpdate::IsCurrent() const {
  const auto is_same = [](const std::optional<FileIdentity>& seen, const auto& path) {
    return !seen || FileIdentity::At(path) == *seen;
  };
  return is_same(base_seen_, files_->base()) && is_same(list_seen_, files_->list());
}

Status SeriesUpdate::Publish() {
  if (cells_) {
    try {
      cells_->Commit();
    } catch (const std::system_error& error) {
      return Error{ErrorCode::kIo, error.what()};
    }
    list_.cells->written = StampOf(FileIdentity::At(files_->Path(list_.cells->file)));
  }
  if (base_) {
    if (Status published = base_->Publish(); !published) return published;
    list_.base_written = StampOf(FileIdentity::At(files_->base()));
  }
  if (run_) {
    if (Status published = run_->Publish(); !published) return published;
    ListedFile& run = list_.runs.back();
    run.written = StampOf(FileIdentity::At(files_->Path(run.file)));
  }
  if (Status made = UpToDateMark::Create(files_->mark()); !made) return made;
  if (Status carried = CarryMarkOver(*files_, list_); !carried) return carried;
  try {
    AtomicFile list(files_->list());
    list.Write(ToText(list_));
    list.Commit();
  } catch (const std::system_error& error) {
    return Error{ErrorCode::kIo, error.what()};
  }
  files_->RemoveAllBut(list_);
  return {};
}

}  // namespace forkcast::preprocessing
