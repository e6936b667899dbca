#include "serving/process/log_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace forkcast::serving {
namespace {

constexpr std::string_view kStandardOutput = "-";

Error CannotWrite(const LogFile::Options& options) {
  return {ErrorCode::kIo,
          fmt::format("{}: cannot be written to: {}", options.path.string(),
                      std::generic_category().message(errno)),
          options.setting};
}

Fd OpenFile(const LogFile::Options& options) noexcept {
  // O_NONBLOCK: for a named pipe.
  Fd file(::open(options.path.c_str(),
                 O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, options.mode));
  // A regular file only; best effort, since whoever may open it may write to it already.
  struct stat status {};
  if (file && options.owner && ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode)) {
    [[maybe_unused]] const int given =
        ::fchown(file.get(), options.owner->user, options.owner->group);
  }
  return file;
}

}  // namespace

Result<LogFile> LogFile::Open(const Options& options, LogLosses& losses) {
  LogFile log(options, losses);
  if (options.path == kStandardOutput) {
    log.output_ = LogOutput::OfStandard(STDOUT_FILENO, losses);
  } else {
    std::error_code failed;
    log.options_.path = std::filesystem::absolute(options.path, failed);
    log.output_ = LogOutput(OpenFile(log.options_), losses);
  }
  if (!log.output_) return CannotWrite(options);
  return log;
}

Status LogFile::Reopen() {
  if (options_.path == kStandardOutput) return {};
  LogOutput file(OpenFile(options_), losses_);
  if (!file) return CannotWrite(options_);
  output_ = std::move(file);
  return {};
}

}  // namespace forkcast::serving
