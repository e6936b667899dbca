#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

/// Reads one answer of HTTP/1.1 after the other, as far as has come. Strict, since an answer that
/// is taken for another's gives a wrong forecast: a length that is said twice, bytes behind the
/// answer, a line that is no header are errors, and the connection is given up. Takes
/// Content-Length and chunks; an answer that ends with its connection is refused, since nobody
/// could tell whether it is whole. Knows no socket.
class ResponseReader {
 public:
  struct Limits {
    std::size_t max_head_bytes = 16384;  ///< Heads of interim answers (1xx) before it included.
    std::size_t max_body_bytes = 16'777'216;
  };
  explicit ResponseReader(Limits limits) : limits_(limits) {}

  /// Room for bytes to be read into, until the next call.
  [[nodiscard]] char* Room(std::size_t bytes);
  /// So many bytes of it were filled. True when the answer is whole. kMalformed for what is none,
  /// kTooLarge for one beyond the limits.
  Result<bool> Filled(std::size_t bytes);
  /// Begins the next one.
  void Next() noexcept;

  /// Whether anything of the answer has come.
  [[nodiscard]] bool has_begun() const noexcept { return end_ > 0; }

  // Of a whole answer; views live until the next call of one of the above.

  [[nodiscard]] int status() const noexcept { return status_; }
  /// Behind it kBodyPadding bytes are readable.
  [[nodiscard]] std::string_view body() const noexcept;
  [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
  /// Of the header Inference-Header-Content-Length: how many bytes of the body are JSON.
  [[nodiscard]] std::optional<std::size_t> json_size() const noexcept { return json_size_; }

 private:
  enum class Part { kHead, kSized, kChunkSize, kChunk, kChunkEnd, kTrailer, kWhole };

  Result<bool> ReadOn();
  void ForgetHead() noexcept;
  Status ReadHead(std::string_view head);
  Status ReadStatusLine(std::string_view line);
  Status ReadHeader(std::string_view line);
  Result<bool> ReadChunks();
  Status ReadChunkSize(std::string_view line);
  /// The next line of what has come, without its end; none where it is not whole.
  Result<std::optional<std::string_view>> Line(std::size_t most);
  /// Whether more than `most` bytes come before the mark, which was found at `end` of rest().
  [[nodiscard]] bool IsBeyond(std::size_t end, std::string_view mark,
                              std::size_t most) const noexcept;
  [[nodiscard]] std::string_view rest() const noexcept {
    return std::string_view(buffer_).substr(at_, end_ - at_);
  }

  const Limits limits_;
  std::string buffer_;  // what has come, and room behind it
  std::size_t end_ = 0;
  std::size_t at_ = 0;  // what is before it is read
  Part part_ = Part::kHead;
  int status_ = 0;
  bool keep_alive_ = true;
  bool is_chunked_ = false;
  std::optional<std::size_t> length_;
  std::optional<std::size_t> json_size_;
  std::size_t left_ = 0;  // of the body, or of the chunk
  std::string chunks_;    // put together, with room behind them
  std::size_t chunked_ = 0;
};

}  // namespace forkcast::serving
