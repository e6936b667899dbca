#include "model/commands/sharded_training.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <random>
#include <thread>
#include <utility>

#include "data_preprocessing/base/output_file.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/stop_signals.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "model/commands/pipeline_kinds.hpp"
#include "model/init/shell_word.hpp"
#include "model/learn/shard_run.hpp"
#include "model/ray/ray_run.hpp"

namespace forkcast::model {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using preprocessing::Arguments;
using preprocessing::CommandContext;
using preprocessing::ExitCode;
using preprocessing::Failure;
using preprocessing::Flag;
using preprocessing::Require;
using preprocessing::StopSignals;

/// In the folder of shards: by it whoever trains one knows that the folder is the driver's.
constexpr const char* kNonceFile = ".nonce";
constexpr std::uint64_t kDefaultShards = 4;
/// Between two looks for shards that are not there yet.
constexpr std::chrono::seconds kLookAgain{2};
/// For whoever joins as the last pod of an Indexed Job, whose deadline is the one that counts.
constexpr std::chrono::hours kIndexedWait{24};
constexpr const char* kIndexVariable = "JOB_COMPLETION_INDEX";

Failure WrongUse(const std::string& message) { return {ExitCode::kUsage, message}; }

Failure Stopped() { return {ExitCode::kStopped, "stopped; nothing was published"}; }

std::string RandomHex() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}

std::string IndexOf(const CommandContext& context) {
  return context.environment(kIndexVariable).value_or("");
}

/// Also of a flag that only other commands have.
bool IsGiven(const Arguments& arguments, std::string_view flag) {
  return arguments.given().contains(flag);
}

/// That what is said goes together.
void CheckWords(const Arguments& arguments, std::string_view part) {
  for (const char* const other : {"shard", "join", "indexed", "on"}) {
    if (other != part && IsGiven(arguments, other)) {
      throw WrongUse(fmt::format("--{}: --{} says already what is done", other, part));
    }
  }
  struct Together {
    const char* flag;
    std::string_view of;  ///< Parts that it goes with.
    const char* why;
  };
  for (const Together& one :
       {Together{"shards", "shard indexed on", "--join says itself where they are"},
        Together{"shard-count", "join on", "the flag beside it says how many there are"},
        Together{"join-wait", "join", "nothing is joined later"},
        Together{"shard-nonce", "shard", "no single shard is trained"},
        Together{"shard-threads", "on", "--threads says it"},
        Together{"from-store", "on", "nothing is trained elsewhere"},
        Together{"ray-program", "on", "nothing is trained elsewhere"},
        Together{"only-key", "", "single keys are not cut into shards"},
        Together{"dry-run", "", "a dry run is of the whole: without shards"}}) {
    if (!IsGiven(arguments, one.flag) || one.of.find(part) != one.of.npos) continue;
    throw WrongUse(fmt::format("--{}: not with --{}: {}", one.flag, part, one.why));
  }
  if (part == "join" || part == "on") return;
  for (const char* const flag : {"from", "file"}) {
    if (IsGiven(arguments, flag)) {
      throw WrongUse(
          fmt::format("--{}: rows are taken in once, by ingest, before shards are "
                      "trained",
                      flag));
    }
  }
}

fs::path PlaceOfShards(const Arguments& arguments, std::string_view part) {
  if (!arguments.Has("shards")) {
    throw WrongUse(fmt::format("--{}: --shards says where shards are put", part));
  }
  return arguments.Text("shards");
}

std::optional<std::size_t> CountOf(const Arguments& arguments) {
  const auto count = arguments.Whole("shard-count");
  if (!count) return std::nullopt;
  return static_cast<std::size_t>(*count);
}

ShardPlan OneShard(const Arguments& arguments, const CommandContext& context) {
  return {.part = ShardPlan::Part::kShard,
          .shard = Require(ParseShard(arguments.Text("shard"), IndexOf(context)), ExitCode::kUsage),
          .place = PlaceOfShards(arguments, "shard"),
          .nonce = arguments.Text("shard-nonce")};
}

