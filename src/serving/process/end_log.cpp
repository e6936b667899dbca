#include "serving/process/end_log.hpp"

#include <signal.h>
#include <spdlog/spdlog.h>

#include <cstring>

#include "serving/process/process_log.hpp"

namespace forkcast::serving {

void LogEnd(spdlog::logger& log, std::string_view who, const ChildProcess& process,
            const ChildEnd& end, Asked asked) {
  if (end.killed) {
    const bool unasked = asked == Asked::kNo;
    log.log(unasked ? spdlog::level::err : spdlog::level::warn,
            "child_killed {} child={} signal={}{}", who, process.pid(), ::strsignal(end.code),
            end.code == SIGKILL && unasked ? " hint=\"out of memory?\"" : "");
  } else {
    log.log(end.code == kExitOk ? spdlog::level::info : spdlog::level::err,
            "child_exited {} child={} code={}", who, process.pid(), end.code);
  }
}

}  // namespace forkcast::serving
