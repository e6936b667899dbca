#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "serving/access/bearer.hpp"
#include "serving/http/request.hpp"

namespace forkcast::serving {

struct RequestLimits {
  std::size_t max_header_bytes = 16384;  ///< Request line and header fields together.
  std::size_t max_body_bytes = 6291456;
};

/// A request that cannot be answered as what it claims to be; the connection ends behind it.
struct RequestFault {
  ErrorCode code = ErrorCode::kMalformed;
  std::string message;
  std::string_view field{};  ///< The header concerned, a static text; empty: none.
};

/// A request's first line as it was sent.
struct RequestLine {
  std::string_view method;
  std::string_view target;
  std::string_view version;  ///< "HTTP/1.1"; as the others empty when that much did not come.
};

/// Cuts one connection's bytes into requests. Bytes are read into one flat buffer; a body whose
/// length was announced is never copied, a chunked one is joined. Beast parses; what it lets
/// through but a server must not is checked here (prefork servers have been smuggled through just
/// these): a missing or second Host, a Transfer-Encoding other than `chunked`, continuation lines,
/// headers given twice that may come once.
///
///     while (true) {
///       switch (reader.Parse()) { case kNeedMore: read into Prepare(), Commit(n); ... }
///     }
///
/// Steady state allocates nothing.
class RequestReader {
 public:
  enum class Progress {
    kNeedMore,  ///< Read on.
    kContinue,  ///< The client waits for "100 Continue" before its body; said once a request.
    kRequest,   ///< request() is whole.
    kFault,     ///< fault() says why there will be none.
  };

  /// `clock` outlives the reader, and says when a request began.
  RequestReader(const RequestLimits& limits, const Clock& clock);
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;
  ~RequestReader();

  /// Where the next bytes belong; never empty after kNeedMore or kContinue.
  [[nodiscard]] std::span<char> Prepare();
  void Commit(std::size_t bytes) noexcept;
  Progress Parse();

  /// Valid from kRequest until Next().
  [[nodiscard]] RequestView& request() noexcept { return request_; }
  [[nodiscard]] const RequestFault& fault() const noexcept { return fault_; }
  /// Of a request that is not whole, or is none: path, ids and time as far as they can be read.
  /// Valid until Prepare() or Next().
  [[nodiscard]] RequestView Glimpse() const noexcept;
  /// A field of the request at hand by its name, whose case does not matter: for those that few
  /// ask for. Valid from kRequest until Next().
  [[nodiscard]] SentField Find(std::string_view name) const noexcept;
  /// Whom the request at hand was meant for: the target's authority, where it has one, goes before
  /// the header Host (RFC 9112, 3.2.2). Valid as Find() is.
  [[nodiscard]] std::string_view host() const noexcept;
  /// Of a request that is not whole: "12 of 100 bytes of its body had come".
  [[nodiscard]] std::string DescribeArrival() const;
  /// Valid, and empty when there is none, until Prepare() or Next(), whatever Parse() said.
  [[nodiscard]] RequestLine line() const noexcept;
  /// Whether the client would keep the connection; of the request at hand.
  [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
  [[nodiscard]] bool http_1_0() const noexcept { return http_1_0_; }
  /// Whether any byte of a request that is not yet whole has come.
  [[nodiscard]] bool in_request() const noexcept { return end_ > 0; }

  /// Forgets the request at hand; bytes behind it are the beginning of the next one.
  void Next();

 private:
  struct Parser;  // Beast's, kept out of this header

  Progress Fail(ErrorCode code, std::string message, std::string_view field = {});
  /// Empty lines before a request, which some clients send behind a body (RFC 9112, 2.2).
  void DropEmptyLines() noexcept;
  Progress ParseHeader();
  Progress CheckHeader();
  Progress CheckFields();
  Progress CheckTarget();
  Progress ReadBody();
  Progress ReadChunks();
  void Reserve(std::size_t bytes);
  void FillRequest(std::string_view body);

  RequestLimits limits_;
  const Clock& clock_;
  std::unique_ptr<Parser> parser_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;  // without padding
  std::size_t end_ = 0;       // bytes read
  std::size_t parsed_ = 0;    // bytes that the parser has taken
  std::size_t header_bytes_ = 0;
  std::size_t wanted_ = 0;  // bytes in all once the length is known
  bool header_done_ = false;
  bool continue_pending_ = false;
  bool keep_alive_ = true;
  bool http_1_0_ = false;
  std::string chunked_body_;  // what of it has come
  RequestView request_;
  RequestFault fault_;
};

}  // namespace forkcast::serving
