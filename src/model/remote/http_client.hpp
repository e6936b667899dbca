#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::model {

/// How long a call may take, and how often it is tried.
struct HttpLimits {
  std::chrono::milliseconds connect{5'000};
  /// Without a byte for so long, a transfer is given up. A large file may take as long as it takes.
  std::chrono::seconds stall{10};
  std::size_t attempts = 4;
  std::chrono::milliseconds first_pause{200};  ///< Before the second attempt; doubles from then on.
  std::size_t largest_body = 64UL << 20;       ///< Of an answer that is kept in memory.
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::string> headers{};  ///< "Name: value"
  std::string_view body{};             ///< Sent with PUT and POST.
  /// Where the body of an answer with a status of 2xx goes; empty: into memory.
  std::filesystem::path to_file{};
};

struct HttpAnswer {
  long status = 0;
  std::string body{};
  std::map<std::string, std::string, std::less<>> headers{};  ///< Names in lower case.
  std::size_t attempts = 1;  ///< Above 1: an attempt before may have been carried out.
};

/// Asks servers, one request at a time, over a connection that is kept. For one thread.
class HttpClient {
 public:
  explicit HttpClient(const HttpLimits& limits = {});
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  /// Whatever the server answers, also an error: its status. Again, after a pause, when it cannot
  /// be reached, stalls, sends half an answer, or answers 408, 429 or 5xx. kIo naming the host when
  /// there is no answer, or the file when it cannot be written. Neither headers nor the query are
  /// ever part of a message. Redirections are not followed.
  [[nodiscard]] Result<HttpAnswer> Send(const HttpRequest& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// "http://127.0.0.1:9000" of a URL: what a message may say of it.
[[nodiscard]] std::string_view ServerOf(std::string_view url) noexcept;

}  // namespace forkcast::model
