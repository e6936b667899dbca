#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "data_preprocessing/base/result.hpp"
#include "serving/process/listener.hpp"

namespace forkcast::serving {

/// The Unix socket through which a server tells its own user (and root) how it is: whoever connects
/// is sent one document, and the connection ends. Nothing is read, so that nobody can make its
/// owner wait.
class ControlSocket {
 public:
  /// In place of what is there: nothing but a dead server's socket, or the live socket of a
  /// predecessor that is leaving.
  enum class Replace { kDead, kPredecessor };

  /// Listens at `path`, for the file's owner alone (0600). Errors are those of Listener::Open().
  Status Open(const std::filesystem::path& path, Replace replace = Replace::kDead);
  /// Ends; the file goes if it is still its own.
  void Close() noexcept { listener_.reset(); }

  /// Readable when somebody asks; -1 while closed.
  [[nodiscard]] int fd() const noexcept { return listener_ ? listener_->fd() : -1; }
  /// Answers those who ask, at most as many as one turn of a loop has time for. A peer whose socket
  /// does not take the document at once gets a part of it and the end. `document` is called when
  /// there is somebody to tell it to.
  void Answer(const std::function<std::string()>& document) const;

 private:
  std::optional<Listener> listener_;
};

/// What the server at `path` tells. kIo when nobody answers, within 5 s, with a whole document.
Result<std::string> AskControlSocket(const std::filesystem::path& path);

}  // namespace forkcast::serving
