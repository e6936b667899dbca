#include "serving/jobs/job_message.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::serving {
namespace {

using Json = nlohmann::ordered_json;
using preprocessing::DumpText;

constexpr std::size_t kLongestRequest = 65'536;

std::string ToText(const JobRequest& request) {
  return DumpText({{"kind", static_cast<int>(request.kind)},
                   {"id", request.id},
                   {"body", request.body},
                   {"key", request.key},
                   {"by", request.by},
                   {"state", request.state},
                   {"job_kind", request.job_kind},
                   {"deployment", request.deployment},
                   {"limit", request.limit},
                   {"last_event", request.last_event}});
}

std::optional<JobRequest> ParseRequest(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  try {
    const int kind = json.at("kind").get<int>();
    if (kind < 0 || kind > static_cast<int>(JobRequest::Kind::kFollow)) return std::nullopt;
    return JobRequest{.kind = static_cast<JobRequest::Kind>(kind),
                      .id = json.at("id").get<std::string>(),
                      .body = json.at("body").get<std::string>(),
                      .key = json.at("key").get<std::string>(),
                      .by = json.at("by").get<std::string>(),
                      .state = json.at("state").get<std::string>(),
                      .job_kind = json.at("job_kind").get<std::string>(),
                      .deployment = json.at("deployment").get<std::string>(),
                      .limit = json.at("limit").get<std::uint64_t>(),
                      .last_event = json.at("last_event").get<std::string>()};
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

std::string ToText(const JobReply& reply) {
  Json json{{"text", reply.text}, {"is_new", reply.is_new}, {"id", reply.id}};
  if (reply.error) {
    json["code"] = static_cast<int>(reply.error->code);
    json["message"] = reply.error->message;
    json["field"] = reply.error->field;
  }
  return DumpText(json);
}

Result<JobReply> ParseReply(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  try {
    JobReply reply{.text = json.at("text").get<std::string>(),
                   .is_new = json.at("is_new").get<bool>(),
                   .id = json.at("id").get<std::string>()};
    if (!json.contains("code")) return reply;
    const int code = json.at("code").get<int>();
    if (code < 0 || code > static_cast<int>(ErrorCode::kInternal)) {
      return Error{ErrorCode::kInternal, "the trainer's answer has no code that is known"};
    }
    reply.error = Error{static_cast<ErrorCode>(code), json.at("message").get<std::string>(),
                        json.at("field").get<std::string>()};
    return reply;
  } catch (const Json::exception& error) {
    return Error{ErrorCode::kInternal, error.what()};
  }
}

/// A message of one piece of text with room for one descriptor. Refers to itself.
class MessageWithDescriptor {
 public:
  MessageWithDescriptor(char* text, std::size_t size) : part_{.iov_base = text, .iov_len = size} {
    head_.msg_iov = &part_;
    head_.msg_iovlen = 1;
    head_.msg_control = control_.data();
    head_.msg_controllen = control_.size();
  }
  MessageWithDescriptor(const MessageWithDescriptor&) = delete;
  MessageWithDescriptor& operator=(const MessageWithDescriptor&) = delete;

  void Put(int descriptor) noexcept {
    cmsghdr* const head = CMSG_FIRSTHDR(&head_);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(head), &descriptor, sizeof descriptor);
  }
  [[nodiscard]] Fd Take() noexcept {
    cmsghdr* const head = CMSG_FIRSTHDR(&head_);
    if (head == nullptr || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) {
      return Fd();
    }
    int descriptor = -1;
    std::memcpy(&descriptor, CMSG_DATA(head), sizeof descriptor);
    return Fd(descriptor);
  }
  [[nodiscard]] msghdr* head() noexcept { return &head_; }

 private:
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control_{};
  iovec part_;
  msghdr head_{};
};

}  // namespace

std::pair<Fd, Fd> MakeJobSockets() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw std::system_error(errno, std::generic_category(), "socketpair");
  }
  return {Fd(ends[0]), Fd(ends[1])};
}

bool SendJobRequest(int socket, const JobRequest& request, int reply) {
  std::string text = ToText(request);
  if (text.size() > kLongestRequest) return false;
  MessageWithDescriptor message(text.data(), text.size());
  message.Put(reply);
  return ::sendmsg(socket, message.head(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

std::optional<ReceivedJobRequest> ReceiveJobRequest(int socket) {
  while (true) {
    std::array<char, kLongestRequest> text;  // NOLINT(*-member-init): filled by recvmsg()
    MessageWithDescriptor message(text.data(), text.size());
    const ssize_t got = ::recvmsg(socket, message.head(), MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    Fd reply = message.Take();
    auto request = ParseRequest({text.data(), static_cast<std::size_t>(got)});
    if (!request || !reply) continue;
    return ReceivedJobRequest{.request = *std::move(request), .reply = std::move(reply)};
  }
}

bool SendJobReply(int socket, const JobReply& reply) noexcept {
  const std::string text = ToText(reply);
  return ::send(socket, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

std::optional<Result<JobReply>> ReceiveJobReply(int socket) {
  std::string text;
  while (true) {
    // How long it is, first: who looks often finds nothing most times, and makes no room for that.
    const int how = text.empty() ? MSG_PEEK | MSG_TRUNC : 0;
    const ssize_t got = ::recv(socket, text.data(), text.size(), how | MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
    if (got <= 0) return Result<JobReply>(Error{ErrorCode::kNotReady, "the trainer has ended"});
    if (!text.empty()) return ParseReply(text);
    text.resize(static_cast<std::size_t>(got));
  }
}

}  // namespace forkcast::serving
