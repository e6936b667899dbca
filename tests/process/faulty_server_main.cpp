// forkcast-faulty serve [flags of forkcast serve]: the server, with faults to order.
//
// The hook `{"type": "fault"}` does what a request's X-Amzn-SageMaker-Custom-Attributes ask for,
// before the request is answered:
//   sleep_ms=N   takes so long
//   until=PATH   makes a file PATH.begun, and takes until there is a file PATH
//   hang         never comes back
//   segv, abort  dies by that signal
//   grow_mb=N    takes so much memory and keeps it
//
// Before a worker loads, it does what stands in the file that FORKCAST_FAULT_BOOT names:
//   slow N       makes a file beside it, with .begun at its end, and takes N ms
//   hang         does not go on for as long as the file says so
//   fail         ends as one that cannot load
//   segv         dies by that signal
// With no such variable or file, or an empty one, all is well.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "data_preprocessing/command/program.hpp"
#include "serving/commands/serve_command.hpp"
#include "serving/hooks/hook_chain.hpp"
#include "serving/process/process_log.hpp"

namespace forkcast::process_test {
namespace {

using serving::Hook;
using serving::HookContext;
using serving::HookType;
using serving::Invocation;
using std::chrono::milliseconds;

/// In slices, as a computation is that signals interrupt.
template <typename Predicate>
void PassTimeWhile(Predicate goes_on) {
  while (goes_on()) std::this_thread::sleep_for(milliseconds(5));
}

void PassTime(milliseconds duration) {
  const auto until = std::chrono::steady_clock::now() + duration;
  PassTimeWhile([until] { return std::chrono::steady_clock::now() < until; });
}

class FaultHook final : public Hook {
 public:
  serving::Verdict OnRequest(const Invocation& invocation, serving::Remarks& /*remarks*/) override {
    const std::string order(invocation.request.custom_attributes);
    const std::size_t equals = std::min(order.find('='), order.size());
    const std::string name = order.substr(0, equals);
    const std::string value = order.substr(std::min(equals + 1, order.size()));
    if (name == "sleep_ms") {
      PassTime(milliseconds(std::stoi(value)));
    } else if (name == "until") {
      std::ofstream(value + ".begun").flush();
      PassTimeWhile([&value] { return !std::filesystem::exists(value); });
    } else if (name == "hang") {
      PassTimeWhile([] { return true; });
    } else if (name == "segv") {
      ::raise(SIGSEGV);
    } else if (name == "abort") {
      ::raise(SIGABRT);
    } else if (name == "grow_mb") {
      constexpr std::size_t kMebibyte = 1024 * 1024;
      kept_.emplace_back(std::stoul(value) * kMebibyte, 'x');  // written, so that it is resident
    }
    return serving::Verdict::kGoOn;
  }

 private:
  std::vector<std::vector<char>> kept_;
};

constexpr HookType kFaultHook{
    .name = "fault",
    .validate = [](const preprocessing::JsonNode& settings) { settings.RequireObject({"type"}); },
    .make = [](const preprocessing::JsonNode&, const HookContext&) -> std::unique_ptr<Hook> {
      return std::make_unique<FaultHook>();
    }};

std::string BootOrderFile() {
  const char* const path = std::getenv("FORKCAST_FAULT_BOOT");
  return path == nullptr ? std::string() : path;
}

std::string BootOrder() {
  std::string order;
  std::ifstream file(BootOrderFile());
  std::getline(file, order);
  return order;
}

void FaultBeforeLoad() {
  constexpr std::string_view kSlow = "slow ";
  const std::string order = BootOrder();
  if (order.starts_with(kSlow)) {
    std::ofstream(BootOrderFile() + ".begun").flush();
    PassTime(milliseconds(std::stoi(order.substr(kSlow.size()))));
  } else if (order == "hang") {
    PassTimeWhile([] { return BootOrder() == "hang"; });
  } else if (order == "fail") {
    std::_Exit(serving::kExitBootFailed);
  } else if (order == "segv") {
    ::raise(SIGSEGV);
  }
}

preprocessing::Command FaultyServe() {
  static const std::vector<HookType> kHookTypes = [] {
    const auto built_in = serving::BuiltInHooks();
    std::vector<HookType> types(built_in.begin(), built_in.end());
    types.push_back(kFaultHook);
    return types;
  }();
  return serving::ServeCommand({.hook_types = kHookTypes, .before_load = FaultBeforeLoad});
}

constexpr preprocessing::MakeCommand kCommands[] = {&FaultyServe};

}  // namespace
}  // namespace forkcast::process_test

int main(int argc, char** argv) {
  return forkcast::preprocessing::RunMain({.name = "forkcast-faulty",
                                           .version = "for tests",
                                           .commands = forkcast::process_test::kCommands},
                                          argc, argv);
}
