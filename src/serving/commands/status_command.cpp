#include "serving/commands/status_command.hpp"

#include <algorithm>
#include <string>

#include "data_preprocessing/command/failure.hpp"
#include "serving/process/control_socket.hpp"
#include "serving/process/server_status.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::ExitCode;
using preprocessing::Failure;
using preprocessing::Flag;
using preprocessing::Require;

ExitCode TellStatus(const preprocessing::Arguments& arguments,
                    const preprocessing::CommandContext& context) {
  const std::string path = arguments.Text("control");
  const std::string answer = Require(AskControlSocket(path), ExitCode::kIo);
  const auto status = ParseServerStatus(answer);
  if (!status) throw Failure(ExitCode::kIo, path + ": " + status.error().message);
  context.out << (arguments.Has("json") ? answer : ToTable(*status, context.style));
  const bool ready =
      std::ranges::any_of(status->workers, [](const auto& one) { return one.state == "ready"; });
  return ready ? ExitCode::kDone : ExitCode::kNo;
}

}  // namespace

preprocessing::Command StatusCommand() {
  return {.name = "status",
          .meaning = "tells how a running server and its workers are",
          .description = "Tells how a running server and its workers are.\n",
          .flags = {{.name = "control",
                     .argument = "PATH",
                     .meaning = "Control socket of the server, as its setting of that name says.",
                     .variable = "FORKCAST_CONTROL",
                     .need = Flag::Need::kRequired},
                    preprocessing::JsonFlag("Prints one line of JSON instead of a table.")},
          .endings = {{.code = ExitCode::kDone, .when = "at least one worker is ready"},
                      {.code = ExitCode::kNo, .when = "none is"},
                      {.code = ExitCode::kUsage, .when = "wrong usage"},
                      {.code = ExitCode::kIo, .when = "no server answers"}},
          .run = TellStatus};
}

}  // namespace forkcast::serving
