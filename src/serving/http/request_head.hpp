#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "serving/http/request.hpp"

namespace forkcast::serving {

/// The header fields that are looked at.
enum Header : std::size_t {
  // Lists, which may be sent in several parts.
  kAccept,
  kAcceptEncoding,
  kForwardedFor,
  kForwarded,
  kListCount,
  // Others, once.
  kHost = kListCount,
  kContentLength,
  kContentType,
  kContentEncoding,
  kTransferEncoding,
  kExpect,
  kOrigin,
  kPreflightMethod,
  kInferenceId,
  kRequestId,
  kCustomAttributes,
  kTargetModel,
  kIdempotencyKey,
  kTraceparent,
  kInferenceHeaderLength,
  kHeaderCount
};

/// As people write it, for messages.
[[nodiscard]] std::string_view NameOf(Header header) noexcept;

/// The one of this name, whose case does not matter; none for what is not looked at.
[[nodiscard]] std::optional<Header> HeaderOf(std::string_view name) noexcept;

/// A stretch of the buffer; an offset, because the buffer moves when a long body makes it grow.
struct Stretch {
  std::size_t offset = 0;
  std::size_t size = 0;
};

/// What a request's head says, as it was sent.
struct RequestHead {
  static constexpr std::size_t kMaxFields = 100;

  Method method = Method::kOther;
  bool is_connect = false;
  int version = 11;
  bool keep_alive = true;
  bool chunked = false;
  std::optional<std::uint64_t> content_length;
  Stretch target;  // without authority
  Stretch line_method;
  Stretch line_target;
  std::array<Stretch, kHeaderCount> headers{};
  std::array<unsigned, kHeaderCount> seen{};
  std::optional<Header> repeated;  // of those that may come once
  std::size_t field_count = 0;
  std::array<std::string, kListCount> joined;  // of those that came in several parts

  void Clear() noexcept;
};

/// Reads the head that `bytes` begin with if it is as most are: whole, of HTTP/1.1, GET, HEAD or
/// POST, a body's length as a number of at most `max_body_bytes`, no field that is looked at more
/// than once, none that changes what a message is, and no odd byte. Returns its size; 0 for any
/// other, which another parser then has to read, and to refuse where it must be: what this one
/// takes that one would take alike.
[[nodiscard]] std::size_t ReadPlainHead(std::string_view bytes, std::size_t max_body_bytes,
                                        RequestHead& head) noexcept;

}  // namespace forkcast::serving
