#include "serving/process/control_channel.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace forkcast::serving {

void SendControl(int channel, const ControlMessage& message) noexcept {
  // Neither side can do more about a lost message than about a lost peer.
  [[maybe_unused]] const ssize_t sent =
      ::send(channel, &message, sizeof message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

ControlReceipt ReceiveControl(int channel) noexcept {
  ControlMessage message;
  const ssize_t got = ::recv(channel, &message, sizeof message, MSG_DONTWAIT);
  if (got == sizeof message) return {.ended = false, .message = message};
  const bool later = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  return {.ended = !later, .message = std::nullopt};
}

}  // namespace forkcast::serving
