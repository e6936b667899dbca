#include "serving/process/refresher_program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

#include "serving/process/child_process.hpp"

namespace forkcast::serving {
namespace {

constexpr const char* kTellVariable = "FORKCAST_TELL_FD";
constexpr int kCannotExecute = 126;  // as shells say it

}  // namespace

int BecomeRefresher(const std::vector<std::string>& words, int tell_fd, pid_t master) {
  ::fcntl(tell_fd, F_SETFD, 0);
  ::setenv(kTellVariable, std::to_string(tell_fd).c_str(), 1);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);  // standard output may be the access log's
  ::setpgid(0, 0);  // what a terminal sends to its group is the master's to pass on
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int signal : {SIGPIPE, SIGXFSZ}) ::signal(signal, SIG_DFL);
  ChildProcess::DieWithParent(master, SIGTERM);

  std::string program = "forkcast";
  std::vector<char*> arguments{program.data()};
  std::vector<std::string> copies = words;
  for (std::string& word : copies) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv("/proc/self/exe", arguments.data());
  return kCannotExecute;
}

}  // namespace forkcast::serving
