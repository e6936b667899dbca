#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "serving/http/request.hpp"
#include "serving/routes/route.hpp"
#include "serving/service/scoring_steps.hpp"
#include "serving/service/served_pipeline.hpp"

namespace forkcast::serving {

/// A deployment, ready to answer.
struct ServedDeployment {
  std::string name;
  std::shared_ptr<const ServedPipeline> pipeline;
  std::vector<std::shared_ptr<const Route>> routes{};  ///< Bound to the pipeline.
};

/// What a worker serves, by name. Not thread-safe: used by the worker's loop alone.
class Catalogue {
 public:
  /// A deployment and the steps that no request uses right now.
  struct Entry {
    ServedDeployment deployment;
    std::vector<std::unique_ptr<ScoringSteps>> idle{};
  };

  /// From now on these answer, each of another name; the first is the default. What was served
  /// before is let go, but for what requests in work hold until they are answered.
  void Serve(std::vector<ServedDeployment> deployments);

  /// From now on `pipeline`, to which `routes` are bound, answers for the deployment at `place`
  /// among entries(), which stays where it is; the old one is let go as by Serve().
  void Replace(std::size_t place, std::shared_ptr<const ServedPipeline> pipeline,
               std::vector<std::shared_ptr<const Route>> routes = {});

  /// What is answered while nothing is loaded.
  [[nodiscard]] static Error NotReady();
  /// In the order in which they were given; empty while nothing is loaded.
  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }

  /// The deployment called `name`, or the default for the empty name; it stays where it is until
  /// the next Serve(). kNotReady while nothing is loaded; kNotFound naming those that there are.
  [[nodiscard]] Result<Entry*> Find(std::string_view name);
  /// The same of an endpoint: where there is one deployment alone, it answers to any name, since
  /// the SDKs that ask for an endpoint insist on one.
  [[nodiscard]] Result<Entry*> FindEndpoint(std::string_view name);

  /// A declared route and the deployment that has it.
  struct Found {
    Entry* entry = nullptr;
    std::shared_ptr<const Route> route;
  };
  /// The one that is declared so. kNotReady while nothing is loaded; kNotFound when
  /// its deployment is not served any more.
  [[nodiscard]] Result<Found> FindRoute(Method method, std::string_view path);

  /// Steps of an entry, for one request. Allocates nothing when others have been given back.
  [[nodiscard]] static std::unique_ptr<ScoringSteps> Take(Entry& entry,
                                                          const wire::DecoderLimits& limits);
  /// Keeps them for the next request, unless their pipeline is not served any more.
  void GiveBack(std::unique_ptr<ScoringSteps> steps);

 private:
  std::vector<Entry> entries_;
};

}  // namespace forkcast::serving
