#include "model/remote/http_client.hpp"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/base/fd.hpp"

namespace forkcast::model {
namespace {

struct CleanUp {
  void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, CleanUp>;
using Headers = std::unique_ptr<curl_slist, CleanUp>;

constexpr bool IsDone(long status) noexcept { return status >= 200 && status < 300; }

void Add(const std::string& line, Headers& headers) {
  curl_slist* const longer = curl_slist_append(headers.get(), line.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  static_cast<void>(headers.release());
  headers.reset(longer);
}

/// What one attempt is given: to where an answer goes, and what was in the way there.
struct Attempt {
  const HttpRequest& request;
  std::size_t largest_body;
  CURL* easy;
  HttpAnswer answer{};
  Fd file{};
  std::string failure{};  ///< Ours: another attempt would end alike.
  std::string_view unsent{};

  [[nodiscard]] bool IsForFile() const {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return IsDone(status) && !request.to_file.empty();
  }

  bool Fail(int error) {
    failure =
        fmt::format("{}: {}", request.to_file.string(), std::generic_category().message(error));
    return false;
  }

  bool TakeToFile(std::string_view piece) {
    if (!file) {
      file = Fd(::open(request.to_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
      if (!file) return Fail(errno);
    }
    while (!piece.empty()) {
      const ssize_t written = ::write(file.get(), piece.data(), piece.size());
      if (written < 0 && errno != EINTR) return Fail(errno);
      if (written > 0) piece.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }

  bool Take(std::string_view piece) {
    if (IsForFile()) return TakeToFile(piece);
    if (piece.size() > largest_body - answer.body.size()) {
      failure =
          fmt::format("{}: an answer of more than {} bytes", ServerOf(request.url), largest_body);
      return false;
    }
    answer.body.append(piece);
    return true;
  }
};

std::size_t TakeBody(char* data, std::size_t size, std::size_t count, void* user) noexcept {
  try {
    return static_cast<Attempt*>(user)->Take({data, size * count}) ? size * count : 0;
  } catch (...) {
    return 0;  // for want of memory
  }
}

std::size_t TakeHeader(char* data, std::size_t size, std::size_t count, void* user) noexcept {
  try {
    const std::string_view line(data, size * count);
    auto& headers = static_cast<Attempt*>(user)->answer.headers;
    if (line.starts_with("HTTP/")) headers.clear();  // those before were of a 100 Continue
    const std::size_t colon = line.find(':');
    if (colon != line.npos) {
      std::string name(line.substr(0, colon));
      std::ranges::transform(name, name.begin(), Lower);
      headers[std::move(name)] = Trimmed(line.substr(colon + 1), kBlanksAndLineEnds);
    }
    return size * count;
  } catch (...) {
    return 0;
  }
}

std::size_t GiveBody(char* data, std::size_t size, std::size_t count, void* user) noexcept {
  std::string_view& unsent = static_cast<Attempt*>(user)->unsent;
  const std::size_t taken = std::min(unsent.size(), size * count);
  std::ranges::copy(unsent.substr(0, taken), data);
  unsent.remove_prefix(taken);
  return taken;
}

void DescribeMethod(const HttpRequest& request, Attempt& attempt) {
  CURL* const easy = attempt.easy;
  const auto size = static_cast<curl_off_t>(request.body.size());
  if (request.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (request.method == "PUT") {
    attempt.unsent = request.body;
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, size);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, &GiveBody);
    curl_easy_setopt(easy, CURLOPT_READDATA, &attempt);
  } else if (request.method == "POST" || !request.body.empty()) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, size);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  } else if (request.method != "GET") {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

bool MayChange(long status) noexcept {
  constexpr long kTimeout = 408;
  constexpr long kTooMany = 429;
  constexpr long kServerError = 500;
  constexpr long kNotImplemented = 501;
  return status == kTimeout || status == kTooMany ||
         (status >= kServerError && status != kNotImplemented);
}

}  // namespace

struct HttpClient::State {
  HttpLimits limits;
  Easy easy{curl_easy_init()};

  /// None: another attempt may go better; `reason` says why.
  std::optional<Result<HttpAnswer>> Try(const HttpRequest& request, std::string& reason);
};

std::optional<Result<HttpAnswer>> HttpClient::State::Try(const HttpRequest& request,
                                                         std::string& reason) {
  curl_easy_reset(easy.get());  // connections are kept
  Attempt attempt{.request = request, .largest_body = limits.largest_body, .easy = easy.get()};
  Headers headers;
  for (const std::string& line : request.headers) Add(line, headers);
  Add("Expect:", headers);  // else it would ask before it sends a longer body
  std::array<char, CURL_ERROR_SIZE> said{};
  curl_easy_setopt(easy.get(), CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_PATH_AS_IS, 1L);  // it is signed as it is
  curl_easy_setopt(easy.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy.get(), CURLOPT_USERAGENT, "forkcast");
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(limits.connect.count()));
  curl_easy_setopt(easy.get(), CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_LOW_SPEED_TIME, static_cast<long>(limits.stall.count()));
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, &TakeBody);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &attempt);
  curl_easy_setopt(easy.get(), CURLOPT_HEADERFUNCTION, &TakeHeader);
  curl_easy_setopt(easy.get(), CURLOPT_HEADERDATA, &attempt);
  curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, said.data());
  DescribeMethod(request, attempt);
  const CURLcode result = curl_easy_perform(easy.get());
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &attempt.answer.status);
  curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, nullptr);  // it ends with this function
  if (!attempt.failure.empty()) return Error{ErrorCode::kIo, attempt.failure};
  if (result != CURLE_OK) {
    reason = said.front() == '\0' ? curl_easy_strerror(result) : said.data();
    return std::nullopt;
  }
  // A file without a byte was not begun.
  if (attempt.IsForFile() && !attempt.TakeToFile({})) return Error{ErrorCode::kIo, attempt.failure};
  if (MayChange(attempt.answer.status)) reason = fmt::format("answers {}", attempt.answer.status);
  return std::move(attempt.answer);
}

HttpClient::HttpClient(const HttpLimits& limits) : state_(std::make_unique<State>()) {
  state_->limits = limits;
  if (!state_->easy) throw std::bad_alloc();
}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

Result<HttpAnswer> HttpClient::Send(const HttpRequest& request) {
  std::chrono::milliseconds pause = state_->limits.first_pause;
  for (std::size_t attempt = 1;; ++attempt) {
    std::string reason;
    std::optional<Result<HttpAnswer>> answer = state_->Try(request, reason);
    if (answer && *answer) (*answer)->attempts = attempt;
    const bool is_last = attempt >= state_->limits.attempts;
    if (answer && (reason.empty() || is_last)) return *std::move(answer);
    if (is_last) {
      return Error{ErrorCode::kIo, fmt::format("{} does not answer: {} ({} attempts)",
                                               ServerOf(request.url), reason, attempt)};
    }
    std::this_thread::sleep_for(pause);
    pause *= 2;
  }
}

std::string_view ServerOf(std::string_view url) noexcept {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == url.npos ? 0 : scheme + 3;
  return url.substr(0, url.find_first_of("/?", begin));
}

}  // namespace forkcast::model
