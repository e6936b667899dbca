#include "serving/commands/jobs_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "data_preprocessing/base/text_table.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/stop_signals.hpp"
#include "data_preprocessing/command/store_flags.hpp"
#include "data_preprocessing/dao/record_store.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "serving/config/settings.hpp"
#include "serving/jobs/job_desk.hpp"
#include "serving/jobs/job_order.hpp"
#include "serving/jobs/job_queue.hpp"
#include "serving/jobs/job_words.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::Arguments;
using preprocessing::Command;
using preprocessing::CommandContext;
using preprocessing::ExitCode;
using preprocessing::Failure;
using preprocessing::Flag;
using preprocessing::FlagValues;
using preprocessing::IsoTimestamp;
using preprocessing::Require;
using preprocessing::StoreAccess;

constexpr std::chrono::milliseconds kBetweenLooks{200};
constexpr std::uint64_t kUsualLimit = 20;

JobQueue Open(const Arguments& arguments, StoreAccess access) {
  return JobQueue(Require(preprocessing::OpenRecords(arguments.Text("store"), access)));
}

std::uint64_t IdIn(const Arguments& arguments) {
  const std::string& text = arguments.operands()[0];
  const auto id = JobIdOf(text);
  if (!id) {
    throw Failure(ExitCode::kUsage, fmt::format("ID: \"{}\": expected the number of a job", text));
  }
  return *id;
}

JobRecord Found(std::optional<JobRecord> job, std::uint64_t id) {
  if (!job) throw Failure(ExitCode::kUnfit, fmt::format("there is no job {}", id));
  return *std::move(job);
}

std::string Shown(const std::optional<Instant>& time) {
  return time ? IsoTimestamp(*time) : std::string("-");
}

void PrintJob(const JobRecord& job, const JobLog& log, const Arguments& arguments,
              const CommandContext& context) {
  if (arguments.Has("json")) {
    context.out << TextOf(job, log) << '\n';
    return;
  }
  std::string text = fmt::format("job {} {} {}: {}", job.id, WordFor(job.order.kind),
                                 job.order.deployment, WordFor(job.state));
  if (job.progress.percent && !IsFinal(job.state)) {
    text += fmt::format(", {:.0f} %", *job.progress.percent);
  }
  if (!job.progress.doing.empty() && !IsFinal(job.state)) {
    text += fmt::format(" {}", job.progress.doing);
  }
  if (job.version) text += fmt::format(", version {}", *job.version);
  if (job.error) text += fmt::format(": {}", job.error->message);
  text += fmt::format("\nsubmitted {} begun {} ended {}, attempt {}, worker {}\n",
                      IsoTimestamp(job.submitted_at), Shown(job.started_at), Shown(job.ended_at),
                      job.attempt, job.worker.empty() ? "-" : job.worker);
  for (const std::string& line : log.lines()) text += "  " + line + "\n";
  context.out << text;
}

ExitCode ListJobs(const Arguments& arguments, const CommandContext& context) {
  JobQueue queue = Open(arguments, StoreAccess::kReadOnly);
  JobQueue::Filter filter{.limit = arguments.Whole("limit").value_or(kUsualLimit)};
  if (arguments.Has("state")) filter.state = JobStateOf(arguments.Text("state"));
  const std::vector<JobRecord> jobs = Require(queue.List(filter));
  if (arguments.Has("json")) {
    auto all = nlohmann::ordered_json::array();
    for (const JobRecord& job : jobs) all.push_back(ToJson(job));
    context.out << all.dump() << '\n';
    return ExitCode::kDone;
  }
  TextTable table(
      {{"id"}, {"kind"}, {"deployment"}, {"state"}, {"submitted"}, {"ended"}, {"version"}});
  for (const JobRecord& job : jobs) {
    table.Add({std::to_string(job.id), std::string(WordFor(job.order.kind)), job.order.deployment,
               std::string(WordFor(job.state)), IsoTimestamp(job.submitted_at), Shown(job.ended_at),
               job.version ? std::to_string(*job.version) : "-"});
  }
  context.out << (jobs.empty() ? "no jobs\n" : table.Text(context.style));
  return ExitCode::kDone;
}

ExitCode ShowJob(const Arguments& arguments, const CommandContext& context) {
  JobQueue queue = Open(arguments, StoreAccess::kReadOnly);
  const std::uint64_t id = IdIn(arguments);
  const JobRecord job = Found(Require(queue.Find(id)), id);
  PrintJob(job, Require(queue.LogOf(id)), arguments, context);
  return ExitCode::kDone;
}

ExitCode StopJob(const Arguments& arguments, const CommandContext& context) {
  JobQueue queue = Open(arguments, StoreAccess::kReadWriteCreate);
  const std::uint64_t id = IdIn(arguments);
  const JobRecord job = Found(Require(queue.AskStop(id, context.clock.Now())), id);
  PrintJob(job, Require(queue.LogOf(id)), arguments, context);
  return ExitCode::kDone;
}

