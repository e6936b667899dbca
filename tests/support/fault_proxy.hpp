#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "data_preprocessing/base/fd.hpp"

namespace forkcast::process_test {

/// What becomes of one request.
struct Fault {
  enum class Kind {
    kNone,      ///< It is passed on, and so is the answer.
    kAnswer,    ///< It is answered with `answer` and not passed on.
    kCut,       ///< Of the answer half of the bytes come, then the connection ends.
    kStall,     ///< It is passed on, and half of the answer; the rest never comes.
    kNoAnswer,  ///< It is passed on, and the connection ends without an answer.
    kSpoil,     ///< One byte at the end of the answer is another.
  };
  Kind kind = Kind::kNone;
  std::string answer{};  ///< "503 Slow Down"
};

/// Stands between HTTP clients and a server on the loopback, with faults to order, for as long as
/// it lives. Each request has a connection of its own to the server.
class FaultProxy {
 public:
  /// What is to become of a request, by its head ("GET /bucket/key HTTP/1.1\r\n...").
  using Decide = std::function<Fault(std::string_view head)>;

  explicit FaultProxy(std::uint16_t server);
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;
  ~FaultProxy();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// From the next request on; none: nothing is wrong any more.
  void Set(Decide decide);
  /// The first `count` requests whose head has `text` in it meet the fault.
  void SetFirst(std::size_t count, std::string text, const Fault& fault);
  /// First lines of all requests so far.
  [[nodiscard]] std::vector<std::string> requests() const;

 private:
  void Accept();
  void Serve(Fd client);
  [[nodiscard]] Fault FaultOf(std::string_view head);

  std::uint16_t server_;
  Fd listening_;
  Fd stop_;  ///< Readable when it is to end.
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  Decide decide_;                      // under the mutex
  std::vector<std::string> requests_;  // likewise
  std::vector<std::thread> connections_;
  std::thread accepting_;
};

}  // namespace forkcast::process_test
