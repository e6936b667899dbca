#pragma once

#include <boost/program_options.hpp>
#include <exception>
#include <iostream>

namespace forkcast::bench {

/// A tool's main: its exit code is that of `run`, 2 for a command line that boost refuses, 1 for
/// any other exception; the message, behind the tool's name, goes to stderr.
inline int RunTool(const char* name, int (*run)(int, const char* const*), int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const boost::program_options::error& error) {
    std::cerr << name << ": " << error.what() << " (see --help)\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << name << ": " << error.what() << '\n';
    return 1;
  }
}

}  // namespace forkcast::bench
