#pragma once

#include <memory>
#include <string>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

/// A model that is to be loaded or unloaded, in all workers of the server.
struct ModelChange {
  enum class Outcome {
    kPending,
    kDone,     ///< In all of them.
    kRefused,  ///< In none; `error` says why.
    kNoRoom,   ///< In none, since there is no memory or there are as many models as may be.
  };
  Outcome outcome = Outcome::kPending;
  Error error{};
};

/// What loads and unloads models while the server runs. Belongs to the worker's loop, as do the
/// changes, which go on whether or not anybody waits for them.
class ModelControl {
 public:
  virtual ~ModelControl() = default;

  /// Where a model lies of which nothing but the name is said: below the root, in a folder of its
  /// name.
  [[nodiscard]] virtual std::string UsualUrl(const std::string& name) const = 0;
  /// Loads what lies at `url`, to be asked for by `name`. Done when every worker answers for it.
  /// Refused: kInvalidArgument for a place that is not below the root or holds no model, kNotFound
  /// for one that is not there, kConflict for a name that is taken, kDeadlineExceeded.
  virtual std::shared_ptr<const ModelChange> Load(const std::string& name, const std::string& url,
                                                  MonotonicTime deadline) = 0;
  /// Unloads the model. Done when no worker holds anything of it, so that requests in work are
  /// answered. Refused: kNotFound, kDeadlineExceeded; then it goes on.
  virtual std::shared_ptr<const ModelChange> Unload(const std::string& name,
                                                    MonotonicTime deadline) = 0;
};

}  // namespace forkcast::serving
