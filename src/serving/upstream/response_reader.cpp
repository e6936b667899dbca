#include "serving/upstream/response_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "data_preprocessing/base/ascii.hpp"
#include "serving/wire/quote.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::serving {
namespace {

using wire::kBodyPadding;

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::size_t kMostChunkLine = 256;
constexpr std::size_t kKeptBytes = 262144;

Error Malformed(std::string_view what, std::string_view text = {}) {
  const std::string shown = text.empty() ? "" : ": " + wire::Quote(text.substr(0, 80));
  return {ErrorCode::kMalformed, fmt::format("the answer is no HTTP: {}{}", what, shown)};
}

std::optional<std::size_t> NumberIn(std::string_view text, int base) noexcept {
  std::size_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data(), end, number, base);
  if (text.empty() || failed != std::errc() || stop != end) return std::nullopt;
  return number;
}

bool IsTokenChar(char c) noexcept {
  const char low = Lower(c);
  return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

/// Whether the comma-separated list has this word.
bool Lists(std::string_view list, std::string_view word) noexcept {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (EqualsIgnoringCase(Trimmed(list.substr(0, comma)), word)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

}  // namespace

char* ResponseReader::Room(std::size_t bytes) {
  if (buffer_.size() < end_ + bytes + kBodyPadding) {
    buffer_.resize(std::max(2 * buffer_.size(), end_ + bytes + kBodyPadding));
  }
  return buffer_.data() + end_;
}

Result<bool> ResponseReader::Filled(std::size_t bytes) {
  end_ += bytes;
  Result<bool> whole = ReadOn();
  if (whole && *whole && at_ != end_) {
    return Malformed(fmt::format("{} bytes behind its end", end_ - at_));
  }
  return whole;
}

void ResponseReader::Next() noexcept {
  end_ = at_ = chunked_ = left_ = 0;
  part_ = Part::kHead;
  ForgetHead();
  if (buffer_.size() > kKeptBytes) buffer_ = std::string();
  if (chunks_.size() > kKeptBytes) chunks_ = std::string();
}

void ResponseReader::ForgetHead() noexcept {
  status_ = 0;
  keep_alive_ = true;
  is_chunked_ = false;
  length_.reset();
  json_size_.reset();
}

std::string_view ResponseReader::body() const noexcept {
  if (is_chunked_) return std::string_view(chunks_).substr(0, chunked_);
  return std::string_view(buffer_).substr(at_ - length_.value_or(0), length_.value_or(0));
}

bool ResponseReader::IsBeyond(std::size_t end, std::string_view mark,
                              std::size_t most) const noexcept {
  // The last bytes may be the begin of the mark.
  return end != std::string_view::npos ? end > most : end_ - at_ >= most + mark.size();
}

Result<bool> ResponseReader::ReadOn() {
  while (part_ == Part::kHead) {
    // One limit for all heads of an answer: a server may send as many interim ones as it likes.
    const std::size_t most = limits_.max_head_bytes - std::min(at_, limits_.max_head_bytes);
    const std::size_t end = rest().find(kHeadEnd);
    if (IsBeyond(end, kHeadEnd, most)) {
      return Error{ErrorCode::kTooLarge,
                   fmt::format("the answer's head has more than {} bytes", limits_.max_head_bytes)};
    }
    if (end == std::string_view::npos) return false;
    const std::string_view head = rest().substr(0, end + kLineEnd.size());
    at_ += end + kHeadEnd.size();
    if (Status read = ReadHead(head); !read) return std::move(read).error();
    // What goes before the answer itself: 100 Continue, 103 Early Hints.
    if (status_ < 200) {
      ForgetHead();
      continue;
    }
    part_ = is_chunked_ ? Part::kChunkSize : Part::kSized;
    if (!is_chunked_ && !length_ && status_ != 204) {
      return Malformed("neither Content-Length nor chunks say where it ends");
    }
    left_ = length_.value_or(0);
  }
  if (part_ == Part::kSized) {
    if (end_ - at_ < left_) return false;
    at_ += left_;
    part_ = Part::kWhole;
  }
  if (part_ != Part::kWhole) return ReadChunks();
  return true;
}

Status ResponseReader::ReadHead(std::string_view head) {
  for (bool is_first = true; !head.empty(); is_first = false) {
    const std::size_t end = head.find(kLineEnd);
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + kLineEnd.size());
    if (Status read = is_first ? ReadStatusLine(line) : ReadHeader(line); !read) return read;
  }
  if (is_chunked_ && length_) return Malformed("both Content-Length and chunks say where it ends");
  if (length_.value_or(0) > limits_.max_body_bytes) {
    return Error{ErrorCode::kTooLarge, fmt::format("the answer has {} bytes; {} may be", *length_,
                                                   limits_.max_body_bytes)};
  }
  return {};
}

Status ResponseReader::ReadStatusLine(std::string_view line) {
  constexpr std::size_t kStatusAt = 9;
  const bool is_1_1 = line.starts_with("HTTP/1.1 ");
  if (!is_1_1 && !line.starts_with("HTTP/1.0 ")) return Malformed("its first line is", line);
  keep_alive_ = is_1_1;
  const std::optional<std::size_t> status = NumberIn(line.substr(kStatusAt, 3), 10);
  const bool is_over =
      line.size() == kStatusAt + 3 || (line.size() > kStatusAt + 3 && line[kStatusAt + 3] == ' ');
  // 101: what follows is another protocol, which nobody asked for.
  if (!status || *status < 100 || *status == 101 || *status > 599 || !is_over) {
    return Malformed("its first line is", line);
  }
  status_ = static_cast<int>(*status);
  return {};
}

Status ResponseReader::ReadHeader(std::string_view line) {
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (colon == std::string_view::npos || name.empty() || !std::ranges::all_of(name, IsTokenChar)) {
    return Malformed("a line of its head is", line);
  }
  const std::string_view value = Trimmed(line.substr(colon + 1));
  const auto is_named = [name](std::string_view one) { return EqualsIgnoringCase(name, one); };
  if (is_named("Content-Length")) {
    const std::optional<std::size_t> length = NumberIn(value, 10);
    if (!length || length_.value_or(*length) != *length) {
      return Malformed("its Content-Length is", value);
    }
    length_ = length;
  } else if (is_named("Transfer-Encoding")) {
    if (is_chunked_ || !EqualsIgnoringCase(value, "chunked")) {
      return Malformed("its Transfer-Encoding is", value);
    }
    is_chunked_ = true;
  } else if (is_named("Connection")) {
    if (Lists(value, "close")) keep_alive_ = false;
  } else if (is_named("Content-Encoding")) {
    if (!EqualsIgnoringCase(value, "identity")) {
      return Malformed("it is packed, which nobody asked for, as", value);
    }
  } else if (is_named("Inference-Header-Content-Length")) {
    json_size_ = NumberIn(value, 10);
    if (!json_size_) return Malformed("its Inference-Header-Content-Length is", value);
  }
  return {};
}

Result<bool> ResponseReader::ReadChunks() {
  while (part_ != Part::kWhole) {
    if (part_ == Part::kChunk) {
      const std::size_t some = std::min(left_, end_ - at_);
      if (chunks_.size() < chunked_ + some + kBodyPadding) {
        chunks_.resize(std::max(2 * chunks_.size(), chunked_ + some + kBodyPadding));
      }
      std::copy_n(buffer_.data() + at_, some, chunks_.data() + chunked_);
      chunked_ += some;
      at_ += some;
      left_ -= some;
      if (left_ > 0) break;
      part_ = Part::kChunkEnd;
    }
    const auto line = Line(part_ == Part::kTrailer ? limits_.max_head_bytes : kMostChunkLine);
    if (!line) return line.error();
    if (!*line) break;
    if (part_ == Part::kChunkSize) {
      if (Status read = ReadChunkSize(**line); !read) return std::move(read).error();
    } else if (part_ == Part::kChunkEnd) {
      if (!(*line)->empty()) return Malformed("a chunk is followed by", **line);
      part_ = Part::kChunkSize;
    } else if ((*line)->empty()) {
      part_ = Part::kWhole;
    }
  }
  if (part_ == Part::kWhole) return true;
  // What was put together needs no room any more.
  buffer_.erase(0, at_);
  end_ -= at_;
  at_ = 0;
  return false;
}

Status ResponseReader::ReadChunkSize(std::string_view line) {
  const std::optional<std::size_t> size = NumberIn(Trimmed(line.substr(0, line.find(';'))), 16);
  if (!size) return Malformed("the size of a chunk is", line);
  if (*size > limits_.max_body_bytes - chunked_) {
    return Error{ErrorCode::kTooLarge,
                 fmt::format("the answer has more than {} bytes", limits_.max_body_bytes)};
  }
  left_ = *size;
  part_ = *size == 0 ? Part::kTrailer : Part::kChunk;
  return {};
}

Result<std::optional<std::string_view>> ResponseReader::Line(std::size_t most) {
  const std::size_t end = rest().find(kLineEnd);
  if (IsBeyond(end, kLineEnd, most)) return Malformed("a line between chunks has no end");
  if (end == std::string_view::npos) return std::optional<std::string_view>();
  const std::string_view line = rest().substr(0, end);
  at_ += end + kLineEnd.size();
  return std::optional(line);
}

}  // namespace forkcast::serving