/// Of a pod of an Indexed Job: the last one joins what all others train.
ShardPlan Indexed(const Arguments& arguments, const CommandContext& context) {
  const auto count = static_cast<std::size_t>(*arguments.Whole("indexed"));
  const std::string index = IndexOf(context);
  const fs::path place = PlaceOfShards(arguments, "indexed");
  if (index == std::to_string(count)) {
    return {.part = ShardPlan::Part::kJoin, .place = place, .count = count, .wait = kIndexedWait};
  }
  const auto shard = ParseShard(fmt::format("auto/{}", count), index);
  if (!shard) {
    throw WrongUse(fmt::format(
        "--indexed: {} is {}, expected 0 to {}: the Job has a pod for each of {} shards and one "
        "that joins them",
        kIndexVariable, index.empty() ? "not set" : fmt::format("\"{}\"", index), count, count));
  }
  return {.part = ShardPlan::Part::kShard, .shard = *shard, .place = place};
}

/// `forkcast` beside the running program.
fs::path OwnProgram() {
  std::error_code failed;
  const fs::path own = fs::read_symlink("/proc/self/exe", failed);
  return own.parent_path() / "forkcast";
}

ShardPlan OnRay(const Arguments& arguments, const CommandContext& context) {
  const fs::path program =
      arguments.Has("ray-program") ? fs::path(arguments.Text("ray-program")) : OwnProgram();
  const fs::path place = PlaceOfShards(arguments, "on");
  if (place.string().starts_with("s3:")) {
    throw WrongUse("--shards: with --on expected a folder that all machines share");
  }
  if (program.is_relative()) throw WrongUse("--ray-program: expected a path from /");
  ShardPlan plan{.part = ShardPlan::Part::kRay,
                 .place = fs::absolute(place),
                 .count = CountOf(arguments).value_or(kDefaultShards)};
  plan.ray = {.cluster = Require(ReadRaySettings(arguments.Text("on"), context.environment),
                                 ExitCode::kUsage),
              .program = program,
              .threads = static_cast<unsigned>(arguments.Whole("shard-threads").value_or(1)),
              .from_store = arguments.Has("from-store")};
  const std::string store = arguments.Text("store");
  if (plan.ray.from_store && (store.empty() || store.starts_with("sqlite:"))) {
    throw WrongUse(
        "--from-store: expected a store that other machines reach, postgresql: or mysql:");
  }
  return plan;
}

std::string NameOf(const WholeTraining& whole) {
  if (!whole.name.empty()) return whole.name;
  const auto name = whole.document.find("name");
  const bool is_text = name != whole.document.end() && name->is_string();
  return is_text ? name->get<std::string>() : std::string("unnamed");
}

Result<std::unique_ptr<TrainingJob>> Open(const WholeTraining& whole, const JobSources& sources) {
  return KindOf(whole.document).open(whole.document, sources);
}

/// That the folder is that of whoever started this shard.
void CheckNonce(const ShardPlan& plan) {
  if (plan.nonce.empty()) return;
  const fs::path file = plan.place / kNonceFile;
  std::array<char, 256> host{};
  static_cast<void>(::gethostname(host.data(), host.size() - 1));
  std::string said;
  try {
    said = preprocessing::ReadTextFile(file);
  } catch (const preprocessing::SpecError&) {
    throw Failure(ExitCode::kUnfit,
                  fmt::format("{} is not there on {}: --shards must be a folder that all machines "
                              "share",
                              file.string(), host.data()));
  }
  if (said == plan.nonce + "\n") return;
  throw Failure(ExitCode::kUnfit,
                fmt::format("{} on {} is of another training: --shards must be a folder that all "
                            "machines share",
                            file.string(), host.data()));
}

/// "sqlite:o.db" with its whole path, which means the same everywhere; others as they are.
std::string WholeStore(const std::string& store) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (!store.starts_with(kSqlite)) return store;
  return fmt::format("{}{}", kSqlite, fs::absolute(store.substr(kSqlite.size())).string());
}

