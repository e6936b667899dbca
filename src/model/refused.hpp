#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::model {

/// Why a file or a model is not taken. Thrown within a folder, deep in what reads or writes a
/// format, and caught by what others call of it.
struct Refused {
  Error error;
};

/// Of what is valid, and not what is needed here.
[[noreturn]] inline void Refuse(std::string message, std::string field = {}) {
  throw Refused{{ErrorCode::kInvalidArgument, std::move(message), std::move(field)}};
}

/// Of what is valid, and not understood here.
[[noreturn]] inline void RefuseUnknown(std::string message) { Refuse(std::move(message)); }

/// Of bytes that are no whole model, or contradict themselves.
[[noreturn]] inline void RefuseCorrupt(std::string message) {
  throw Refused{{ErrorCode::kCorrupt, std::move(message)}};
}

/// What there is; else it is refused.
template <typename T>
T Need(Result<T> result) {
  if (!result) throw Refused{std::move(result).error()};
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// `where` stands before the message: a file, a member of one.
template <typename T>
T Need(std::string_view where, Result<T> result) {
  if (result) return *std::move(result);
  throw Refused{
      {result.error().code, std::string(where).append(": ").append(result.error().message)}};
}

}  // namespace forkcast::model
