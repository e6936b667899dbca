// slow-boot-server [flags of forkcast serve]: the server with a model that takes a second to load.

#include <chrono>
#include <exception>
#include <iostream>
#include <thread>

#include "data_preprocessing/base/clock.hpp"
#include "serving/commands/serve_command.hpp"
#include "serving/process/process_log.hpp"

int main(int argc, char** argv) {
  try {
    const forkcast::SystemClock clock;
    return forkcast::serving::RunServeCommand(
        {argv + 1, argv + argc},
        {.environment = forkcast::ProcessEnvironment,
         .out = std::cout,
         .err = std::cerr,
         .clock = clock},
        {.before_load = [] { std::this_thread::sleep_for(std::chrono::seconds(1)); }});
  } catch (const std::exception& error) {
    std::cerr << "slow-boot-server: " << error.what() << '\n';
    return forkcast::serving::kExitInternal;
  }
}
