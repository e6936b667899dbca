#include "serving/commands/status_command.hpp"

#include <algorithm>
#include <optional>

#include "data_preprocessing/command/flags.hpp"
#include "serving/process/control_socket.hpp"
#include "serving/process/server_status.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::Flag;

constexpr const char* kControlVariable = "FORKCAST_CONTROL";

enum StatusExit : int { kSomeReady = 0, kNoneReady = 1, kWrongUsage = 2, kNoAnswer = 4 };

std::vector<Flag> StatusFlags() {
  return {{.name = "control",
           .argument = "PATH",
           .kind = Flag::Kind::kOneValue,
           .help = "Control socket of the server, as its setting of that name says. Environment: " +
                   std::string(kControlVariable) + "."},
          {.name = "json",
           .argument = "",
           .kind = Flag::Kind::kSwitch,
           .help = "Prints one line of JSON instead of a table."},
          {.name = "help", .argument = "", .kind = Flag::Kind::kSwitch, .help = "Prints this."}};
}

std::string Help() {
  return "usage: forkcast status --control PATH [--json]\n\n"
         "Tells how a running server and its workers are.\n\n" +
         preprocessing::DescribeFlags(StatusFlags()) +
         "\nExit codes:\n"
         "  0  at least one worker is ready\n"
         "  1  none is\n"
         "  2  wrong usage\n"
         "  4  no server answers\n";
}

}  // namespace

int RunStatusCommand(const std::vector<std::string>& arguments,
                     const preprocessing::CommandContext& context) {
  const auto fail = [&context](const std::string& message, StatusExit code) {
    context.err << "forkcast status: " << message << '\n';
    return code;
  };
  if (preprocessing::AsksForHelp(arguments)) {
    context.out << Help();
    return kSomeReady;
  }
  const auto flags = preprocessing::ParseFlags(StatusFlags(), arguments);
  if (!flags) return fail(flags.error().message, kWrongUsage);
  const auto flag = flags->find("control");
  const std::optional<std::string> path = flag != flags->end()
                                              ? std::optional(flag->second.front())
                                              : context.environment(kControlVariable);
  if (!path || path->empty()) {
    return fail("control: missing; give --control or " + std::string(kControlVariable),
                kWrongUsage);
  }

  const auto answer = AskControlSocket(*path);
  if (!answer) return fail(answer.error().message, kNoAnswer);
  const auto status = ParseServerStatus(*answer);
  if (!status) return fail(*path + ": " + status.error().message, kNoAnswer);
  context.out << (flags->contains("json") ? *answer : ToTable(*status));
  const bool ready =
      std::ranges::any_of(status->workers, [](const auto& one) { return one.state == "ready"; });
  return ready ? kSomeReady : kNoneReady;
}

}  // namespace forkcast::serving
