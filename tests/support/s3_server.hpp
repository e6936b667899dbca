#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data_preprocessing/base/environment.hpp"
#include "support/program.hpp"
#include "support/test_files.hpp"

namespace forkcast::process_test {

/// A server of S3's protocol of a test's own (versitygw, which checks signatures strictly), over a
/// new folder and at a free port; it ends with the object. It has one bucket.
class S3Server {
 public:
  static constexpr const char* kBucket = "forecasts";

  /// Whether there is the program: in the folder that VERSITYGW names, else in
  /// ~/.cache/forkcast/versitygw, into which it is built if Go can.
  [[nodiscard]] static bool IsInstalled();

  /// Starts it; throws std::runtime_error when it does not answer in time.
  S3Server();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// What clients need, NAME=VALUE; `port`: of whoever stands before it. Versions are cached in a
  /// folder called `cache`.
  [[nodiscard]] std::vector<std::string> Variables(std::uint16_t port,
                                                   const std::string& cache = "cache") const;
  [[nodiscard]] std::filesystem::path cache(const std::string& name = "cache") const {
    return folder_.path() / name;
  }
  /// The bucket's objects as files.
  [[nodiscard]] std::filesystem::path bucket() const { return folder_.path() / "s3" / kBucket; }

  /// Ends it as a crash would; and starts it again on what it has kept.
  void Kill();
  void Start();

 private:
  preprocessing::TempFolder folder_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Program> server_;
};

/// Variables as an environment of their own.
[[nodiscard]] Environment EnvironmentOf(std::vector<std::string> variables);

}  // namespace forkcast::process_test
