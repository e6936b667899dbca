#include "data_preprocessing/push/push_message.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <system_error>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::preprocessing {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kLongestRequest = 32'768;
constexpr std::size_t kLongestReply = 131'072;
constexpr std::size_t kDescriptors = 2;

Error Failed(std::string_view what) {
  return {ErrorCode::kIo, fmt::format("a memory file {}: {}", what, std::strerror(errno))};
}

std::string ToText(const PushRequest& request) {
  const ordered_json json{{"kind", static_cast<int>(request.kind)},
                          {"table", request.table},
                          {"content_type", request.content_type},
                          {"key", request.key},
                          {"partial", request.partial},
                          {"check", request.check}};
  return DumpText(json);
}

std::optional<PushRequest> ParseRequest(std::string_view text) {
  const ordered_json json = ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  try {
    const int kind = json.at("kind").get<int>();
    if (kind < 0 || kind > static_cast<int>(PushRequest::Kind::kReset)) return std::nullopt;
    return PushRequest{.kind = static_cast<PushRequest::Kind>(kind),
                       .table = json.at("table").get<std::string>(),
                       .content_type = json.at("content_type").get<std::string>(),
                       .key = json.at("key").get<std::string>(),
                       .partial = json.at("partial").get<bool>(),
                       .check = json.value("check", false)};
  } catch (const ordered_json::exception&) {
    return std::nullopt;
  }
}

std::string ToText(const PushReply& reply) {
  ordered_json json{{"rows", reply.rows}, {"left_out", reply.left_out}, {"json", reply.json}};
  if (reply.error) {
    json["code"] = static_cast<int>(reply.error->code);
    json["message"] = reply.error->message;
    json["field"] = reply.error->field;
  }
  return DumpText(json);
}

Result<PushReply> ParseReply(std::string_view text) {
  const ordered_json json = ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  try {
    PushReply reply{.json = json.at("json").get<std::string>(),
                    .rows = json.at("rows").get<std::size_t>(),
                    .left_out = json.at("left_out").get<std::size_t>()};
    if (!json.contains("code")) return reply;
    const int code = json.at("code").get<int>();
    if (code < 0 || code > static_cast<int>(ErrorCode::kInternal)) {
      return Error{ErrorCode::kInternal, "the refresher's answer has no code that is known"};
    }
    reply.error = Error{static_cast<ErrorCode>(code), json.at("message").get<std::string>(),
                        json.at("field").get<std::string>()};
    return reply;
  } catch (const ordered_json::exception& error) {
    return Error{ErrorCode::kInternal, error.what()};
  }
}

/// A message of one piece of text, with room for descriptors. Refers to itself.
class DescriptorMessage {
 public:
  explicit DescriptorMessage(std::span<char> text)
      : part_{.iov_base = text.data(), .iov_len = text.size()} {
    head_.msg_iov = &part_;
    head_.msg_iovlen = 1;
    head_.msg_control = control_.data();
    head_.msg_controllen = control_.size();
  }
  DescriptorMessage(const DescriptorMessage&) = delete;
  DescriptorMessage& operator=(const DescriptorMessage&) = delete;

  [[nodiscard]] msghdr& head() noexcept { return head_; }

 private:
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kDescriptors * sizeof(int))> control_{};
  iovec part_;
  msghdr head_{};
};

/// The descriptors that came with a message, in their order; owned.
std::array<Fd, kDescriptors> TakeDescriptors(msghdr& message) {
  std::array<Fd, kDescriptors> taken;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      Fd owned(fd);
      if (i < taken.size()) taken[i] = std::move(owned);
    }
  }
  return taken;
}

}  // namespace

std::pair<Fd, Fd> MakePushSockets() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw std::system_error(errno, std::generic_category(), "socketpair");
  }
  return {Fd(ends[0]), Fd(ends[1])};
}

bool SendPush(int socket, const PushRequest& request, int body, int reply) {
  std::string text = ToText(request);
  if (text.size() > kLongestRequest) return false;
  const std::array<int, kDescriptors> descriptors{body, reply};
  DescriptorMessage message(text);
  cmsghdr* const head = CMSG_FIRSTHDR(&message.head());
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof descriptors);
  std::memcpy(CMSG_DATA(head), descriptors.data(), sizeof descriptors);
  return ::sendmsg(socket, &message.head(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

bool ReceivedPush::is_waited_for() const noexcept {
  pollfd asked{.fd = reply.get(), .events = POLLIN, .revents = 0};
  return ::poll(&asked, 1, 0) == 0;
}

void ReceivedPush::Answer(const PushReply& answer) const noexcept {
  const std::string text = ToText(answer);
  ::send(reply.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

std::optional<ReceivedPush> ReceivePush(int socket) {
  while (true) {
    std::array<char, kLongestRequest> text;  // NOLINT(*-member-init): filled by recvmsg()
    DescriptorMessage message(text);
    const ssize_t got = ::recvmsg(socket, &message.head(), MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    std::array<Fd, kDescriptors> descriptors = TakeDescriptors(message.head());
    std::optional<PushRequest> request = ParseRequest({text.data(), static_cast<std::size_t>(got)});
    if (!request || !descriptors[0] || !descriptors[1]) continue;
    return ReceivedPush{.request = *std::move(request),
                        .body = std::move(descriptors[0]),
                        .reply = std::move(descriptors[1])};
  }
}

std::optional<Result<PushReply>> ReceivePushReply(int socket) {
  std::string text(kLongestReply, '\0');
  while (true) {
    const ssize_t got = ::recv(socket, text.data(), text.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
    if (got <= 0) return Result<PushReply>(Error{ErrorCode::kNotReady, "the refresher has ended"});
    return ParseReply(std::string_view(text).substr(0, static_cast<std::size_t>(got)));
  }
}

Result<std::string> ReadBody(int file) {
  struct stat status {};
  if (::fstat(file, &status) != 0) return Failed("cannot be looked at");
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got =
        ::pread(file, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Failed("cannot be read");
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

Result<Fd> MakeBody(std::string_view bytes) {
  Fd file(::memfd_create("forkcast-push", MFD_CLOEXEC));
  if (!file) return Failed("cannot be made");
  if (Status written = AppendToBody(file.get(), bytes); !written) return std::move(written).error();
  return file;
}

Status AppendToBody(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Failed("cannot be written");
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace forkcast::preprocessing
