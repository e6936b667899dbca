#include "serving/process/become_program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

#include "data_preprocessing/follow/follow_status.hpp"
#include "serving/process/child_process.hpp"
#include "serving/process/process_log.hpp"

namespace forkcast::serving {
int BecomeForkcast(const std::vector<std::string>& words) {
  for (const int signal : {SIGPIPE, SIGXFSZ}) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  std::vector<char*> arguments;
  // exec takes pointers to what it does not change.
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execv("/proc/self/exe", arguments.data());
  return kExitCannotBind;
}

int BecomeRefresher(const std::vector<std::string>& words, int tell_fd, pid_t master) {
  ::fcntl(tell_fd, F_SETFD, 0);
  ::setenv(preprocessing::kTellVariable, std::to_string(tell_fd).c_str(), 1);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);  // standard output may be the access log's
  ::setpgid(0, 0);  // what a terminal sends to its group is the master's to pass on
  ChildProcess::DieWithParent(master, SIGTERM);
  std::vector<std::string> all{"forkcast"};
  all.insert(all.end(), words.begin(), words.end());
  return BecomeForkcast(all);
}

}  // namespace forkcast::serving
