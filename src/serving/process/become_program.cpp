#include "serving/process/become_program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <initializer_list>

#include "data_preprocessing/follow/follow_status.hpp"
#include "data_preprocessing/push/push_message.hpp"
#include "serving/process/child_process.hpp"
#include "serving/process/process_log.hpp"

namespace forkcast::serving {
namespace {

/// New rows may wait for a processor, requests should not: a worker beside it gets three quarters.
constexpr int kRefresherNiceness = 5;

void HandOver(const char* variable, int fd) {
  ::fcntl(fd, F_SETFD, 0);
  ::setenv(variable, std::to_string(fd).c_str(), 1);
}

/// Of these alone signals wait until the program that begins wants them.
int Become(const std::vector<std::string>& words, std::initializer_list<int> waiting) {
  for (const int signal : {SIGPIPE, SIGXFSZ}) ::signal(signal, SIG_DFL);
  sigset_t mask;
  ::sigemptyset(&mask);
  for (const int signal : waiting) ::sigaddset(&mask, signal);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  std::vector<char*> arguments;
  // exec takes pointers to what it does not change.
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execv("/proc/self/exe", arguments.data());
  return kExitCannotBind;
}

}  // namespace

int BecomeForkcast(const std::vector<std::string>& words) { return Become(words, {}); }

int BecomeRefresher(const std::vector<std::string>& words, const RefresherDescriptors& descriptors,
                    pid_t master) {
  HandOver(preprocessing::kTellVariable, descriptors.tell);
  if (descriptors.push >= 0) HandOver(preprocessing::kPushVariable, descriptors.push);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);  // standard output may be the access log's
  ::setpgid(0, 0);  // what a terminal sends to its group is the master's to pass on
  ChildProcess::DieWithParent(master, SIGTERM);
  ::setpriority(PRIO_PROCESS, 0, kRefresherNiceness);
  std::vector<std::string> all{"forkcast"};
  all.insert(all.end(), words.begin(), words.end());
  return Become(all, {SIGTERM, SIGINT});  // until its StopSignals, which end it as planned
}

}  // namespace forkcast::serving
