#include "data_preprocessing/commands/ingest_follow.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "data_preprocessing/base/file_lock.hpp"
#include "data_preprocessing/base/output_file.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/stop_signals.hpp"
#include "data_preprocessing/commands/ingest_steps.hpp"
#include "data_preprocessing/commands/turn_text.hpp"
#include "data_preprocessing/follow/folder_feed.hpp"
#include "data_preprocessing/follow/follower.hpp"
#include "data_preprocessing/follow/status_writer.hpp"
#include "data_preprocessing/follow/store_feed.hpp"
#include "data_preprocessing/kafka/kafka_feed.hpp"
#include "data_preprocessing/push/push_feed.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

/// How long a signal may wait to be seen.
constexpr std::chrono::milliseconds kSlice{100};

/// Ignores a signal while it exists.
class IgnoredSignal {
 public:
  explicit IgnoredSignal(int signal) noexcept : signal_(signal) {
    struct sigaction action {};
    action.sa_handler = SIG_IGN;
    ::sigaction(signal_, &action, &before_);
  }
  IgnoredSignal(const IgnoredSignal&) = delete;
  IgnoredSignal& operator=(const IgnoredSignal&) = delete;
  ~IgnoredSignal() { ::sigaction(signal_, &before_, nullptr); }

 private:
  int signal_;
  struct sigaction before_ {};
};

/// Creates the tables within one transaction. What trying again does not mend is a Failure.
Status PrepareStore(TableDao& dao, const PipelineSpec& spec) {
  Status done = dao.Begin();
  if (done) done = EnsureTables(dao, spec, {});
  if (done) done = dao.Commit();
  if (done || done.error().code == ErrorCode::kIo) return done;
  throw Failure(MeaningOfError(done.error().code), done.error().message);
}

Result<std::unique_ptr<TableDao>> OpenToFollow(const IngestOptions& options,
                                               const PipelineSpec& spec) {
  const bool takes_rows = !options.from.empty() || options.is_pushed_to;
  Result<std::unique_ptr<TableDao>> dao =
      OpenStore(options.store, takes_rows ? StoreAccess::kReadWriteCreate : StoreAccess::kReadOnly);
  if (!dao) {
    if (dao.error().code == ErrorCode::kIo) return dao;
    throw Failure(ExitCode::kUsage, dao.error().message);
  }
  if (Status ready = takes_rows ? PrepareStore(**dao, spec) : Status(); !ready) {
    return std::move(ready).error();
  }
  return dao;
}

const TableSpec& TableOfTopic(const KafkaUrl& url, const PipelineSpec& spec) {
  if (!url.table.empty()) return TableNamed(spec, "--from", url.table);
  if (spec.tables.size() == 1) return spec.tables.front();
  const auto same = std::ranges::find(spec.tables, url.topic, &TableSpec::name);
  if (same != spec.tables.end()) return *same;
  std::vector<std::string_view> names;
  for (const TableSpec& table : spec.tables) names.push_back(table.name);
  throw Failure(
      ExitCode::kUsage,
      fmt::format("--from: the rows of which table are in topic {}? Say &table=, one of {}",
                  url.topic, fmt::join(names, ", ")));
}

std::unique_ptr<KafkaFeed> OpenKafka(const IngestOptions& options, const PipelineSpec& spec,
                                     const TableRules& rules, const CommandContext& context) {
  const KafkaUrl url = Require(ParseKafkaUrl(options.from), ExitCode::kUsage);
  KafkaOptions more;
  if (const auto file = context.environment(kKafkaConfigVariable)) {
    more = Require(ReadKafkaOptions(*file));
  }
  return Require(KafkaFeed::Open({.url = url,
                                  .options = std::move(more),
                                  .table = TableOfTopic(url, spec),
                                  .zone = spec.zone,
                                  .on_conflict = options.rules.on_conflict,
                                  .rejects = options.rejects,
                                  .check =
                                      [&rules](const TableSpec& table, auto source) {
                                        return rules.Check(table, std::move(source));
                                      }}),
                 ExitCode::kUsage);
}

