#include "serving/capture/capture_channel.hpp"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>
#include <system_error>
#include <utility>

namespace forkcast::serving {
namespace {

// Asked for, not required: the system's limit (net.core.wmem_max) may grant less.
constexpr int kSocketBufferBytes = 4 * 1024 * 1024;

constexpr std::size_t kSliceBytes = 131072;

// Room for the control data of one descriptor, aligned as the system wants it.
union OneDescriptor {
  cmsghdr header;
  std::array<char, CMSG_SPACE(sizeof(int))> bytes;
};

std::size_t LengthOf(int file) noexcept {
  struct stat status {};
  return ::fstat(file, &status) == 0 ? static_cast<std::size_t>(status.st_size) : 0;
}

// The descriptor that came along, or none.
Fd DescriptorIn(msghdr& message) noexcept {
  Fd descriptor;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    int received = -1;
    std::memcpy(&received, CMSG_DATA(part), sizeof(received));
    descriptor.Reset(received);
  }
  return descriptor;
}

}  // namespace

std::pair<Fd, Fd> MakeCaptureSockets() {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw std::system_error(errno, std::generic_category(), "socket from workers to recorder");
  }
  std::pair<Fd, Fd> sockets{Fd(ends[0]), Fd(ends[1])};
  // What is queued counts against the sender's buffer alone.
  ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &kSocketBufferBytes, sizeof(kSocketBufferBytes));
  return sockets;
}

CaptureSender::CaptureSender(int socket) : socket_(socket), datagram_(kMaxDatagramBytes) {}

bool CaptureSender::Send(const CaptureTarget& target, const Invocation& invocation) noexcept {
  const std::size_t size = CaptureSize(target, invocation);
  if (size > kMaxCaptureBytes) return false;
  if (size > kMaxDatagramBytes) {
    Transfer transfer(*this, target, invocation);
    auto progress = Transfer::Progress::kMore;
    while (progress == Transfer::Progress::kMore) progress = transfer.Continue();
    return progress == Transfer::Progress::kSent;
  }
  EncodeCapture(target, invocation, std::span(datagram_).first(size));
  return ::send(socket_, datagram_.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

CaptureSender::Transfer::Transfer(CaptureSender& sender, const CaptureTarget& target,
                                  const Invocation& invocation)
    : sender_(sender), file_(sender.TakeMemoryFile()), encoder_(target, invocation) {}

CaptureSender::Transfer::Progress CaptureSender::Transfer::Continue() noexcept {
  if (more_) {
    try {
      if (WriteSlice()) return Progress::kMore;
    } catch (const std::exception&) {  // no memory
    }
    more_ = false;
    file_.Reset();
    return Progress::kLost;
  }
  return file_ && Finish() ? Progress::kSent : Progress::kLost;
}

bool CaptureSender::Transfer::WriteSlice() {
  if (!file_) return false;
  slice_.clear();
  more_ = encoder_.Append(kSliceBytes, slice_);
  if (written_ + slice_.size() > kMaxCaptureBytes) return false;
  // write(2) rather than a mapping: where no page can be had, that would be a SIGBUS.
  for (std::size_t done = 0; done < slice_.size();) {
    const ssize_t got = ::pwrite(file_.get(), slice_.data() + done, slice_.size() - done,
                                 static_cast<off_t>(written_ + done));
    if (got <= 0) return false;
    done += static_cast<std::size_t>(got);
  }
  written_ += slice_.size();
  return true;
}

bool CaptureSender::Transfer::Finish() noexcept {
  const std::uint64_t length = written_;
  const ssize_t got = ::pwrite(file_.get(), &length, sizeof(length), kCaptureLengthOffset);
  return got == sizeof(length) && sender_.SendMemoryFile(std::move(file_));
}

bool CaptureSender::SendMemoryFile(Fd file) noexcept {
  char byte = 0;
  iovec part{&byte, sizeof(byte)};
  OneDescriptor control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN(sizeof(int));
  const int descriptor = file.get();
  std::memcpy(CMSG_DATA(&control.header), &descriptor, sizeof(descriptor));
  if (::sendmsg(socket_, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) return false;
  const auto place = std::ranges::find_if(memory_files_, [](const Fd& one) { return !one; });
  if (place != memory_files_.end()) *place = std::move(file);
  return true;
}

Fd CaptureSender::TakeMemoryFile() noexcept {
  for (int attempt = 0; attempt < 2; ++attempt) {
    for (Fd& file : memory_files_) {
      if (file && LengthOf(file.get()) != 0) continue;
      return file ? std::move(file) : Fd(::memfd_create("forkcast-capture", MFD_CLOEXEC));
    }
    // All are unread. With an empty queue a recorder took some and died over them: they will not
    // come back, and a recorder that is only slow keeps descriptors of its own.
    int queued = 0;
    if (::ioctl(socket_, SIOCOUTQ, &queued) != 0 || queued != 0) return Fd();
    for (Fd& file : memory_files_) file.Reset();
  }
  return Fd();
}

CaptureReceiver::CaptureReceiver(int socket) : socket_(socket), datagram_(kMaxDatagramBytes) {}

CaptureReceiver::Outcome CaptureReceiver::Receive() {
  message_ = {};
  std::vector<std::byte>().swap(great_);  // great messages are rare, their memory is not kept
  iovec part{datagram_.data(), datagram_.size()};
  OneDescriptor control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes.data();
  header.msg_controllen = CMSG_LEN(sizeof(int));  // CMSG_SPACE() would let a second one in
  ssize_t size = -1;
  do {
    size = ::recvmsg(socket_, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0) {
    if (errno == EAGAIN) return Outcome::kNothing;
    if (errno == ECONNRESET) return Outcome::kClosed;
    throw std::system_error(errno, std::generic_category(), "socket from workers to recorder");
  }
  if (size == 0) return Outcome::kClosed;
  const Fd memory_file = DescriptorIn(header);
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return Outcome::kDamaged;
  if (memory_file) {
    return ReadMemoryFile(memory_file.get()) ? Outcome::kMessage : Outcome::kDamaged;
  }
  message_ = std::span(datagram_).first(static_cast<std::size_t>(size));
  return Outcome::kMessage;
}

bool CaptureReceiver::ReadMemoryFile(int file) {
  const std::size_t size = LengthOf(file);
  bool whole = size <= kMaxCaptureBytes;
  if (whole) great_.resize(size);
  for (std::size_t done = 0; whole && done < size;) {
    const ssize_t got = ::pread(file, great_.data() + done, size - done, static_cast<off_t>(done));
    whole = got > 0;
    if (whole) done += static_cast<std::size_t>(got);
  }
  whole = ::ftruncate(file, 0) == 0 && whole;  // gives it back to the sender
  message_ = great_;
  return whole;
}

}  // namespace forkcast::serving
