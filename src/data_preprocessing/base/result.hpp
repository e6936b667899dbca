#pragma once

#include <cassert>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace forkcast {

/// What kind of thing went wrong, in no protocol's words. serving/http/error_response.cpp alone
/// turns a code into an HTTP status.
enum class ErrorCode {
  kInvalidArgument,    ///< The caller's values are wrong.
  kMalformed,          ///< The caller's bytes are no request at all.
  kFeatureMissing,     ///< Well formed, but a feature cannot be computed and its rule is "error".
  kFeatureStale,       ///< Well formed, but the data are older than the pipeline allows.
  kRejected,           ///< Well formed, but a rule or a hook refuses it.
  kTooLarge,           ///< A body over its limit.
  kHeaderTooLarge,     ///< What comes before the body over its limit.
  kUnsupportedType,    ///< A content type, encoding or charset that is not understood.
  kNotAcceptable,      ///< None of the answer formats asked for can be produced.
  kExpectationFailed,  ///< An `Expect` header other than 100-continue.
  kNotImplemented,     ///< A way of sending that is not understood.
  kUnknownVersion,     ///< A version of the protocol that is not understood.
  kNotFound,
  kMethodNotAllowed,
  kNotReady,          ///< Still loading, or stopping.
  kOverloaded,        ///< More is waiting than can be done in time.
  kDeadlineExceeded,  ///< The answer would come after its deadline.
  kRemoteFailed,      ///< A server that has to be asked gave no answer, or a wrong one.
  kClientTimeout,     ///< The client took too long to send its request.
  kConflict,          ///< A row contradicts one that is stored under the same key.
  kRefusedData,       ///< Stored rows do not allow what a pipeline makes of them.
  kCorrupt,           ///< A file is not what its writer wrote.
  kIo,                ///< The operating system or the database refused.
  kInternal,          ///< Our fault.
};

/// One failure: what was wrong, with which field, and what was expected.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  std::string field{};  ///< Field, feature, setting or file concerned; empty when there is none.

  friend bool operator==(const Error&, const Error&) = default;
};

/// Of values that somebody gave.
[[nodiscard]] inline Error Invalid(std::string message, std::string_view field = {}) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::string(field)};
}

/// Of a file.
[[nodiscard]] inline Error Corrupt(std::string message) {
  return {ErrorCode::kCorrupt, std::move(message)};
}

/// A `T` or the `Error` that prevented it. Never empty. Reading the wrong side is a programmer's
/// error (asserted).
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {
  }  // NOLINT(google-explicit-constructor): return value;
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {
  }  // NOLINT(google-explicit-constructor): return Error{};

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  T& value() & noexcept { return Held<0>(state_); }
  const T& value() const& noexcept { return Held<0>(state_); }
  T&& value() && noexcept { return std::move(Held<0>(state_)); }
  T& operator*() & noexcept { return value(); }
  const T& operator*() const& noexcept { return value(); }
  T&& operator*() && noexcept { return std::move(*this).value(); }
  T* operator->() noexcept { return &value(); }
  const T* operator->() const noexcept { return &value(); }

  const Error& error() const& noexcept { return Held<1>(state_); }
  Error&& error() && noexcept { return std::move(Held<1>(state_)); }

 private:
  /// Without the hint GCC warns, in optimised builds, of the null that get_if never gives here.
  template <std::size_t kSide, typename State>
  static auto& Held(State& state) noexcept {
    auto* const held = std::get_if<kSide>(&state);
    assert(held != nullptr);
    if (held == nullptr) __builtin_unreachable();
    return *held;
  }

  std::variant<T, Error> state_;
};

/// Success, or the `Error` that prevented it.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error)
      : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor): return Error{};

  [[nodiscard]] bool ok() const noexcept { return !error_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }
  const Error& error() const& noexcept { return assert(!ok()), *error_; }
  Error&& error() && noexcept { return assert(!ok()), std::move(*error_); }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace forkcast
