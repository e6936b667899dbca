#pragma once

#include <cstdint>
#include <optional>

namespace forkcast::serving {

/// What master and workers say to each other, over one SOCK_SEQPACKET pair a worker. A message is
/// whole or absent; the end of the channel means that the other side is gone.
struct ControlMessage {
  enum class Kind : std::uint32_t {
    kReady = 1,     ///< Worker: I answer. `value`: how many workers my configuration asks for.
    kRecycle,       ///< Worker: replace me when you can; I have served my share.
    kNeedRecorder,  ///< Worker: my hooks need the recorder.
    kRetire,        ///< Master: another has your place. Finish in your own time.
    kStop,          ///< Master: the server stops. `value`: milliseconds left for what you have.
    kReopenLogs,    ///< Master: log files were moved away.
    kRetrain,       ///< Recorder: train anew what the RetrainBoard says.
  };
  Kind kind = Kind::kReady;
  std::uint32_t reserved = 0;
  std::uint64_t value = 0;
};

/// Sends without waiting; a channel that is full or gone loses the message, which its end tells.
void SendControl(int channel, const ControlMessage& message) noexcept;

struct ControlReceipt {
  bool ended = false;                     ///< Nothing will come any more.
  std::optional<ControlMessage> message;  ///< None: nothing is there now.
};
/// Receives without waiting.
[[nodiscard]] ControlReceipt ReceiveControl(int channel) noexcept;

}  // namespace forkcast::serving
