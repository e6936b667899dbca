#include "serving/upstream/fetch_binding.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <string>
#include <utility>
#include <vector>

#include "serving/upstream/remote_document.hpp"
#include "serving/upstream/upstream_connection.hpp"

namespace forkcast::serving {
namespace {

using Done = std::function<void(Result<RemoteBinding>)>;
using Outcome = UpstreamConnection::Outcome;

constexpr int kOk = 200;

Error Failed(std::string why) { return {ErrorCode::kRemoteFailed, std::move(why)}; }
/// A name in metadata may be as long as these.
Error Short(const Error& error) {
  return {error.code, Shortened(error.message), Shortened(error.field)};
}

/// Two questions over one connection, one behind the other.
struct Fetch {
  std::shared_ptr<UpstreamConnection> connection;
  std::shared_ptr<const RemotePlan> plan;
  RemoteAddress address;
  Done done;
  RemoteMetadata metadata{};
};

void OnModel(const Fetch& fetch, const Outcome& outcome) {
  if (outcome.end != UpstreamConnection::End::kAnswered) return fetch.done(Failed(outcome.problem));
  const ResponseReader& answer = fetch.connection->answer();
  if (answer.status() != kOk) {
    return fetch.done(Failed(fmt::format("it has no model \"{}\" ({}): {}", fetch.plan->spec.model,
                                         answer.status(), ErrorTextIn(answer.body()))));
  }
  RemoteMetadata metadata = fetch.metadata;
  if (Status read = ReadModelMetadata(answer.body(), metadata); !read) {
    return fetch.done(Short(read.error()));
  }
  Result<RemoteBinding> binding = Bind(*fetch.plan, metadata);
  if (!binding) return fetch.done(Short(binding.error()));
  fetch.done(std::move(binding));
}

void OnServer(const std::shared_ptr<Fetch>& fetch, const Outcome& outcome) {
  if (outcome.end != UpstreamConnection::End::kAnswered) {
    return fetch->done(Failed(outcome.problem));
  }
  const ResponseReader& answer = fetch->connection->answer();
  // Some that speak the protocol do not say what they are.
  if (answer.status() == kOk) {
    const Result<bool> takes_binary = ReadTakesBinary(answer.body());
    if (!takes_binary) return fetch->done(takes_binary.error());
    fetch->metadata.takes_binary = *takes_binary;
  }
  fetch->connection->Send({.head = ModelMetadataRequest(*fetch->plan, fetch->address)},
                          [fetch](const Outcome& later) { OnModel(*fetch, later); });
}

}  // namespace

void FetchBinding(const std::shared_ptr<UpstreamConnection>& connection,
                  std::shared_ptr<const RemotePlan> plan, const RemoteAddress& address, Done done) {
  const auto fetch = std::make_shared<Fetch>(Fetch{.connection = connection,
                                                   .plan = std::move(plan),
                                                   .address = address,
                                                   .done = std::move(done)});
  connection->Send({.head = ServerMetadataRequest(address)},
                   [fetch](const Outcome& outcome) { OnServer(fetch, outcome); });
}

Status ProbeRemote(const std::shared_ptr<const RemotePlan>& plan,
                   std::chrono::milliseconds patience) {
  boost::asio::io_context loop{1};
  std::vector<std::shared_ptr<UpstreamConnection>> connections;
  Status fits;
  std::size_t left = plan->spec.addresses.size();
  for (const RemoteAddress& address : plan->spec.addresses) {
    connections.push_back(std::make_shared<UpstreamConnection>(loop, address, kAnswerLimits));
    FetchBinding(connections.back(), plan, address, [&](const Result<RemoteBinding>& binding) {
      if (!binding && binding.error().code == ErrorCode::kInvalidArgument && fits) {
        fits = Error{ErrorCode::kInvalidArgument,
                     fmt::format("the model \"{}\" at {}: {}", plan->spec.model, ToString(address),
                                 binding.error().message),
                     binding.error().field};
      }
      if (--left == 0) loop.stop();
    });
  }
  loop.run_for(patience);
  for (const auto& connection : connections) connection->Close();
  return fits;
}

}  // namespace forkcast::serving
