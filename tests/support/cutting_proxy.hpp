#pragma once

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string_view>
#include <thread>
#include <vector>

#include "data_preprocessing/base/fd.hpp"

namespace forkcast::process_test {

/// Stands between clients and a server, each at a Unix socket, for as long as it lives. Once, it
/// stops passing on what goes over a connection, and ends this one at LetGo().
class CuttingProxy {
 public:
  /// Whether to cut the connection behind a piece of what the clients sent; `all`: how many bytes
  /// that is with what came before.
  using When = std::function<bool(std::string_view piece, std::size_t all)>;

  /// Throws std::system_error when it cannot listen.
  CuttingProxy(const std::filesystem::path& listen_at, std::filesystem::path server, When when);
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;
  ~CuttingProxy();

  /// What clients have sent by now.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool has_cut() const noexcept { return has_cut_; }
  void LetGo() const;

 private:
  void Accept();
  void Serve(Fd client);
  /// False: the connection is at its end.
  bool Pass(int from, int to, bool is_from_client);

  std::filesystem::path server_;
  When when_;
  Fd listening_;
  Fd stop_;    ///< Readable when it is to end.
  Fd let_go_;  ///< Readable when the cut connection is to end.
  std::atomic<std::size_t> bytes_ = 0;
  std::atomic<bool> has_cut_ = false;
  std::vector<std::thread> connections_;  ///< Of the accepting thread alone, while it runs.
  std::thread accepting_;
};

}  // namespace forkcast::process_test
