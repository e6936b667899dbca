#include "data_preprocessing/push/push_desk.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "data_preprocessing/document/content_hash.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/source/open_source.hpp"
#include "data_preprocessing/source/reject_sink.hpp"

namespace forkcast::preprocessing {
namespace {

using nlohmann::ordered_json;

/// The first bad rows, for who has sent them.
class BadRows final : public RejectSink {
 public:
  Status Add(std::string_view source, const RejectedRecord& row) override {
    ++count_;
    if (shown_.size() == PushDesk::kShownRows) return {};
    shown_.push_back({{"file", source}, {"line", row.line}, {"message", row.reason}});
    return {};
  }

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  /// "a.csv: line 3: column count: expected an integer".
  [[nodiscard]] std::string First() const {
    const ordered_json& first = shown_.front();
    return fmt::format("{}: line {}: {}", first["file"].get<std::string>(),
                       first["line"].get<std::size_t>(), first["message"].get<std::string>());
  }
  [[nodiscard]] ordered_json ToJson() const { return {{"bad_rows", count_}, {"rows", shown_}}; }

 private:
  ordered_json shown_ = ordered_json::array();
  std::size_t count_ = 0;
};

PushReply Refusal(Error error) { return {.error = std::move(error)}; }

/// Whether the store is to blame, and not what came.
bool IsOfStore(const Error& error) noexcept {
  return error.code == ErrorCode::kIo || error.code == ErrorCode::kNotReady ||
         error.code == ErrorCode::kInternal;
}

/// What is wrong with what came as a reply; of the store, the error.
Result<PushReply> Refused(TableDao& dao, Error error) {
  dao.Rollback();
  if (IsOfStore(error)) return error;
  if (error.code == ErrorCode::kCorrupt) error.code = ErrorCode::kInvalidArgument;
  return Refusal(std::move(error));
}

ordered_json CountsOf(const RememberedPush& push) {
  return {{"rows", push.rows},
          {"added", push.added},
          {"identical", push.identical},
          {"replaced", push.replaced},
          {"left_out", push.left_out}};
}

ordered_json CountsOf(const IngestReport& report) {
  return {{"file", report.source},
          {"table", report.table},
          {"rows", report.rows},
          {"added", report.counts.added},
          {"identical", report.counts.identical},
          {"replaced", report.counts.replaced},
          {"left_out", report.rejected}};
}

void AddTo(RememberedPush& push, const IngestReport& report) {
  push.rows += report.rows;
  push.added += report.counts.added;
  push.identical += report.counts.identical;
  push.replaced += report.counts.replaced;
  push.left_out += report.rejected;
}

/// Of the same request once more.
PushReply Repeated(const PushRequest& request, const RememberedPush& known,
                   const std::string& content) {
  if (known.content != content) {
    return Refusal({ErrorCode::kConflict,
                    "another request was sent with this key before: each needs one of its own",
                    "Idempotency-Key"});
  }
  ordered_json json{{"table", request.table}, {"repeated", true}};
  json.update(CountsOf(known));
  return {.json = DumpText(json)};
}

/// Of all that decides what is done: a form that is sent again has another boundary.
std::string ContentOf(const PushRequest& request, const std::vector<UploadedFile>& files) {
  ordered_json content{request.table, request.partial};
  for (const UploadedFile& file : files) {
    content.push_back({file.table->name, file.name, file.is_csv, ContentHash(file.text)});
  }
  return ContentHash(DumpText(content));
}

Status RemoveRows(TableDao& dao, const TableSpec& table) {
  if (Status there = dao.EnsureTable(table); !there) return there;
  const Result<std::int64_t> last = dao.LastRow(table.name);
  if (!last) return last.error();
  return dao.RemoveFile(table.name, {.content_hash = {}, .file = {.rows = RowRange{1, *last}}});
}

/// What a table without key knows of a file, and of others of its name: so it is taken in anew.
/// Precondition: the rows of all are gone.
Status Forget(TableDao& dao, const TableSpec& table, RowSource& source) {
  const Result<std::string> hash = source.ContentHash();
  if (!hash) return hash.error();
  Result<std::vector<RecordedFile>> known =
      dao.FilesNamed(table.name, std::filesystem::path(source.name()).filename().string());
  if (!known) return std::move(known).error();
  known->push_back({.content_hash = *hash, .file = {}});
  for (RecordedFile& file : *known) {
    file.file.rows = RowRange();  // none
    if (Status removed = dao.RemoveFile(table.name, file); !removed) return removed;
  }
  return {};
}

const RememberedPush* Find(const std::vector<RememberedPush>& known, std::string_view key,
                           Instant now) {
  for (const RememberedPush& push : known) {
    if (push.key == key && now - push.taken < kRemembered) return &push;
  }
  return nullptr;
}

}  // namespace

PushDesk::PushDesk(PushRules rules) : rules_(std::move(rules)), facts_(rules_.spec) {}

Result<PushReply> PushDesk::Answer(TableDao& dao, const PushRequest& request, std::string_view body,
                                   Instant now) {
  switch (request.kind) {
    case PushRequest::Kind::kRows:
      return TakeRows(dao, request, body, now);
    case PushRequest::Kind::kTables: {
      const Result<ordered_json> facts = facts_.Ask(dao);
      if (!facts) return Refused(dao, facts.error());
      return PushReply{.json = DumpText(*facts)};
    }
    case PushRequest::Kind::kReset:
      return Reset(dao);
  }
  return Error{ErrorCode::kInternal, "a request of no kind"};
}

Result<PushReply> PushDesk::TakeRows(TableDao& dao, const PushRequest& request,
                                     std::string_view body, Instant now) {
  const Result<std::vector<UploadedFile>> files = FilesOf(request, body, rules_.spec.tables);
  if (!files) return Refused(dao, files.error());
  if (Status begun = dao.Begin(); !begun) return std::move(begun).error();
  RememberedPush push{.taken = now};
  if (request.check) {
    Result<PushReply> verdict = TakeFiles(dao, request, *files, push);
    if (!verdict || verdict->error) return verdict;
    dao.Rollback();
    verdict->rows = 0;
    return verdict;
  }
  KeyState state;
  if (!request.key.empty()) {
    push.key = ContentHash(request.key);
    push.content = ContentOf(request, *files);
    state.bucket = BucketOf(push.key);
    Result<std::optional<std::string>> position = dao.BookmarkOf(request.table, state.bucket);
    if (!position) return Refused(dao, position.error());
    state.position = *std::move(position);
    state.known = ParseRemembered(state.position.value_or(""));
    if (const RememberedPush* const known = Find(state.known, push.key, now)) {
      dao.Rollback();
      return Repeated(request, *known, push.content);
    }
  }
  Result<PushReply> reply = TakeFiles(dao, request, *files, push);
  if (!reply || reply->error) return reply;
  if (!request.key.empty()) {
    const Result<bool> moved =
        dao.MoveBookmark(request.table, state.bucket, state.position, Remember(state.known, push));
    if (!moved) return Refused(dao, moved.error());
    if (!*moved) {
      return Refused(dao, {ErrorCode::kNotReady, "another one remembers requests of this store"});
    }
  }
  if (Status committed = dao.Commit(); !committed) return Refused(dao, committed.error());
  return reply;
}

Result<PushReply> PushDesk::TakeFiles(TableDao& dao, const PushRequest& request,
                                      const std::vector<UploadedFile>& files,
                                      RememberedPush& push) {
  BadRows bad;
  ordered_json reports = ordered_json::array();
  for (const UploadedFile& file : files) {
    const Result<IngestReport> report = TakeFile(dao, file, bad);
    if (!report) return Refused(dao, report.error());
    AddTo(push, *report);
    reports.push_back(CountsOf(*report));
  }
  if (bad.count() > 0 && !request.partial) {
    dao.Rollback();
    PushReply reply = Refusal({ErrorCode::kRejected, bad.First()});
    reply.json = DumpText(bad.ToJson());
    reply.left_out = push.rows + push.left_out;
    return reply;
  }
  ordered_json json{{"table", request.table}};
  json.update(CountsOf(push));
  if (request.check) json["checked"] = true;
  json["files"] = std::move(reports);
  if (bad.count() > 0) json.update(bad.ToJson());
  return PushReply{
      .json = DumpText(json), .rows = push.added + push.replaced, .left_out = push.left_out};
}

Result<IngestReport> PushDesk::TakeFile(TableDao& dao, const UploadedFile& file,
                                        RejectSink& rejects) {
  Result<std::unique_ptr<RowSource>> opened = OpenUpload(file, rules_.spec.zone);
  if (!opened) return std::move(opened).error();
  std::unique_ptr<RowSource> source = *std::move(opened);
  if (rules_.check) source = rules_.check(*file.table, std::move(source));
  if (Status kept = KeepZone(dao, *file.table, rules_.spec.zone); !kept) {
    return std::move(kept).error();
  }
  return IngestRows(dao, *file.table, *source, {.on_conflict = rules_.on_conflict}, &rejects);
}

Result<PushReply> PushDesk::Reset(TableDao& dao) {
  if (rules_.originals.empty()) {
    return Refusal({ErrorCode::kConflict,
                    "nobody said to which files the tables go back: name their folder in the "
                    "config file, \"refresher\": {\"originals\": \"DIR\"}",
                    "originals"});
  }
  if (Status begun = dao.Begin(); !begun) return std::move(begun).error();
  ordered_json tables = ordered_json::array();
  std::size_t rows = 0;
  for (const TableSpec& table : rules_.spec.tables) {
    Result<ordered_json> done = ResetTable(dao, table);
    if (!done) return Refused(dao, std::move(done).error());
    if (done->is_null()) continue;
    rows += done->at("rows").get<std::size_t>();
    tables.push_back(*std::move(done));
  }
  if (tables.empty()) {
    return Refused(
        dao, {ErrorCode::kConflict,
              fmt::format("{} has no file of any table", rules_.originals.string()), "originals"});
  }
  if (Status committed = dao.Commit(); !committed) return Refused(dao, committed.error());
  return PushReply{.json = DumpText({{"tables", std::move(tables)}}), .rows = rows};
}

/// Null: there is no file of it, so it stays as it is.
Result<ordered_json> PushDesk::ResetTable(TableDao& dao, const TableSpec& table) {
  const PipelineSpec& spec = rules_.spec;
  Result<FoundRows> found = OpenSources(rules_.originals.string(), table, spec.tables, spec.zone);
  if (!found && found.error().code == ErrorCode::kNotFound) return ordered_json();
  if (!found) return std::move(found).error();
  if (Status removed = RemoveRows(dao, table); !removed) return std::move(removed).error();
  std::size_t rows = 0;
  for (std::unique_ptr<RowSource>& source : found->sources) {
    if (rules_.check) source = rules_.check(table, std::move(source));
    Status ready = KeepZone(dao, table, spec.zone);
    if (ready && table.key.empty()) ready = Forget(dao, table, *source);
    if (!ready) return std::move(ready).error();
    const Result<IngestReport> report =
        Ingest(dao, table, *source, {.on_conflict = rules_.on_conflict}, {});
    if (!report) return report.error();
    rows += report->counts.added;
  }
  return ordered_json{{"table", table.name}, {"rows", rows}};
}

}  // namespace forkcast::preprocessing
