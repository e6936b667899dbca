#include "data_preprocessing/follow/folder_feed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "data_preprocessing/source/csv_row_source.hpp"
#include "data_preprocessing/source/describe_report.hpp"
#include "data_preprocessing/source/table_files.hpp"

namespace forkcast::preprocessing {
namespace {

/// Long enough for a program that writes line by line to be seen writing.
constexpr std::chrono::milliseconds kSettling{1000};

/// Tells an error of the source from one of the store, which look alike behind Ingest().
class NotingSource final : public RowSource {
 public:
  explicit NotingSource(std::unique_ptr<RowSource> source) noexcept : source_(std::move(source)) {}

  [[nodiscard]] bool failed() const noexcept { return failed_; }

  [[nodiscard]] const std::string& name() const noexcept override { return source_->name(); }
  [[nodiscard]] bool has_lasting_name() const noexcept override {
    return source_->has_lasting_name();
  }
  Result<std::string> ContentHash() override { return Noted(source_->ContentHash()); }
  void SetBadRowsAside() override { source_->SetBadRowsAside(); }
  Result<Fetched> Read(std::size_t max_rows, RowBatch& batch) override {
    return Noted(source_->Read(max_rows, batch));
  }
  [[nodiscard]] std::string PlaceOf(std::size_t place) const override {
    return source_->PlaceOf(place);
  }

 private:
  template <typename T>
  Result<T> Noted(Result<T> result) {
    if (!result) failed_ = true;
    return result;
  }

  std::unique_ptr<RowSource> source_;
  bool failed_ = false;  // written by whoever reads, read when that has ended
};

std::string BookmarkName(const SeenFile& file) {
  return "file:" + std::filesystem::absolute(file.path).lexically_normal().string();
}

std::string PositionOf(const FileIdentity& identity) {
  return fmt::format("{} {} {}", identity.size, identity.modified_ns, identity.number);
}

}  // namespace

FolderFeed::FolderFeed(FolderFeedOptions options)
    : options_(std::move(options)), files_(std::min(options_.every, kSettling)) {}

std::vector<FolderFeed::Found> FolderFeed::List() {
  std::vector<Found> found;
  for (const TableSpec* const table : options_.tables) {
    const Result<TableFiles> files = FindTableFiles(options_.folder, table->name, options_.all);
    problems_.erase(table->name);
    if (!files) {
      // That there are no files yet is what one waits for.
      if (files.error().code != ErrorCode::kNotFound) {
        problems_[table->name] = files.error().message;
      }
      continue;
    }
    for (SeenFile& file : LookAt(files->files)) {
      found.push_back({.table = table, .file = std::move(file)});
    }
  }
  return found;
}

Result<FeedTurn> FolderFeed::Take(TableDao& dao, MonotonicTime now) {
  std::error_code not_there;
  if (!std::filesystem::is_directory(options_.folder, not_there)) {
    return FeedTurn{.state = FeedState::kAbsent,
                    .problem = fmt::format("{}: there is no such folder", options_.folder.string()),
                    .pause = options_.every};
  }
  const std::vector<Found> found = List();
  std::vector<SeenFile> seen;
  for (const Found& one : found) seen.push_back(one.file);
  const FollowedFiles::Plan plan = files_.Look(seen, now);
  std::erase_if(problems_, [&](const auto& problem) {
    const bool is_table = std::ranges::any_of(
        options_.tables, [&](const auto* table) { return table->name == problem.first; });
    return !is_table && std::ranges::none_of(
                            seen, [&](const SeenFile& file) { return file.path == problem.first; });
  });

  FeedTurn turn;
  for (const Found& one : found) {
    if (std::ranges::find(plan.ready, one.file) == plan.ready.end()) continue;
    Status taken = TakeFile(dao, one, turn);
    if (taken) continue;
    dao.Rollback();
    // What was taken in before is told first; the error comes again.
    if (turn.sources.empty()) return std::move(taken).error();
    turn.state = FeedState::kMore;
    turn.pause = std::chrono::milliseconds(0);
    TellProblems(turn);
    return turn;
  }
  turn.state = plan.waits ? FeedState::kWaiting : FeedState::kUpToDate;
  if (found.empty()) turn.state = FeedState::kAbsent;
  turn.pause = plan.waits ? std::min(options_.every, kSettling) : options_.every;
  TellProblems(turn);
  return turn;
}

Status FolderFeed::TakeFile(TableDao& dao, const Found& found, FeedTurn& turn) {
  const std::string path = found.file.path.string();
  const std::string bookmark = BookmarkName(found.file);
  const std::string position = PositionOf(found.file.identity);
  const Result<std::optional<std::string>> before = dao.BookmarkOf(found.table->name, bookmark);
  if (!before) return before.error();
  if (*before == position) {
    files_.Settle(found.file);
    return {};
  }
  std::string problem;
  IngestReport report;
  if (Status begun = dao.Begin(); !begun) return begun;
  if (Status done = Ingest(dao, found, problem, report); !done) return done;
  if (!problem.empty()) {
    dao.Rollback();
    problems_[path] = problem;
    files_.Settle(found.file);
    return {};
  }
  // What was written to while it was read may be half of what it is now.
  if (FileIdentity::At(found.file.path) != found.file.identity) {
    dao.Rollback();
    return {};
  }
  const Result<bool> moved = dao.MoveBookmark(found.table->name, bookmark, *before, position);
  if (!moved) return moved.error();
  if (Status committed = dao.Commit(); !committed) return committed;
  files_.Settle(found.file);
  problems_.erase(path);
  turn.rows += report.counts.added + report.counts.replaced;
  turn.rejected += report.rejected;
  turn.changed |= report.counts.added + report.counts.replaced + report.removed > 0;
  turn.sources.push_back(DescribeReport(report));
  return {};
}

Status FolderFeed::Ingest(TableDao& dao, const Found& found, std::string& problem,
                          IngestReport& report) {
  std::unique_ptr<RowSource> source =
      std::make_unique<CsvRowSource>(found.file.path, *found.table, options_.zone);
  if (options_.check) source = options_.check(*found.table, std::move(source));
  NotingSource noting(std::move(source));
  if (Status kept = KeepZone(dao, *found.table, options_.zone); !kept) return kept;
  std::optional<Rejects> rejects;
  if (!options_.rejects.empty()) {
    Result<Rejects> opened = Rejects::OpenLog(options_.rejects, options_.max_rejects);
    if (!opened) return std::move(opened).error();
    rejects.emplace(*std::move(opened));
  }
  Result<IngestReport> done = preprocessing::Ingest(dao, *found.table, noting, options_.rules, {},
                                                    rejects ? &*rejects : nullptr);
  Status good = done ? Status() : done.error();
  if (good && rejects) good = rejects->CheckShare(done->rows + rejects->count());
  if (!good && (noting.failed() || good.error().code != ErrorCode::kIo)) {
    problem = good.error().message;
    return {};
  }
  if (good && rejects) good = rejects->Commit();
  if (good) report = *std::move(done);
  return good;
}

void FolderFeed::TellProblems(FeedTurn& turn) const {
  std::vector<std::string> texts;
  for (const auto& [where, what] : problems_) texts.push_back(what);
  turn.problem = fmt::format("{}", fmt::join(texts, "\n"));
}

}  // namespace forkcast::preprocessing
