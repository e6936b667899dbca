#include "data_preprocessing/commands/ingest_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <span>
#include <utility>

#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/store_flags.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

/// What is taken in, and into what.
std::vector<Flag> RowFlags() {
  using Kind = Flag::Kind;
  using Need = Flag::Need;
  return {
      {.name = "pipeline",
       .argument = "FILE",
       .meaning = "The pipeline whose tables are taken in.",
       .variable = "FORKCAST_PIPELINE",
       .need = Need::kRequired},
      StoreFlag("The store: sqlite:PATH, created when absent (its folder must exist), "
                "postgresql://HOST/DATABASE or mysql://HOST/DATABASE."),
      {.name = "from",
       .argument = "DIR|kafka:",
       .meaning =
           "Folder with the files of each table: TABLE.csv, TABLE-2024-01.csv and so on (a "
           "digit behind the -), also with .gz behind, or a folder TABLE of such files. They "
           "are taken in the order of their names. Or the messages of a topic: "
           "kafka://HOST:PORT/TOPIC?group=NAME, with &table=, &format=csv, &dead_letter=TOPIC and "
           "librdkafka's options behind it.",
       .when_absent = "what --file names alone",
       .need = Need::kUsual},
      {.name = "file",
       .argument = "TABLE=PATH",
       .kind = Kind::kManyValues,
       .meaning =
           "A file, a pipe or a folder of the table, in place of those in --from; - is standard "
           "input. May be given several times, also for one table.",
       .when_absent = "what is in --from"},
      {.name = "table",
       .argument = "NAME",
       .kind = Kind::kManyValues,
       .meaning = "Takes in this table only; may be given several times.",
       .when_absent = "every table of the pipeline"},
  };
}

/// What happens to rows that are there already, or wrong.
std::vector<Flag> RuleFlags() {
  using Kind = Flag::Kind;
  return {
      {.name = "upsert",
       .kind = Kind::kSwitch,
       .meaning = "A row whose key is stored with other values replaces the stored one.",
       .when_absent = "that is an error"},
      {.name = "replace",
       .kind = Kind::kSwitch,
       .meaning =
           "The rows of a file of the same name that was taken in before with other contents "
           "are removed: the file has grown or was mended. For tables without key.",
       .when_absent = "that is an error"},
      {.name = "again",
       .kind = Kind::kSwitch,
       .meaning = "They stay, and all rows are added: the file has other rows each time.",
       .when_absent = "that is an error"},
      {.name = "constraints",
       .argument = "FILE",
       .meaning = "A row with a value that the rules of its table do not allow is wrong, too: a "
                  "constraints file, as baseline writes it.",
       .when_absent = "values need only be of their types"},
      {.name = "rejects",
       .argument = "FILE",
       .meaning =
           "Writes rows that are wrong or contradict the store into this CSV, with file, line, "
           "reason and their text, and takes the others.",
       .when_absent = "one wrong row, and nothing is taken"},
      {.name = "max-rejects",
       .argument = "N|P%",
       .meaning = "With more rejected rows than this, or than this share of all rows, nothing is "
                  "taken.",
       .when_absent = "1%"},
  };
}

/// Whether it ends.
std::vector<Flag> FollowFlags() {
  return {
      {.name = "follow",
       .kind = Flag::Kind::kSwitch,
       .meaning =
           "Does not end: takes what is there, publishes, and then looks again and again. Each "
           "file that is new or has changed is a transaction of its own; a bad one is told once "
           "and tried again when it has changed. --rejects grows, up to 64 MiB and as much in "
           "FILE.1. Without --from it publishes whenever others have changed the store. SIGTERM "
           "ends it."},
      {.name = "every",
       .argument = "TIME",
       .meaning = "With --follow: time between two looks, and two publications at least (500ms, "
                  "1s, 5m).",
       .when_absent = "1s"},
      {.name = "originals",
       .argument = "DIR",
       .meaning = "With --follow of a server that takes rows: the folder with the files to which "
                  "POST /tables/reset goes back.",
       .when_absent = "there is no way back"},
  };
}

/// What comes of it, and what is shown.
std::vector<Flag> ResultFlags() {
  using Kind = Flag::Kind;
  return {
      SnapshotsFlag("Folder for the snapshots, created when absent.",
                    "beside the store, PATH.snapshots"),
      {.name = "full",
       .kind = Kind::kSwitch,
       .meaning = "Makes the snapshots of all rows of the store: after rows were changed there by "
                  "other means than ingest.",
       .when_absent = "what came since is added to them, where that gives the same"},
      {.name = "dry-run",
       .kind = Kind::kSwitch,
       .meaning = "Reads and checks everything, then leaves store and snapshots as they were."},
      JsonFlag("Prints one line of JSON in place of the report."),
      QuietFlag(),
  };
}

Failure WrongUse(const Error& error) { return {ExitCode::kUsage, error.message}; }

GivenFile ReadFile(const Arguments& arguments, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == text.size()) {
    throw WrongUse(arguments.Refuse("file", fmt::format("expected TABLE=PATH, got \"{}\"", text)));
  }
  return {.table = text.substr(0, equals), .path = text.substr(equals + 1)};
}

