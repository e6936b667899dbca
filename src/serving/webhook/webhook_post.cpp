#include "serving/webhook/webhook_post.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <new>
#include <string_view>

namespace forkcast::serving {
namespace {

struct CleanUp {
  void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, CleanUp>;
using Headers = std::unique_ptr<curl_slist, CleanUp>;

struct CleanUpMulti {
  void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
};
using Multi = std::unique_ptr<CURLM, CleanUpMulti>;

void Add(const std::string& line, Headers& headers) {
  curl_slist* const longer = curl_slist_append(headers.get(), line.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  static_cast<void>(headers.release());
  headers.reset(longer);
}

/// Ends the transfer: the status is known by then, and a body may come for ever.
std::size_t RefuseBody(char* /*data*/, std::size_t /*size*/, std::size_t /*count*/,
                       void* /*user*/) noexcept {
  return 0;
}

WebhookPost::Answer Judge(long status) {
  constexpr long kTimeout = 408;
  constexpr long kTooMany = 429;
  constexpr long kServerError = 500;
  if (status >= 200 && status < 300) return {.outcome = WebhookOutcome::kDelivered};
  const bool may_change = status == kTimeout || status == kTooMany || status >= kServerError;
  return {.outcome = may_change ? WebhookOutcome::kFailed : WebhookOutcome::kRefused,
          .reason = fmt::format("the receiver answered {}", status)};
}

}  // namespace

struct WebhookPost::State {
  WebhookSettings settings;
  Multi multi{curl_multi_init()};
  std::atomic<bool> is_aborted{false};

  /// Until the transfer ends or is aborted.
  CURLcode Perform(CURL* easy) {
    constexpr int kLongestWaitMs = 1'000;
    curl_multi_add_handle(multi.get(), easy);
    CURLcode result = CURLE_ABORTED_BY_CALLBACK;
    int running = 1;
    while (running > 0 && !is_aborted.load()) {
      if (curl_multi_perform(multi.get(), &running) != CURLM_OK) break;
      if (running > 0) curl_multi_poll(multi.get(), nullptr, 0, kLongestWaitMs, nullptr);
    }
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi.get(), &left)) {
      if (message->msg == CURLMSG_DONE) result = message->data.result;
    }
    curl_multi_remove_handle(multi.get(), easy);
    return result;
  }
};

WebhookPost::WebhookPost(const WebhookSettings& settings) : state_(std::make_unique<State>()) {
  state_->settings = settings;
  if (!state_->multi) throw std::bad_alloc();
}

WebhookPost::~WebhookPost() = default;

void WebhookPost::Abort() noexcept {
  state_->is_aborted = true;
  curl_multi_wakeup(state_->multi.get());
}

WebhookPost::Answer WebhookPost::Send(const WebhookMessage& message, const std::string& signature) {
  const Easy easy(curl_easy_init());
  if (!easy) throw std::bad_alloc();
  Headers headers;
  Add("Content-Type: application/json", headers);
  Add("X-Forkcast-Event: " + message.event, headers);
  Add("X-Forkcast-Id: " + message.id, headers);
  Add("X-Forkcast-Signature: " + signature, headers);
  Add("Expect:", headers);  // else it would ask before it sends a longer body
  CURL* const handle = easy.get();
  curl_easy_setopt(handle, CURLOPT_URL, state_->settings.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, message.body.data());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(message.body.size()));
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "forkcast");
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(state_->settings.timeout.count()));
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &RefuseBody);
  std::array<char, CURL_ERROR_SIZE> reason{};
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, reason.data());

  const CURLcode result = state_->Perform(handle);
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  if (result == CURLE_OK || (result == CURLE_WRITE_ERROR && status >= 200)) return Judge(status);
  const std::string_view said(reason.data());
  return {.outcome = WebhookOutcome::kFailed,
          .reason = std::string(said.empty() ? curl_easy_strerror(result) : said)};
}

}  // namespace forkcast::serving
