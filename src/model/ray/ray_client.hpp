#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "data_preprocessing/base/environment.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/remote/http_client.hpp"

namespace forkcast::model {

/// Where a cluster's dashboard is, which takes jobs, and as whom it is asked.
struct RaySettings {
  std::string url;    ///< "http://127.0.0.1:8265", without '/' at its end.
  std::string token;  ///< Empty: none.
};

/// "ray://HOST:PORT", the address of the dashboard, perhaps with "?TOKEN"; else the token is
/// RAY_AUTH_TOKEN, as Ray's own client has it. "ray+https://" for one behind TLS. kInvalidArgument.
[[nodiscard]] Result<RaySettings> ReadRaySettings(std::string_view address,
                                                  const Environment& environment);

/// Where a job of Ray is.
enum class RayStatus {
  kPending,
  kRunning,
  kSucceeded,
  kFailed,
  kStopped,
};
[[nodiscard]] constexpr bool IsOver(RayStatus status) noexcept {
  return status != RayStatus::kPending && status != RayStatus::kRunning;
}

struct RayJob {
  RayStatus status = RayStatus::kPending;
  std::string message{};           ///< What Ray says of it.
  std::optional<int> exit_code{};  ///< Of its command, where that came to an end.
};

/// What to run: a command as a shell takes it, on whatever machine has so many CPUs left.
struct RayTask {
  std::string id;  ///< Unique in the cluster, for ever.
  std::string command;
  unsigned cpus = 1;
  nlohmann::ordered_json metadata{};  ///< Texts by name, for people.
};

/// Asks a cluster by Ray's REST interface for jobs. For one thread. Errors never have the token in
/// them: kIo when the cluster is away or answers otherwise than Ray does, kNotFound for a job that
/// it does not know (any more), kInvalidArgument for what it refuses.
class RayClient {
 public:
  explicit RayClient(RaySettings settings, const HttpLimits& limits = {});

  /// "2.60.0"; kInvalidArgument for one whose interface is not the one that is spoken here.
  [[nodiscard]] Result<std::string> Version();
  Status Submit(const RayTask& task);
  [[nodiscard]] Result<RayJob> Find(const std::string& id);
  /// The end of what it wrote: its last `lines`.
  [[nodiscard]] Result<std::string> LogEnd(const std::string& id, std::size_t lines);
  /// Asks for its end; nothing to do where it has ended.
  Status Stop(const std::string& id);

  [[nodiscard]] const std::string& url() const noexcept { return settings_.url; }

 private:
  [[nodiscard]] Result<nlohmann::ordered_json> Ask(const std::string& method,
                                                   const std::string& path,
                                                   const std::string& body = {});

  RaySettings settings_;
  HttpClient http_;
};

}  // namespace forkcast::model
