#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/base/result.hpp"

namespace forkcast::client {

/// A file of results that another program may follow while it grows; what was there is replaced.
/// Errors are kIo and name the file.
class ResultFile {
 public:
  static Result<ResultFile> Create(const std::filesystem::path& path);

  /// Appends; in large writes, so that what is to be seen by now needs a Flush().
  Status Append(std::string_view text);
  Status Flush();
  /// Flushes and closes: the last chance of the system to say that something was not written.
  Status Close();

 private:
  ResultFile(Fd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}

  Fd fd_;
  std::string name_;
  std::string buffer_;
};

}  // namespace forkcast::client
