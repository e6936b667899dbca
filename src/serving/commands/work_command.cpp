#include "serving/commands/work_command.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/stop_signals.hpp"
#include "data_preprocessing/dao/record_store.hpp"
#include "serving/config/settings.hpp"
#include "serving/jobs/job_worker.hpp"
#include "serving/process/log_output.hpp"
#include "serving/process/process_log.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::Arguments;
using preprocessing::CommandContext;
using preprocessing::ExitCode;
using preprocessing::Failure;
using preprocessing::Flag;
using preprocessing::FlagValues;
using preprocessing::Require;

/// Those of a server's settings that say something here.
constexpr std::array<std::string_view, 10> kSettings{
    "config",    "models",       "deploy",         "store",     "snapshots",
    "jobs-data", "jobs-at-once", "jobs-memory-mb", "jobs-cpus", "log-level"};

constexpr const char* kUntilEmpty = "until-empty";

std::vector<Flag> WorkFlags() {
  std::vector<Flag> flags = ServeFlags();
  std::erase_if(flags, [](const Flag& flag) {
    return std::ranges::find(kSettings, flag.name) == kSettings.end();
  });
  flags.push_back({.name = kUntilEmpty,
                   .kind = Flag::Kind::kSwitch,
                   .meaning = "Ends when no job waits or runs.",
                   .when_absent = "waits for more"});
  return flags;
}

ExitCode Work(const Arguments& arguments, const CommandContext& context) {
  FlagValues given = arguments.given();
  given.erase(kUntilEmpty);
  given["print-config"].emplace_back();  // so that it may lack what serving alone needs
  const ServerConfig config =
      Require(ReadServerSettings(given, context.environment), ExitCode::kUsage).config;
  if (config.store.empty()) {
    throw Failure(ExitCode::kUsage, "--store (or FORKCAST_STORE) is missing");
  }
  // What is wrong with the store at once is told at once; later it is waited for.
  Require(preprocessing::OpenRecords(config.store, preprocessing::StoreAccess::kReadWriteCreate));
  const preprocessing::StopSignals signals;
  ::signal(SIGPIPE, SIG_IGN);
  LogLosses losses;
  LogOutput output = LogOutput::OfStandard(STDERR_FILENO, losses);
  const auto log = MakeProcessLog("work", config.log_level, output);
  JobWorker({.store = config.store,
             .config = config,
             .limits = {.memory_mb = config.jobs_memory_mb, .cpus = config.jobs_cpus},
             .at_once = config.jobs_at_once,
             .stops = preprocessing::StopSignals::Requested,
             .until_empty = arguments.Has(kUntilEmpty)},
            context.clock, *log)
      .Run();
  return preprocessing::StopSignals::Requested() ? ExitCode::kStopped : ExitCode::kDone;
}

}  // namespace

preprocessing::Command WorkCommand() {
  return {.name = "work",
          .meaning = "works off the jobs of a store, on this or another machine",
          .description =
              "Works off the queue of jobs that a store has, as the trainer of a server does.\n"
              "Several may do so at once, on several machines: a job is begun by one of them, and\n"
              "taken over by another when that one dies. Models are published where --models\n"
              "says. SIGTERM ends it: what it works on is stopped and waits again.\n",
          .flags = WorkFlags(),
          .variables = SettingVariables(),
          .endings = {{.code = ExitCode::kDone, .when = "with --until-empty: no job is left"},
                      {.code = ExitCode::kUsage, .when = "wrong usage or config file"},
                      {.code = ExitCode::kIo, .when = "the store cannot be opened at the start"},
                      {.code = ExitCode::kStopped, .when = "stopped by a signal"}},
          .run = Work};
}

}  // namespace forkcast::serving
