#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "data_preprocessing/base/result.hpp"
#include "serving/upstream/remote_binding.hpp"
#include "serving/upstream/remote_plan.hpp"
#include "serving/upstream/response_reader.hpp"

namespace forkcast::serving {

class UpstreamConnection;

/// What answers of remote models may be. One of more is refused.
inline constexpr ResponseReader::Limits kAnswerLimits{};

/// Asks a server what it is and what its model takes, and matches that with the plan. `done` is
/// called on the connection's loop, unless the connection is closed before. kRemoteFailed: it could
/// not be asked, or does not have the model now. kInvalidArgument: as Bind().
void FetchBinding(const std::shared_ptr<UpstreamConnection>& connection,
                  std::shared_ptr<const RemotePlan> plan, const RemoteAddress& address,
                  std::function<void(Result<RemoteBinding>)> done);

/// Asks all addresses of a plan at once, for those who load it: blocks on the network for at most
/// `patience`. kInvalidArgument naming the address whose model does not fit. One that does not
/// answer is no error: it is asked again while the deployment serves.
[[nodiscard]] Status ProbeRemote(const std::shared_ptr<const RemotePlan>& plan,
                                 std::chrono::milliseconds patience);

}  // namespace forkcast::serving
