#pragma once

#include <memory>
#include <string_view>
#include <utility>

namespace forkcast::serving {

class ServedPipeline;

/// What a worker serves, by name. It is one pipeline, which answers to any name: the SDKs that ask
/// for an endpoint insist on one. Not thread-safe.
class Catalogue {
 public:
  /// From now on the pipeline answers; requests in work go on with the one they began with.
  void Serve(std::shared_ptr<const ServedPipeline> pipeline) { only_ = std::move(pipeline); }

  /// Null while nothing is loaded.
  [[nodiscard]] const std::shared_ptr<const ServedPipeline>& Find(
      std::string_view /*name*/) const noexcept {
    return only_;
  }

 private:
  std::shared_ptr<const ServedPipeline> only_;
};

}  // namespace forkcast::serving