std::string ShellLine(const std::vector<std::string>& words) {
  std::vector<std::string> quoted;
  for (const std::string& word : words) quoted.push_back(ShellWord(word));
  return fmt::format("{}", fmt::join(quoted, " "));
}

/// Words that mean the same on every machine.
std::vector<std::string> ShardWords(const WholeTraining& whole, const ShardPlan& plan,
                                    std::size_t number) {
  const JobSources& sources = whole.sources;
  std::vector<std::string> words{plan.ray.program.string(),
                                 "train",
                                 "--pipeline",
                                 fs::absolute(whole.pipeline).string(),
                                 "--shard",
                                 ToString({.number = number, .count = *plan.count}),
                                 "--shards",
                                 plan.place.string(),
                                 "--shard-nonce",
                                 plan.nonce,
                                 "--threads",
                                 std::to_string(plan.ray.threads)};
  const auto add = [&words](const char* flag, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {flag, value});
  };
  add("--store", WholeStore(sources.store));
  add("--since", sources.window.since);
  add("--until", sources.window.until);
  add("--last", sources.window.last);
  add("--seed", sources.seed ? std::to_string(*sources.seed) : std::string());
  add("--name", whole.name);
  return words;
}

std::string ShardCommand(const WholeTraining& whole, const ShardPlan& plan, std::size_t number) {
  std::vector<std::string> words = ShardWords(whole, plan, number);
  if (!plan.ray.from_store) {
    words.insert(words.end(), {"--snapshots", fs::absolute(whole.sources.snapshots).string()});
    return fmt::format("exec {}", ShellLine(words));
  }
  const std::string ingest = ShellLine({plan.ray.program.string(), "ingest", "--pipeline",
                                        fs::absolute(whole.pipeline).string(), "--store",
                                        whole.sources.store, "--full", "--quiet"});
  return fmt::format(
      "d=$(mktemp -d) && trap 'rm -rf \"$d\"' EXIT && {} --snapshots \"$d\" && {} --snapshots "
      "\"$d\"",
      ingest, ShellLine(words));
}

RayRun JobsOf(const WholeTraining& whole, const ShardPlan& plan, const std::string& run) {
  RayRun jobs{
      .id = run,
      .commands = {},
      .cpus = plan.ray.threads,
      .final_codes = {static_cast<int>(ExitCode::kUsage), static_cast<int>(ExitCode::kUnfit)}};
  for (std::size_t number = 1; number <= *plan.count; ++number) {
    jobs.commands.push_back(
        {.name = fmt::format("shard {}", ToString({.number = number, .count = *plan.count})),
         .command = ShardCommand(whole, plan, number)});
  }
  return jobs;
}

/// What a run says of its end.
ExitCode ExitOfRay(ErrorCode code) noexcept {
  return code == ErrorCode::kInvalidArgument ? ExitCode::kUsage : preprocessing::ExitCodeOf(code);
}

/// How a cluster trains them.
std::vector<Flag> RayFlags() {
  return {
      {.name = "on",
       .argument = "ray://HOST:PORT",
       .meaning = "Has the shards trained as jobs of this Ray cluster, by the address of its "
                  "dashboard, and joins them. ?TOKEN behind, or RAY_AUTH_TOKEN, is its token.",
       .when_absent = "here"},
      {.name = "shard-threads",
       .argument = "N",
       .meaning = "With --on: the threads of a shard, and the CPUs that Ray gives it.",
       .when_absent = "1",
       .allowed = preprocessing::WholeNumber(1, kMostThreads)},
      {.name = "from-store",
       .kind = Flag::Kind::kSwitch,
       .meaning = "With --on: each shard makes snapshots of its own of what the store has, so that "
                  "--snapshots need not be shared.",
       .when_absent = "--snapshots is shared"},
      {.name = "ray-program",
       .argument = "FILE",
       .meaning = "With --on: the program forkcast on the machines of the cluster.",
       .when_absent = "where it is here"},
  };
}

