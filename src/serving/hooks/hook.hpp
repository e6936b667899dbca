#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "serving/hooks/remarks.hpp"
#include "serving/wire/invocation.hpp"

namespace forkcast::serving {

using wire::Invocation;

/// What a hook makes of what it saw. The graver one of several counts.
enum class Verdict : std::uint8_t {
  kGoOn,
  kFlag,    ///< It is answered, and the answer says the flags among the remarks.
  kReject,  ///< The rows that the remarks refuse are not answered, or the whole request is not.
};

/// A name of what is served, and its type.
struct HookColumn {
  std::string_view name;
  preprocessing::ColumnType type = preprocessing::ColumnType::kText;
};

/// A deployment as hooks can be checked against it.
struct HookSubject {
  std::string_view deployment;
  std::span<const HookColumn> fields;
  std::span<const HookColumn> features;
  std::span<const HookColumn> outputs;
};

/// What a hook has still to do for an invocation that is answered, in slices between which others
/// have their turn. Its views are there until it is done or destroyed, as it is when the client
/// goes away.
class HookWork {
 public:
  virtual ~HookWork() = default;
  /// Works for a quarter of a millisecond or so. False when nothing is left.
  [[nodiscard]] virtual bool Continue() noexcept = 0;
};

/// Watches invocations from within the worker that answers them, and judges them until they are
/// answered. Hooks run in the order of the configuration, on the worker's loop: they must not
/// block. What a hook throws costs a log line and a count, never the answer. An invocation that
/// fails early skips what follows but OnAnswer().
class Hook {
 public:
  virtual ~Hook() = default;
  /// The request is read: its body is there, its rows are not.
  virtual Verdict OnRequest(const Invocation& /*invocation*/, Remarks& /*remarks*/) {
    return Verdict::kGoOn;
  }
  /// Its rows are decoded.
  virtual Verdict OnRows(const Invocation& /*invocation*/, Remarks& /*remarks*/) {
    return Verdict::kGoOn;
  }
  /// The features of all its rows are computed.
  virtual Verdict OnFeatures(const Invocation& /*invocation*/, Remarks& /*remarks*/) {
    return Verdict::kGoOn;
  }
  /// The model has scored all its rows, and nothing is written of the answer.
  virtual Verdict OnOutputs(const Invocation& /*invocation*/, Remarks& /*remarks*/) {
    return Verdict::kGoOn;
  }
  /// The answer is made, whatever its status: nothing can be changed any more.
  virtual void OnAnswer(const Invocation& /*invocation*/) {}
  /// Instead of OnAnswer() where the invocation is so large that what looks at all of it takes more
  /// than a slice: what is left to do, if anything.
  [[nodiscard]] virtual std::unique_ptr<HookWork> OnLargeAnswer(const Invocation& invocation) {
    OnAnswer(invocation);
    return nullptr;
  }

  /// About twice a second, between two requests or slices of them.
  virtual void OnTick(MonotonicTime /*now*/) {}
  /// The worker is about to end, and has answered its last request. Not called when it is killed.
  virtual void OnDrain() {}
};

}  // namespace forkcast::serving
