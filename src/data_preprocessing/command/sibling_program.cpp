#include "data_preprocessing/command/sibling_program.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "data_preprocessing/command/failure.hpp"

namespace forkcast::preprocessing {

void BecomeSibling(const std::string& program, const std::vector<std::string>& words) {
  // Where the running file lies, whatever it was called by: a link, or a name that PATH resolved.
  std::error_code failed;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (failed) {
    throw Failure(ExitCode::kIo, fmt::format("/proc/self/exe: {}", failed.message()));
  }
  const std::string path = (self.parent_path() / program).string();
  std::vector<const char*> arguments{path.c_str()};
  for (const std::string& word : words) arguments.push_back(word.c_str());
  arguments.push_back(nullptr);
  // exec takes pointers to what it does not change.
  ::execv(path.c_str(), const_cast<char* const*>(arguments.data()));
  const std::error_code why(errno, std::generic_category());
  throw Failure(ExitCode::kIo, fmt::format("{}: cannot be run: {} (it is installed beside {})",
                                           path, why.message(), self.filename().string()));
}

}  // namespace forkcast::preprocessing