/// That a training could be done at all, before a cluster is asked.
void CheckWhole(const WholeTraining& whole) {
  const auto job = Open(whole, whole.sources);
  if (!job) {
    throw Failure(preprocessing::ExitCodeOf(job.error().code), job.error().message);
  }
  if (const Status fit = (*job)->Check(); !fit) {
    throw Failure(ExitCode::kUnfit, fit.error().message);
  }
}

}  // namespace

std::vector<Flag> ShardFlags() {
  const auto count = preprocessing::WholeNumber(1, kMostShards);
  std::vector<Flag> flags{
      {.name = "shard",
       .argument = "NUMBER/COUNT",
       .meaning = "Trains this part of the models alone, and puts them where --shards says, for "
                  "--join: 2/4 is the second of four. auto/4 is, in a pod of an Indexed Job, the "
                  "one that JOB_COMPLETION_INDEX counts from 0.",
       .when_absent = "all are trained here"},
      {.name = "shards",
       .argument = "PLACE",
       .meaning = "Where shards are put: a folder that all machines share, or s3://BUCKET/PREFIX "
                  "(not with --on)."},
      {.name = "join",
       .argument = "PLACE",
       .meaning = "Takes the models from the shards there, and trains none: judges and publishes "
                  "the version that a training on one machine would.",
       .when_absent = "nothing is joined"},
      {.name = "indexed",
       .argument = "COUNT",
       .meaning = "Of a pod of an Indexed Job with COUNT + 1 completions: trains the shard that "
                  "JOB_COMPLETION_INDEX counts, and as the last pod waits for all and joins them.",
       .when_absent = "no pod",
       .allowed = count},
      {.name = "shard-count",
       .argument = "COUNT",
       .meaning = "With --on: how many shards; with --join: of those that are of so many.",
       .when_absent = "4; with --join as many as there are",
       .allowed = count},
      {.name = "join-wait",
       .argument = "SECONDS",
       .meaning = "With --join: waits so long for shards that are not there yet, or are of other "
                  "data.",
       .when_absent = "0",
       .allowed = preprocessing::WholeNumber(0, 7 * 24 * 3600)},
      {.name = "shard-nonce",
       .argument = "TEXT",
       .meaning = "With --shard: what PLACE/.nonce must say, as --on has written it: whether the "
                  "folder is a shared one."},
  };
  const std::vector<Flag> ray = RayFlags();
  flags.insert(flags.end(), ray.begin(), ray.end());
  return flags;
}

std::vector<Flag> JoinFlags() {
  std::vector<Flag> flags = ShardFlags();
  std::erase_if(flags, [](const Flag& flag) {
    return flag.name == "shard" || flag.name == "shard-nonce" || flag.name == "indexed";
  });
  return flags;
}

std::optional<ShardPlan> ReadShardPlan(const Arguments& arguments, const CommandContext& context) {
  std::string part;
  for (const char* const one : {"shard", "join", "indexed", "on"}) {
    if (part.empty() && IsGiven(arguments, one)) part = one;
  }
  if (part.empty()) {
    for (const char* const flag : {"shards", "shard-count", "join-wait", "shard-nonce",
                                   "shard-threads", "from-store", "ray-program"}) {
      if (IsGiven(arguments, flag)) {
        throw WrongUse(fmt::format("--{}: --shard, --join, --indexed or --on is missing", flag));
      }
    }
    return std::nullopt;
  }
  CheckWords(arguments, part);
  if (part == "shard") {
    for (const char* const flag : {"report", "judged-rows"}) {
      if (IsGiven(arguments, flag)) {
        throw WrongUse(fmt::format("--{}: a shard judges nothing; --join does", flag));
      }
    }
    return OneShard(arguments, context);
  }
  if (part == "indexed") return Indexed(arguments, context);
  if (part == "on") return OnRay(arguments, context);
  return ShardPlan{.part = ShardPlan::Part::kJoin,
                   .place = arguments.Text("join"),
                   .count = CountOf(arguments),
                   .wait = std::chrono::seconds(arguments.Whole("join-wait").value_or(0))};
}

