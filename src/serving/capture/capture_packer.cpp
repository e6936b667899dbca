#include "serving/capture/capture_packer.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <utility>

#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/base/system_error.hpp"
#include "serving/capture/capture_folder.hpp"

namespace forkcast::serving {
namespace {

namespace fs = std::filesystem;

}  // namespace

/// One file that is being packed. Destroyed before it is done, it leaves nothing behind.
class CapturePacker::Packing {
 public:
  enum class Progress { kMore, kDone, kFailed };

  explicit Packing(fs::path full) : full_(std::move(full)), packed_(full_), part_(full_) {
    packed_ += ".gz";
    part_ += ".gz.part";
  }
  Packing(const Packing&) = delete;
  Packing& operator=(const Packing&) = delete;
  ~Packing() {
    if (stream_ != nullptr) ::gzclose(stream_);
    if (target_) ::unlink(part_.c_str());
  }

  Progress Continue() {
    if (stream_ == nullptr && !Begin()) return source_ ? Failed() : Progress::kDone;
    // About a millisecond's worth.
    std::array<char, 32768> piece{};
    const ssize_t got = ::read(source_.get(), piece.data(), piece.size());
    if (got < 0) return Failed();
    if (got == 0) return Finish() ? Progress::kDone : Failed();
    const auto size = static_cast<unsigned>(got);
    return ::gzwrite(stream_, piece.data(), size) == got ? Progress::kMore : Failed();
  }
  [[nodiscard]] std::error_code error() const noexcept { return error_; }

 private:
  Progress Failed() {
    error_ = LastError();
    return Progress::kFailed;
  }

  bool Begin() {
    source_ = OpenUnusedCapture(full_);  // none: somebody removed it, or packs it
    if (!source_) return false;
    target_.Reset(
        ::open(part_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kCaptureFileMode));
    if (!target_ || ::flock(target_.get(), LOCK_EX | LOCK_NB) != 0) return false;
    Fd writer(::fcntl(target_.get(), F_DUPFD_CLOEXEC, 0));
    if (!writer) return false;
    stream_ = ::gzdopen(writer.get(), "wb");
    if (stream_ == nullptr) return false;
    static_cast<void>(writer.Release());
    return true;
  }

  bool Finish() {
    if (::gzclose(std::exchange(stream_, nullptr)) != Z_OK) return false;
    struct stat status {};
    if (::fstat(source_.get(), &status) != 0) return false;
    // It is as old as what it was made of.
    const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
    if (::futimens(target_.get(), times.data()) != 0 || ::fdatasync(target_.get()) != 0) {
      return false;
    }
    if (::rename(part_.c_str(), packed_.c_str()) != 0) return false;
    target_.Reset();
    return ::unlink(full_.c_str()) == 0;
  }

  fs::path full_;
  fs::path packed_;
  fs::path part_;
  Fd source_;
  Fd target_;
  gzFile stream_ = nullptr;
  std::error_code error_;
};

CapturePacker::CapturePacker() = default;
CapturePacker::~CapturePacker() = default;

void CapturePacker::Add(fs::path full) { waiting_.push_back(std::move(full)); }

bool CapturePacker::Work() {
  if (current_ == nullptr) {
    if (waiting_.empty()) return false;
    current_ = std::make_unique<Packing>(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  switch (current_->Continue()) {
    case Packing::Progress::kMore:
      return true;
    case Packing::Progress::kFailed:
      error_ = current_->error();
      break;
    case Packing::Progress::kDone:
      break;
  }
  current_.reset();
  return !waiting_.empty();
}

std::error_code CapturePacker::TakeError() noexcept { return std::exchange(error_, {}); }

}  // namespace forkcast::serving