std::unique_ptr<Feed> OpenFeed(const IngestOptions& options, const PipelineSpec& spec,
                               const TableRules& rules, const CommandContext& context) {
  if (options.from.empty()) return std::make_unique<StoreFeed>(options.every);
  if (options.is_from_kafka()) return OpenKafka(options, spec, rules, context);
  return std::make_unique<FolderFeed>(FolderFeedOptions{
      .folder = options.from,
      .tables = TablesAskedFor(options, spec),
      .all = spec.tables,
      .zone = spec.zone,
      .rules = options.rules,
      .rejects = options.rejects,
      .max_rejects = options.max_rejects,
      .check = [&rules](const TableSpec& table,
                        auto source) { return rules.Check(table, std::move(source)); },
      .every = options.every});
}

/// Two that follow the same folder for the same pipeline and snapshots would read everything twice;
/// of a topic, they share it.
std::optional<FileLock> LockAgainstOthers(const IngestOptions& options) {
  if (options.is_from_kafka()) return std::nullopt;
  const auto whole = [](const std::filesystem::path& path) {
    std::error_code ignored;  // what is not there has its name alone
    return std::filesystem::weakly_canonical(path, ignored).string();
  };
  std::error_code created;
  std::filesystem::create_directories(options.snapshots, created);
  const std::string what =
      fmt::format("{}\n{}\n{}", whole(options.pipeline),
                  options.from.empty() ? "" : whole(options.from), options.store);
  const std::filesystem::path file =
      options.snapshots / fmt::format(".follower.{:016x}", XXH3_64bits(what.data(), what.size()));
  FileLock lock(file, FileLock::Wait::kNo);
  if (lock.held()) return lock;
  if (errno != EWOULDBLOCK) {
    throw Failure(ExitCode::kIo, fmt::format("{}: {}", file.string(), std::strerror(errno)));
  }
  throw Failure(ExitCode::kIo,
                fmt::format("another forkcast ingest --follow takes the rows of {} into this "
                            "store already; it holds {}",
                            options.from.empty() ? "others" : options.from, file.string()));
}

/// That whoever started this has handed over by its number in `variable`; none: nobody has.
Fd HandedOver(const char* variable, const CommandContext& context) {
  const auto text = context.environment(variable);
  if (!text) return Fd();
  const Result<std::int64_t> number = ParseInt64(*text);
  if (!number || *number < 0 || ::fcntl(static_cast<int>(*number), F_SETFD, FD_CLOEXEC) != 0) {
    throw Failure(ExitCode::kUsage,
                  fmt::format("{}: expected an open descriptor, got \"{}\"", variable, *text));
  }
  return Fd(static_cast<int>(*number));
}

std::optional<StatusWriter> OpenStatusWriter(const CommandContext& context) {
  Fd fd = HandedOver(kTellVariable, context);
  if (!fd) return std::nullopt;
  return std::optional<StatusWriter>(std::in_place, std::move(fd));
}

bool IsReadable(int fd, MonotonicTime::duration patience) {
  pollfd asked{.fd = fd, .events = POLLIN, .revents = 0};
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(patience);
  return ::poll(&asked, 1, static_cast<int>(ms.count())) > 0;
}

/// The end of a follower, between two turns.
class FollowRun {
 public:
  FollowRun(const IngestOptions& options, TurnFormat format, const CommandContext& context)
      : options_(options),
        context_(context),
        spec_(Require(LoadPipelineSpec(options.pipeline), ExitCode::kUsage)),
        rules_(TableRules::Read(options, spec_)),
        text_(format, context) {}

  void Run() {
    if (!options_.from.empty() && OutputFile::WouldReplace(options_.rejects, options_.pipeline)) {
      throw Failure(ExitCode::kUsage,
                    fmt::format("--rejects: would overwrite {}, which is read", options_.pipeline));
    }
    const IgnoredSignal hang_up(SIGHUP);
    const IgnoredSignal closed_pipe(SIGPIPE);
    const StopSignals signals;
    const std::optional<FileLock> lock = LockAgainstOthers(options_);
    std::optional<StatusWriter> writer = OpenStatusWriter(context_);
    std::unique_ptr<Feed> feed = OpenFeed(options_, spec_, rules_, context_);
    if (Fd socket = HandedOver(kPushVariable, context_)) {
      auto pushes = std::make_unique<PushFeed>(std::move(socket), MakeDesk(), std::move(feed),
                                               context_.clock);
      pushes_ = pushes.get();
      feed = std::move(pushes);
    }
    Follower follower(
        *feed,
        {.open = [this] { return Open(); },
         .publish = [this](TableDao& dao) { return Publish(dao); },
         .mark =
             [this](Instant instant) { return MarkUpToDate(spec_, options_.snapshots, instant); }},
        options_.every, context_.clock);
    while (!StopSignals::Requested()) {
      const TurnReport report = follower.Turn();
      text_.Tell(report, follower.status());
      if (writer) writer->Write(follower.status());
      if (writer && writer->reader_is_gone()) {
        context_.err << "whoever started this is gone: so it ends\n";
        return;
      }
      WaitFor(follower.due());
    }
  }

