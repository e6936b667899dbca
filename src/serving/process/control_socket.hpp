#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/base/result.hpp"
#include "serving/process/listener.hpp"

namespace forkcast::serving {

/// The Unix socket through which a server tells its own user (and root) how it is, and takes orders
/// of it: whoever connects sends a line, is sent one document, and the connection ends. Its owner
/// waits for nobody: a line is read when it is there, and who sends none soon gets the status.
class ControlSocket {
 public:
  /// What is asked by a line, which is empty of who sends none, or "status".
  struct Replies {
    std::function<std::string()> status;                        ///< Called at most once a turn.
    std::function<std::string(std::string_view line)> order{};  ///< Of any other line.
  };

  /// In place of what is there: nothing but a dead server's socket, or the live socket of a
  /// predecessor that is leaving.
  enum class Replace { kDead, kPredecessor };

  /// Listens at `path`, for the file's owner alone (0600). Errors are those of Listener::Open().
  Status Open(const std::filesystem::path& path, Replace replace = Replace::kDead);
  /// Ends; the file goes if it is still its own.
  void Close() noexcept {
    peers_.clear();
    listener_.reset();
  }

  /// Readable when somebody asks; -1 while closed.
  [[nodiscard]] int fd() const noexcept { return listener_ ? listener_->fd() : -1; }
  /// What is to be watched for reading.
  [[nodiscard]] std::vector<int> watched() const;
  /// Answers those who have asked, or have said nothing for a while. At most as many are connected
  /// as one turn of a loop has time for. A peer whose socket does not take the document at once
  /// gets a part of it and the end.
  void Answer(const Replies& replies, MonotonicTime now);

 private:
  struct Peer {
    Fd socket;
    std::string line{};
    MonotonicTime since;
  };
  enum class Heard { kLine, kNothingYet, kTooMuch };

  static Heard Hear(Peer& peer, MonotonicTime now);

  std::optional<Listener> listener_;
  std::vector<Peer> peers_;
};

/// What the server at `path` answers to a line. kIo when nobody answers, within 5 s, with a whole
/// document.
Result<std::string> AskControlSocket(const std::filesystem::path& path,
                                     std::string_view line = "status");

}  // namespace forkcast::serving
