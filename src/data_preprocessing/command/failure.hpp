#pragma once

#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/command/exit_code.hpp"

namespace forkcast::preprocessing {

/// Ends a command from wherever it is. RunCommand() alone catches it, prints the message and
/// returns the code.
class Failure : public std::runtime_error {
 public:
  Failure(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  [[nodiscard]] ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

/// What an error means to a command that was told where to look, and found it wrong.
[[nodiscard]] constexpr ExitCode ExitCodeOf(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return ExitCode::kUsage;
    case ErrorCode::kNotFound:
    case ErrorCode::kCorrupt:
    case ErrorCode::kRefusedData:
      return ExitCode::kUnfit;
    default:
      return ExitCode::kIo;
  }
}

/// What an error means where the command was called well, whatever is wrong with what it works on.
[[nodiscard]] constexpr ExitCode UnfitUnlessIo(ErrorCode code) noexcept {
  return code == ErrorCode::kIo ? ExitCode::kIo : ExitCode::kUnfit;
}

/// The value of `result`, or a Failure with the code that `code_of` finds for its error: a command
/// whose errors mean something else brings its own.
template <typename T>
T Require(Result<T> result, ExitCode (*code_of)(ErrorCode) = ExitCodeOf) {
  if (!result) throw Failure(code_of(result.error().code), result.error().message);
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// The same where every error means one thing.
template <typename T>
T Require(Result<T> result, ExitCode code) {
  if (!result) throw Failure(code, result.error().message);
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace forkcast::preprocessing