 private:
  [[nodiscard]] PushDesk MakeDesk() const {
    return PushDesk(
        {.spec = spec_,
         .on_conflict = options_.rules.on_conflict,
         .check = [this](const TableSpec& table,
                         auto source) { return rules_.Check(table, std::move(source)); },
         .originals = options_.originals});
  }

  Result<std::unique_ptr<TableDao>> Open() const {
    auto opened = OpenToFollow(options_, spec_);
    if (!opened && pushes_ != nullptr) pushes_->RefuseAll();
    return opened;
  }

  Status Publish(TableDao& dao) {
    const Result<std::vector<PublishedSeries>> published =
        PublishAll(dao, spec_, options_.snapshots, context_.clock.Now());
    if (!published) return published.error();
    text_.TellLeftOut(*published);
    return {};
  }

  void WaitFor(MonotonicTime due) const {
    while (!StopSignals::Requested()) {
      const auto left = due - context_.clock.Monotonic();
      if (left <= MonotonicTime::duration::zero()) return;
      const auto slice = std::min<MonotonicTime::duration>(left, kSlice);
      if (pushes_ == nullptr) {
        std::this_thread::sleep_for(slice);
      } else if (IsReadable(pushes_->socket(), slice)) {
        return;
      }
    }
  }

  const IngestOptions& options_;
  const CommandContext& context_;
  PipelineSpec spec_;
  TableRules rules_;
  TurnText text_;
  PushFeed* pushes_ = nullptr;  // null: nobody brings rows
};

/// Takes in what is there. Throws Failure for a message that is no row, and when nothing can be had
/// for so long that nothing will come.
void TakeToTheEnds(KafkaFeed& feed, TableDao& dao, const Clock& clock, IngestReport& report) {
  constexpr std::chrono::seconds kPatience{60};
  MonotonicTime last = clock.Monotonic();  // when something came
  while (!feed.AtEnds()) {
    const MonotonicTime now = clock.Monotonic();
    const FeedTurn turn = Require(feed.Take(dao, now), MeaningOfError);
    report.rows += turn.rows;
    report.counts.added += turn.rows;
    report.rejected += turn.rejected;
    if (turn.rows + turn.rejected > 0) last = now;
    if (feed.has_bad_message()) throw Failure(ExitCode::kNo, turn.problem);
    const bool is_absent = turn.is_failing && turn.state == FeedState::kAbsent;
    if (!is_absent && now - last < kPatience) continue;
    throw Failure(ExitCode::kIo,
                  turn.problem.empty() ? "kafka: nothing comes from the group" : turn.problem);
  }
}

}  // namespace

void RunFollow(const IngestOptions& options, TurnFormat format, const CommandContext& context) {
  FollowRun(options, format, context).Run();
}

IngestSummary RunKafkaOnce(const IngestOptions& options, const CommandContext& context) {
  const PipelineSpec spec = Require(LoadPipelineSpec(options.pipeline), ExitCode::kUsage);
  const TableRules rules = TableRules::Read(options, spec);
  const std::unique_ptr<KafkaFeed> feed = OpenKafka(options, spec, rules, context);
  const std::unique_ptr<TableDao> dao =
      Require(OpenStore(options.store, StoreAccess::kReadWriteCreate), ExitCode::kIo);
  Require(PrepareStore(*dao, spec), MeaningOfError);
  IngestSummary summary;
  IngestReport& report = summary.tables.emplace_back();
  report.table = TableOfTopic(Require(ParseKafkaUrl(options.from)), spec).name;
  report.source = options.from.substr(0, options.from.find('?'));
  TakeToTheEnds(*feed, *dao, context.clock, report);
  summary.rejected = report.rejected;
  summary.series = RequirePublished(
      PublishAll(*dao, spec, options.snapshots, context.clock.Now(), {.what = options.publishing}),
      context.err);
  return summary;
}

}  // namespace forkcast::preprocessing