TrainingOutcome TrainShard(const WholeTraining& whole, const ShardPlan& plan,
                           const CommandContext& context, TrainingObserver& observer) {
  CheckNonce(plan);
  ShardFits fits(plan.shard);
  JobSources sources = whole.sources;
  sources.fits = &fits;
  return RunShard(
      {.document = whole.document,
       .open =
           [&](const ordered_json& document) { return KindOf(document).open(document, sources); },
       .fits = fits,
       .place = plan.place,
       .name = whole.name},
      context.clock, observer);
}

std::unique_ptr<JoinedFits> JoinShards(const WholeTraining& whole, const ShardPlan& plan,
                                       const CommandContext& context) {
  const auto job = Require(Open(whole, whole.sources));
  const ordered_json origin = job->Origin();
  const auto until = std::chrono::steady_clock::now() + plan.wait;
  bool is_told = false;
  while (true) {
    Result<std::unique_ptr<JoinedFits>> joined =
        JoinedFits::Open(plan.place, NameOf(whole), plan.count);
    Status of_this = joined ? (*joined)->CheckOrigin(origin) : Status(joined.error());
    if (of_this) return *std::move(joined);
    const Error why = std::move(of_this).error();
    const bool may_come = why.code == ErrorCode::kNotFound || why.code == ErrorCode::kRefusedData;
    const auto now = std::chrono::steady_clock::now();
    if (!may_come || now >= until) {
      throw Failure(preprocessing::ExitCodeOf(why.code), why.message);
    }
    if (!is_told && !context.quiet) context.err << fmt::format("waiting: {}\n", why.message);
    is_told = true;
    for (auto nap = now; nap < std::min(now + kLookAgain, until);) {
      if (StopSignals::Requested()) throw Stopped();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      nap = std::chrono::steady_clock::now();
    }
  }
}

ShardsOnRay::Folder::Folder(fs::path path) : path_(std::move(path)) {
  std::error_code failed;
  fs::create_directories(path_, failed);
  if (!failed) return;
  throw Failure(ExitCode::kIo, fmt::format("{}: {}", path_.string(), failed.message()));
}

ShardsOnRay::Folder::~Folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

ShardsOnRay::ShardsOnRay(const WholeTraining& whole, const ShardPlan& plan,
                         const CommandContext& context, TrainingObserver& observer)
    : run_(fmt::format("forkcast-{}", RandomHex())), plan_(plan) {
  CheckWhole(whole);
  RayClient client(plan.ray.cluster);
  const std::string version = Require(client.Version(), ExitOfRay);
  plan_.nonce = RandomHex();
  plan_.place = plan.place / run_;
  folder_ = std::make_unique<const Folder>(plan_.place);
  WholeTraining shared = whole;
  if (whole.pipeline.empty()) {
    shared.pipeline = plan_.place / "pipeline.json";
    Require(WriteOutput(shared.pipeline, whole.document.dump(2) + "\n", context.out),
            ExitCode::kIo);
  }
  Require(WriteOutput(plan_.place / kNonceFile, plan_.nonce + "\n", context.out), ExitCode::kIo);
  observer.Tell(fmt::format("{} shards on Ray {} at {}\n", *plan.count, version, client.url()));
  const OnProgress on_progress = observer.Begin(fmt::format("{} shards on Ray", *plan.count));
  const Result<bool> done = RunOnRay(
      client, JobsOf(shared, plan_, run_),
      {.progress = on_progress,
       .tell = [&](const std::string& line) { observer.Tell(fmt::format("{}\n", line)); }});
  if (!Require(done, ExitOfRay)) throw Stopped();
}

ShardPlan ShardsOnRay::ToJoin() const {
  ShardPlan plan = plan_;
  plan.part = ShardPlan::Part::kJoin;
  // What is written on another machine may be seen here a little later.
  plan.wait = std::chrono::seconds(10);
  return plan;
}

}  // namespace forkcast::model
