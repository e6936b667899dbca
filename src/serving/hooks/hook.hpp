#pragma once

#include "serving/wire/invocation.hpp"

namespace forkcast::serving {

using wire::Invocation;

/// Watches invocations from within the worker that answers them. Hooks run in the order of the
/// configuration, on the worker's loop: they must not block. What a hook throws costs a log line
/// and a count, never the answer. An invocation that fails early skips OnFeatures().
class Hook {
 public:
  virtual ~Hook() = default;
  virtual void OnRequest(const Invocation& /*invocation*/) {}
  virtual void OnFeatures(const Invocation& /*invocation*/) {}
  virtual void OnAnswer(const Invocation& /*invocation*/) {}
};

}  // namespace forkcast::serving
