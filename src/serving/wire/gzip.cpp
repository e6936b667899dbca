#include "serving/wire/gzip.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cassert>
#include <limits>
#include <new>

#include "serving/wire/request_decoder.hpp"

namespace forkcast::wire {
namespace {

constexpr int kGzip = 16;  // added to the window's bits: gzip's header and checksum, no other
constexpr std::size_t kFirstRoom = 16384;
// What beginning another member counts for, so that a body of empty ones is cut into steps, too.
constexpr std::size_t kBytesAMember = 256;

// Fast, and already 5 times smaller for JSON; the best level takes 5 times as long for a tenth
// less.
constexpr int kLevel = 1;
constexpr int kMemoryLevel = 8;  // zlib's default

uInt Clip(std::size_t bytes) noexcept {
  return static_cast<uInt>(std::min<std::size_t>(bytes, std::numeric_limits<uInt>::max()));
}

Error NotGzip(std::string_view what) {
  return {ErrorCode::kInvalidArgument, fmt::format("the body cannot be unpacked: {}", what),
          "Content-Encoding"};
}

}  // namespace

struct GzipReader::Stream {
  Stream() {
    if (inflateInit2(&zlib, MAX_WBITS + kGzip) != Z_OK) throw std::bad_alloc();
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { inflateEnd(&zlib); }

  z_stream zlib{};
};

GzipReader::GzipReader() = default;
GzipReader::~GzipReader() = default;

void GzipReader::Start(std::string_view packed, std::size_t most) {
  if (stream_ == nullptr) stream_ = std::make_unique<Stream>();
  inflateReset(&stream_->zlib);
  // zlib does not write to what it reads, though it is not declared so.
  stream_->zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream_->zlib.avail_in = Clip(packed.size());
  most_ = most;
  size_ = 0;
}

Result<bool> GzipReader::Continue(std::size_t bytes) {
  const std::size_t begin = size_;
  std::size_t members = 0;
  while (size_ - begin + members * kBytesAMember < bytes) {
    const Result<bool> member = Inflate();
    if (!member) return member.error();
    if (size_ > most_) return TooLarge();
    if (!*member) continue;
    if (stream_->zlib.avail_in == 0) return true;
    inflateReset(&stream_->zlib);
    ++members;
  }
  return false;
}

/// Makes one step of zlib's. Whether a member has come to its end.
Result<bool> GzipReader::Inflate() {
  z_stream& zlib = stream_->zlib;
  if (text_.size() < size_ + kFirstRoom + kBodyPadding) {
    text_.resize(std::max(size_ + kFirstRoom, std::min(2 * size_, most_)) + kBodyPadding);
  }
  const std::size_t room = text_.size() - kBodyPadding - size_;
  zlib.next_out = reinterpret_cast<Bytef*>(text_.data() + size_);
  zlib.avail_out = Clip(std::min(room, kFirstRoom));
  const uInt offered = zlib.avail_out;
  const int done = inflate(&zlib, Z_NO_FLUSH);
  size_ += offered - zlib.avail_out;
  switch (done) {
    case Z_STREAM_END:
      return true;
    case Z_OK:
      if (zlib.avail_in > 0 || zlib.avail_out == 0) return false;
      [[fallthrough]];
    case Z_BUF_ERROR:
      return NotGzip("it is cut short");
    case Z_MEM_ERROR:
      throw std::bad_alloc();
    default:
      return NotGzip("it is no gzip, damaged, or has something else behind it");
  }
}

Error GzipReader::TooLarge() const {
  return {ErrorCode::kTooLarge,
          fmt::format("unpacked, the body has more than {} bytes, which is the most that is taken "
                      "(max_body_bytes)",
                      most_)};
}

struct GzipWriter::Stream {
  Stream() {
    if (deflateInit2(&zlib, kLevel, Z_DEFLATED, MAX_WBITS + kGzip, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { deflateEnd(&zlib); }

  z_stream zlib{};
};

GzipWriter::GzipWriter() : stream_(std::make_unique<Stream>()) {}
GzipWriter::~GzipWriter() = default;

void GzipWriter::Start(std::string_view text) {
  deflateReset(&stream_->zlib);
  rest_ = text;
  packed_.clear();
}

bool GzipWriter::Continue(std::size_t bytes) {
  z_stream& zlib = stream_->zlib;
  const std::string_view piece = rest_.substr(0, Clip(bytes));
  rest_.remove_prefix(piece.size());
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
  zlib.avail_in = Clip(piece.size());
  const int flush = rest_.empty() ? Z_FINISH : Z_NO_FLUSH;
  do {
    const std::size_t filled = packed_.size();
    packed_.resize(filled + std::max<std::size_t>(kFirstRoom, piece.size() / 4));
    zlib.next_out = reinterpret_cast<Bytef*>(packed_.data() + filled);
    zlib.avail_out = Clip(packed_.size() - filled);
    [[maybe_unused]] const int done = deflate(&zlib, flush);
    assert(done == Z_OK || done == Z_STREAM_END || done == Z_BUF_ERROR);
    packed_.erase(packed_.size() - zlib.avail_out);
  } while (zlib.avail_out == 0);
  return rest_.empty();
}

}  // namespace forkcast::wire
