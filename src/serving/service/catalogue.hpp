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

class Challenger;

/// A deployment, ready to answer.
struct ServedDeployment {
  std::string name;
  std::shared_ptr<const ServedPipeline> pipeline;
  std::vector<std::shared_ptr<const Route>> routes{};  ///< Bound to the pipeline.
  std::string url{};                                   ///< Where it lies (PlaceOf()).
  /// Settings declare it; else it was loaded since, and may be unloaded.
  bool is_declared = true;
};

/// What a worker serves, by name. Not thread-safe: used by the worker's loop alone.
class Catalogue {
 public:
  /// A deployment and the steps that no request uses right now.
  struct Entry {
    ServedDeployment deployment;
    std::vector<std::unique_ptr<ScoringSteps>> idle{};
    std::shared_ptr<Challenger> challenger{};  ///< Null: it has none.
  };

  /// From now on these answer, each of another name; the first is the default, if it is declared,
  /// as all are that stand before one that is not. What was served before is let go, but for what
  /// requests in work hold until they are answered.
  void Serve(std::vector<ServedDeployment> deployments);

  /// From now on this one answers, too, behind the others. Precondition: nothing is called so, and
  /// it is not declared.
  void Add(ServedDeployment deployment);
  /// The one of this name answers no more; it is let go as by Serve(). No effect when there is
  /// none.
  void Remove(std::string_view name);

  /// From now on `pipeline`, to which `routes` are bound, answers for the deployment at `place`
  /// among entries(), which stays where it is; the old one is let go as by Serve().
  void Replace(std::size_t place, std::shared_ptr<const ServedPipeline> pipeline,
               std::vector<std::shared_ptr<const Route>> routes = {});

  /// From now on this one is compared with the deployment called `name`; null: none is. No effect
  /// when there is no such deployment.
  void SetChallenger(std::string_view name, std::shared_ptr<Challenger> challenger);

  /// What is answered while nothing is loaded.
  [[nodiscard]] static Error NotReady();
  /// Whether what is to be served is loaded, which may be nothing.
  [[nodiscard]] bool is_ready() const noexcept { return ready_; }
  /// In the order in which they were given.
  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }
  /// The deployment called `name`, or null.
  [[nodiscard]] const Entry* Named(std::string_view name) const noexcept;

  /// The deployment called `name`, or the default for the empty name; it stays where it is until
  /// entries come or go. kNotReady while nothing is loaded; kNotFound naming those that there are.
  [[nodiscard]] Result<Entry*> Find(std::string_view name);
  /// The same of an endpoint: where one deployment alone is declared, it answers to any name that
  /// no other has, since the SDKs that ask for an endpoint insist on one.
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
  std::size_t declared_ = 0;  // of entries_, at its beginning
  bool ready_ = false;
};

}  // namespace forkcast::serving
