#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::wire {

/// Unpacks one gzip body (RFC 1952) after the other, in steps:
///     reader.Start(packed, most);
///     do { ... } while (more = reader.Continue(65536), more.ok() && !*more);
/// Several members behind each other are one text, as gzip makes of several files. Memory follows
/// what comes out, and never exceeds `most` by more than a step: a body that would become larger is
/// given up. Keeps its memory; steady state allocates nothing.
class GzipReader {
 public:
  GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;
  ~GzipReader();

  /// Begins. `packed` must live until it is read. `most`: bytes that may come out.
  void Start(std::string_view packed, std::size_t most);
  /// Reads on until about so many bytes more have come out. True when all have. kInvalidArgument
  /// for what is no gzip, is damaged or cut short, or has something else behind it; kTooLarge.
  /// Throws std::bad_alloc.
  Result<bool> Continue(std::size_t bytes);
  /// What came out, when all has; kBodyPadding readable bytes follow. Until Start().
  [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), size_}; }
  /// Bytes of memory that are kept.
  [[nodiscard]] std::size_t room() const noexcept { return text_.size(); }

 private:
  struct Stream;  // zlib's, kept out of this header

  Result<bool> Inflate();
  [[nodiscard]] Error TooLarge() const;

  std::unique_ptr<Stream> stream_;  // made when it is first used: most bodies are not packed
  std::size_t most_ = 0;
  std::string text_;      // as long as there is room for
  std::size_t size_ = 0;  // of what came out
};

/// Packs one text after the other, in steps as GzipReader. Keeps its memory.
class GzipWriter {
 public:
  /// Throws std::bad_alloc.
  GzipWriter();
  GzipWriter(const GzipWriter&) = delete;
  GzipWriter& operator=(const GzipWriter&) = delete;
  ~GzipWriter();

  /// Begins. `text` must live until it is packed.
  void Start(std::string_view text);
  /// Packs so many bytes more. True when all are.
  bool Continue(std::size_t bytes);
  /// When all are packed; may be swapped away.
  [[nodiscard]] std::string& packed() noexcept { return packed_; }

 private:
  struct Stream;

  std::unique_ptr<Stream> stream_;
  std::string_view rest_;
  std::string packed_;
};

}  // namespace forkcast::wire