RejectLimit ReadLimit(const Arguments& arguments) {
  constexpr RejectLimit kUsual{.share = 0.01};
  if (!arguments.Has("max-rejects")) return kUsual;
  if (!arguments.Has("rejects")) {
    throw WrongUse(arguments.Refuse("max-rejects", "rows are only rejected with --rejects FILE"));
  }
  const Result<RejectLimit> limit = RejectLimit::Parse(arguments.Text("max-rejects"));
  if (!limit) throw WrongUse(arguments.Refuse("max-rejects", limit.error().message));
  return *limit;
}

IngestRules ReadRules(const Arguments& arguments) {
  IngestRules rules;
  if (arguments.Has("upsert")) rules.on_conflict = OnConflict::kReplace;
  if (arguments.Has("again")) rules.on_other_contents = OnOtherContents::kAppend;
  if (!arguments.Has("replace")) return rules;
  if (arguments.Has("again")) {
    throw WrongUse(arguments.Refuse("replace", "not beside --again, which keeps the old rows"));
  }
  rules.on_other_contents = OnOtherContents::kReplace;
  return rules;
}

std::chrono::milliseconds ReadEvery(const Arguments& arguments) {
  constexpr std::chrono::milliseconds kUsual{1000};
  if (!arguments.Has("every")) return kUsual;
  if (!arguments.Has("follow")) {
    throw WrongUse(arguments.Refuse("every", "it looks again with --follow alone"));
  }
  const std::string text = arguments.Text("every");
  if (text.ends_with("ms")) {
    const Result<std::int64_t> number = ParseInt64(text.substr(0, text.size() - 2));
    if (number && *number >= 1) return std::chrono::milliseconds(*number);
  } else if (const auto time = ParseDuration(text); time && time->count() > 0) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(*time);
  }
  throw WrongUse(arguments.Refuse(
      "every", fmt::format("expected a time such as 500ms, 1s or 5m, got \"{}\"", text)));
}

/// What stands in the way of a feed.
void RefuseBeside(const Arguments& arguments, std::string_view what,
                  std::span<const std::string_view> flags) {
  for (const std::string_view flag : flags) {
    if (arguments.Has(flag)) {
      throw WrongUse(arguments.Refuse(flag, fmt::format("not beside {}", what)));
    }
  }
}

void CheckFeed(const Arguments& arguments, const IngestOptions& options) {
  using Names = std::initializer_list<std::string_view>;
  if (!options.follow) {
    RefuseBeside(arguments, "what ends: it needs --follow", Names{"originals"});
  }
  if (options.is_from_kafka()) {
    const Result<KafkaUrl> url = ParseKafkaUrl(options.from);
    if (!url) throw WrongUse(arguments.Refuse("from", url.error().message));
    RefuseBeside(arguments, "a topic",
                 Names{"file", "table", "max-rejects", "replace", "again", "dry-run"});
  }
  if (!options.follow) return;
  RefuseBeside(arguments, "--follow", Names{"file", "full", "dry-run"});
  if (!options.from.empty() || options.is_pushed_to) return;
  RefuseBeside(arguments, "--follow without --from, which takes no rows in",
               Names{"table", "upsert", "replace", "again", "constraints", "rejects"});
}

}  // namespace

std::vector<Flag> IngestFlags() {
  std::vector<Flag> flags = RowFlags();
  std::ranges::move(RuleFlags(), std::back_inserter(flags));
  std::ranges::move(FollowFlags(), std::back_inserter(flags));
  std::ranges::move(ResultFlags(), std::back_inserter(flags));
  return flags;
}

IngestOptions ReadIngestOptions(const Arguments& arguments, TakesPushes pushes) {
  IngestOptions options{
      .pipeline = arguments.Text("pipeline"),
      .store = arguments.Text("store"),
      .from = arguments.Text("from"),
      .files = {},
      .tables = arguments.Texts("table"),
      .rejects = arguments.Text("rejects"),
      .max_rejects = ReadLimit(arguments),
      .constraints = arguments.Text("constraints"),
      .originals = arguments.Text("originals"),
      .snapshots = arguments.Text("snapshots"),
      .rules = ReadRules(arguments),
      .publishing = arguments.Has("full") ? Publishing::kWhole : Publishing::kNewRows,
      .dry_run = arguments.Has("dry-run"),
      .follow = arguments.Has("follow"),
      .is_pushed_to = pushes == TakesPushes::kYes,
      .every = ReadEvery(arguments)};
  for (const std::string& text : arguments.Texts("file")) {
    options.files.push_back(ReadFile(arguments, text));
  }
  if (options.from.empty() && options.files.empty() && !options.follow) {
    throw Failure(ExitCode::kUsage, "where are the rows? Give --from DIR or --file TABLE=PATH");
  }
  CheckFeed(arguments, options);
  if (options.rejects == "-") {
    throw WrongUse(arguments.Refuse("rejects", "expected a file: standard output has the report"));
  }
  const auto wrong_store = [](const Error& error) {
    return Failure(ExitCode::kUsage, fmt::format("store: {}", error.message));
  };
  const Status good_store = CheckStoreUrl(options.store);
  if (!good_store) throw wrong_store(good_store.error());
  if (options.snapshots.empty()) {
    const Result<std::string> folder = DefaultSnapshotFolder(options.store);
    if (!folder) throw wrong_store(folder.error());
    options.snapshots = *folder;
  }
  return options;
}

}  // namespace forkcast::preprocessing
