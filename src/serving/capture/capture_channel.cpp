#include "serving/capture/capture_channel.hpp"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace forkcast::serving {
namespace {

// Asked for, not required: the system's limit (net.core.wmem_max) may grant less.
constexpr int kSocketBufferBytes = 4 * 1024 * 1024;

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
  if (size > kMaxDatagramBytes) return SendInMemoryFile(target, invocation, size);
  EncodeCapture(target, invocation, std::span(datagram_).first(size));
  return ::send(socket_, datagram_.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

bool CaptureSender::SendInMemoryFile(const CaptureTarget& target, const Invocation& invocation,
                                     std::size_t size) noexcept {
  Fd* const file = FreeMemoryFile();
  if (file == nullptr) return false;
  // Pages are had here or not at all: a page that cannot be had later would be a SIGBUS.
  if (::fallocate(file->get(), 0, 0, static_cast<off_t>(size)) != 0) {
    file->Reset();
    return false;
  }
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file->get(), 0);
  if (memory == MAP_FAILED) {
    file->Reset();
    return false;
  }
  EncodeCapture(target, invocation, {static_cast<std::byte*>(memory), size});
  ::munmap(memory, size);

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
  const int descriptor = file->get();
  std::memcpy(CMSG_DATA(&control.header), &descriptor, sizeof(descriptor));
  if (::sendmsg(socket_, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
  file->Reset();
  return false;
}

Fd* CaptureSender::FreeMemoryFile() noexcept {
  for (int attempt = 0; attempt < 2; ++attempt) {
    for (Fd& file : memory_files_) {
      if (!file) file.Reset(::memfd_create("forkcast-capture", MFD_CLOEXEC));
      if (file && LengthOf(file.get()) == 0) return &file;
    }
    // All are unread. With an empty queue a recorder took some and died over them: they will not
    // come back, and a recorder that is only slow keeps descriptors of its own.
    int queued = 0;
    if (::ioctl(socket_, SIOCOUTQ, &queued) != 0 || queued != 0) return nullptr;
    for (Fd& file : memory_files_) file.Reset();
  }
  return nullptr;
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
