#include "data_preprocessing/commands/ingest_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/dao/table_dao.hpp"

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
      {.name = "store",
       .argument = "URL",
       .meaning = "The store: sqlite:PATH, created when absent (its folder must exist), or "
                  "postgresql://HOST/DATABASE.",
       .variable = "FORKCAST_STORE",
       .need = Need::kRequired},
      {.name = "from",
       .argument = "DIR",
       .meaning =
           "Folder with the files of each table: TABLE.csv, TABLE-2024-01.csv and so on (a "
           "digit behind the -), also with .gz behind, or a folder TABLE of such files. They "
           "are taken in the order of their names.",
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

/// What comes of it, and what is shown.
std::vector<Flag> ResultFlags() {
  using Kind = Flag::Kind;
  return {
      {.name = "snapshots",
       .argument = "DIR",
       .meaning = "Folder for the snapshots, created when absent.",
       .variable = "FORKCAST_SNAPSHOTS",
       .when_absent = "beside the store, PATH.snapshots"},
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

}  // namespace

std::vector<Flag> IngestFlags() {
  std::vector<Flag> flags = RowFlags();
  std::ranges::move(RuleFlags(), std::back_inserter(flags));
  std::ranges::move(ResultFlags(), std::back_inserter(flags));
  return flags;
}

IngestOptions ReadIngestOptions(const Arguments& arguments) {
  IngestOptions options{.pipeline = arguments.Text("pipeline"),
                        .store = arguments.Text("store"),
                        .from = arguments.Text("from"),
                        .files = {},
                        .tables = arguments.Texts("table"),
                        .rejects = arguments.Text("rejects"),
                        .max_rejects = ReadLimit(arguments),
                        .constraints = arguments.Text("constraints"),
                        .snapshots = arguments.Text("snapshots"),
                        .rules = ReadRules(arguments),
                        .dry_run = arguments.Has("dry-run")};
  for (const std::string& text : arguments.Texts("file")) {
    options.files.push_back(ReadFile(arguments, text));
  }
  if (options.from.empty() && options.files.empty()) {
    throw Failure(ExitCode::kUsage, "where are the rows? Give --from DIR or --file TABLE=PATH");
  }
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