/// Tells its log until it has ended, or we are stopped.
ExitCode Await(JobQueue& queue, std::uint64_t id, const Arguments& arguments,
               const CommandContext& context) {
  const preprocessing::StopSignals signals;
  std::uint64_t told = 0;
  while (!preprocessing::StopSignals::Requested()) {
    const JobRecord job = Found(Require(queue.Find(id)), id);
    const JobLog log = Require(queue.LogOf(id));
    if (log.end() < told) told = 0;  // that was of an attempt before this one
    if (!context.quiet) {
      for (const std::string& line : log.From(told)) context.err << line << '\n';
    }
    told = log.end();
    if (IsFinal(job.state)) {
      PrintJob(job, arguments.Has("json") ? log : JobLog(), arguments, context);
      return job.state == JobState::kSucceeded ? ExitCode::kDone : ExitCode::kNo;
    }
    std::this_thread::sleep_for(kBetweenLooks);
  }
  return ExitCode::kStopped;
}

/// What a server would be told by this config file and the environment.
ServerConfig ConfigIn(const Arguments& arguments, const CommandContext& context) {
  FlagValues flags;
  flags["print-config"].emplace_back();  // so that it may lack what serving alone needs
  if (arguments.Has("config")) flags["config"].push_back(arguments.Text("config"));
  return Require(ReadServerSettings(flags, context.environment), ExitCode::kUsage).config;
}

std::string Submitter() {
  const char* const user = ::getlogin();
  return user == nullptr ? fmt::format("user {}", ::getuid()) : std::string(user);
}

ExitCode Submit(const Arguments& arguments, const CommandContext& context) {
  JobOrder order = Require(ReadJobOrder(arguments.operands()[0]), ExitCode::kUsage);
  const ServerConfig config = ConfigIn(arguments, context);
  order.subject = SubjectOf(Require(DeploymentOf(order.deployment, config), ExitCode::kUsage));
  JobQueue queue = Open(arguments, StoreAccess::kReadWriteCreate);
  const auto submitted = Require(queue.Submit(
      {.order = std::move(order), .submitted_by = Submitter(), .key = arguments.Text("once")},
      context.clock.Now()));
  if (arguments.Has("wait")) return Await(queue, submitted.job.id, arguments, context);
  PrintJob(submitted.job, JobLog(), arguments, context);
  return ExitCode::kDone;
}

std::vector<Command> JobVerbs() {
  using Kind = Flag::Kind;
  return {
      {.name = "list",
       .meaning = "the newest jobs",
       .flags = {{.name = "state",
                  .argument = "STATE",
                  .meaning = "Only those in this state.",
                  .allowed = preprocessing::OneOf(
                      {"queued", "running", "succeeded", "failed", "stopped"})},
                 {.name = "limit",
                  .argument = "N",
                  .meaning = "How many.",
                  .when_absent = "20",
                  .allowed = preprocessing::WholeNumber(1, kMostEnded)}},
       .run = ListJobs},
      {.name = "show",
       .meaning = "one job, with the last lines of its log",
       .operands = {{"ID"}},
       .run = ShowJob},
      {.name = "submit",
       .meaning = "takes a job into the queue",
       .operands = {{"JOB"}},
       .flags = {{.name = "config",
                  .argument = "FILE",
                  .meaning = "The server's config file, which says whose model a deployment is.",
                  .variable = "FORKCAST_CONFIG",
                  .when_absent = "a deployment is the model of its name"},
                 {.name = "once",
                  .argument = "KEY",
                  .meaning = "The same job with the same key is taken once."},
                 {.name = "wait",
                  .kind = Kind::kSwitch,
                  .meaning = "Tells the job's log, and ends when the job has."},
                 preprocessing::QuietFlag()},
       .run = Submit},
      {.name = "stop", .meaning = "stops a job", .operands = {{"ID"}}, .run = StopJob}};
}

}  // namespace

Command JobsCommand() {
  return {.name = "jobs",
          .meaning = "lists, submits and stops the jobs of a store",
          .flags = {preprocessing::StoreFlag("The store that has the queue."),
                    preprocessing::JsonFlag("Prints one line of JSON.")},
          .variables = SettingVariables(),
          .endings = {{.code = ExitCode::kDone},
                      {.code = ExitCode::kNo, .when = "with --wait: the job failed or was stopped"},
                      {.code = ExitCode::kUsage, .when = "wrong usage, or no such job can be"},
                      {.code = ExitCode::kUnfit, .when = "there is no such job, or no queue"},
                      {.code = ExitCode::kIo, .when = "the store cannot be read or written"},
                      {.code = ExitCode::kStopped, .when = "with --wait: stopped by a signal"}},
          .verbs = JobVerbs()};
}

}  // namespace forkcast::serving
