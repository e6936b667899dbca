#include "model/remote/s3_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

namespace forkcast::model {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr long kNotFound = 404;
constexpr long kConflict = 409;
constexpr long kPreconditionFailed = 412;

/// What S3's word for an error means to whoever set it up.
struct Advice {
  std::string_view code;
  std::string_view text;
};
constexpr std::array kAdvice{
    Advice{"SignatureDoesNotMatch", "the secret is not that of the key: see AWS_SECRET_ACCESS_KEY"},
    Advice{"InvalidAccessKeyId", "there is no such key: see AWS_ACCESS_KEY_ID"},
    Advice{"XAdminUserNotFound", "there is no such key: see AWS_ACCESS_KEY_ID"},  // versitygw's
    Advice{"ExpiredToken", "the keys were lent and have expired"},
    Advice{"InvalidToken", "the keys were lent by another: see AWS_SESSION_TOKEN"},
    Advice{"AccessDenied", "the key may not do this"},
    Advice{"NoSuchBucket", "there is no such bucket"},
    Advice{"RequestTimeTooSkewed", "the clock of this machine is wrong"},
    Advice{"PermanentRedirect", "the bucket is in another region: see AWS_REGION"},
    Advice{"AuthorizationHeaderMalformed", "the bucket is in another region: see AWS_REGION"},
};

/// A word of S3's, not a text: what else an error holds may be a signature.
std::string CodeOf(const HttpAnswer& answer) {
  const std::vector<std::string> codes = XmlTexts(answer.body, "Code");
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (codes.empty() || codes.front().size() > 64) return {};
  return std::ranges::all_of(codes.front(), is_plain) ? codes.front() : std::string();
}

std::string Resolved(std::string_view text) {
  constexpr std::array kEntities{std::pair{"&amp;", '&'},   std::pair{"&lt;", '<'},
                                 std::pair{"&gt;", '>'},    std::pair{"&quot;", '"'},
                                 std::pair{"&apos;", '\''}, std::pair{"&#34;", '"'},
                                 std::pair{"&#39;", '\''}};
  std::string resolved;
  while (!text.empty()) {
    const auto entity = std::ranges::find_if(
        kEntities, [text](const auto& one) { return text.starts_with(one.first); });
    const std::size_t taken =
        entity == kEntities.end() ? 1 : std::string_view(entity->first).size();
    resolved.push_back(entity == kEntities.end() ? text.front() : entity->second);
    text.remove_prefix(taken);
  }
  return resolved;
}

std::optional<std::uint64_t> ToNumber(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// "2026-11-30T13:05:51Z" of "2026-11-30T13:05:51.123Z".
std::string WithoutFraction(std::string time) {
  const std::size_t dot = time.find('.');
  if (dot != time.npos && time.ends_with('Z')) time.replace(dot, time.size() - dot, "Z");
  return time;
}

}  // namespace

struct S3Client::Call {
  std::string method = "GET";
  std::string key{};  ///< Empty: the bucket.
  Pairs query{};
  Pairs headers{};  ///< In lower case.
  std::string_view body{};
  std::filesystem::path to_file{};
};

S3Client::S3Client(AwsSettings settings, std::string bucket, const HttpLimits& limits,
                   const Clock& clock)
    : settings_(std::move(settings)), bucket_(std::move(bucket)), clock_(clock), http_(limits) {}

Result<HttpAnswer> S3Client::Send(const Call& call) {
  const SigningScope scope{.time = clock_.Now(), .region = settings_.region};
  RequestToSign to_sign{
      .method = call.method,
      .path = fmt::format("/{}{}{}", bucket_, call.key.empty() ? "" : "/", call.key),
      .query = call.query,
      .headers = call.headers,
      .payload_hash = HexSha256(call.body)};
  to_sign.headers.emplace_back("x-amz-date", AmzDate(scope.time));
  to_sign.headers.emplace_back("x-amz-content-sha256", to_sign.payload_hash);
  if (!settings_.keys.session_token.empty()) {
    to_sign.headers.emplace_back("x-amz-security-token", settings_.keys.session_token);
  }
  const std::string& endpoint = settings_.endpoint;
  const std::string_view server = ServerOf(endpoint);
  to_sign.headers.emplace_back("host", server.substr(server.find("://") + 3));
  // What stands behind the host is part of what is signed.
  to_sign.path.insert(0, endpoint, server.size());
  HttpRequest request{.method = call.method, .url = {}, .body = call.body, .to_file = call.to_file};
  for (const auto& [name, value] : to_sign.headers) {
    request.headers.push_back(fmt::format("{}: {}", name, value));
  }
  request.headers.push_back(
      fmt::format("Authorization: {}", Authorization(to_sign, scope, settings_.keys)));
  request.url = fmt::format("{}{}{}{}", server, PercentEncoded(to_sign.path, Slashes::kKept),
                            call.query.empty() ? "" : "?", CanonicalQuery(call.query));
  return http_.Send(request);
}

std::string S3Client::NameOf(const std::string& key) const {
  return fmt::format("s3://{}/{}", bucket_, key);
}

Error S3Client::Refused(const std::string& key, const HttpAnswer& answer) const {
  const std::string code = CodeOf(answer);
  const auto advice = std::ranges::find(kAdvice, code, &Advice::code);
  // Some servers say 404 of keys that they do not know, too.
  const bool is_missing = answer.status == kNotFound && (code.empty() || code == "NoSuchKey");
  if (is_missing) return {ErrorCode::kNotFound, fmt::format("{}: not there", NameOf(key))};
  return {
      ErrorCode::kIo,
      fmt::format("{}: {} answers {}{}{}{}{}", NameOf(key), ServerOf(settings_.endpoint),
                  answer.status, code.empty() ? "" : " ", code, advice == kAdvice.end() ? "" : ": ",
                  advice == kAdvice.end() ? "" : advice->text)};
}

Result<S3Text> S3Client::Get(const std::string& key) {
  Result<HttpAnswer> answer = Send({.key = key});
  if (!answer) return std::move(answer).error();
  if (answer->status != 200) return Refused(key, *answer);
  return S3Text{.text = std::move(answer->body), .etag = answer->headers["etag"]};
}

Status S3Client::GetToFile(const std::string& key, const std::filesystem::path& file) {
  const Result<HttpAnswer> answer = Send({.key = key, .to_file = file});
  if (!answer) return answer.error();
  return answer->status == 200 ? Status() : Status(Refused(key, *answer));
}

Result<bool> S3Client::Put(const std::string& key, std::string_view bytes,
                           const S3Condition& condition) {
  Call call{.method = "PUT", .key = key, .body = bytes};
  if (condition.kind == S3Condition::Kind::kAbsent) call.headers = {{"if-none-match", "*"}};
  if (condition.kind == S3Condition::Kind::kSame) call.headers = {{"if-match", condition.etag}};
  const Result<HttpAnswer> answer = Send(call);
  if (!answer) return answer.error();
  if (answer->status == 200) return true;
  const bool has_changed =
      answer->status == kPreconditionFailed || answer->status == kConflict ||
      (answer->status == kNotFound && condition.kind == S3Condition::Kind::kSame);
  if (!has_changed || condition.kind == S3Condition::Kind::kNone) return Refused(key, *answer);
  if (answer->attempts == 1) return false;
  // The first attempt may have been carried out, and only its answer been lost.
  const Result<S3Text> there = Get(key);
  if (!there && there.error().code != ErrorCode::kNotFound) return there.error();
  return there && there->text == bytes;
}

Status S3Client::Delete(const std::string& key) {
  const Result<HttpAnswer> answer = Send({.method = "DELETE", .key = key});
  if (!answer) return answer.error();
  const bool is_gone = answer->status == 204 || answer->status == 200 || answer->status == 404;
  return is_gone ? Status() : Status(Refused(key, *answer));
}

template <typename Take>
Status S3Client::ListPages(const std::string& prefix, std::string_view delimiter, Take take) {
  std::string continuation;
  do {
    Call call{.query = {{"list-type", "2"}, {"prefix", prefix}}};
    if (!delimiter.empty()) call.query.emplace_back("delimiter", delimiter);
    if (!continuation.empty()) call.query.emplace_back("continuation-token", continuation);
    const Result<HttpAnswer> answer = Send(call);
    if (!answer) return answer.error();
    if (answer->status != 200) return Refused(prefix, *answer);
    if (answer->body.find("</ListBucketResult>") == std::string::npos) {
      return Error{ErrorCode::kCorrupt,
                   fmt::format("{}: {} answers with no list of S3's: is it S3?", NameOf(prefix),
                               ServerOf(settings_.endpoint))};
    }
    if (Status taken = take(answer->body); !taken) return taken;
    const std::vector<std::string> next = XmlTexts(answer->body, "NextContinuationToken");
    const std::string before = std::exchange(continuation, next.empty() ? "" : next.front());
    if (!continuation.empty() && continuation == before) {
      return Error{ErrorCode::kCorrupt, fmt::format("{}: a list without an end", NameOf(prefix))};
    }
  } while (!continuation.empty());
  return {};
}

Result<std::vector<S3Object>> S3Client::List(const std::string& prefix) {
  std::vector<S3Object> objects;
  const Status listed = ListPages(prefix, {}, [&](std::string_view page) -> Status {
    std::vector<std::string> keys = XmlTexts(page, "Key");
    const std::vector<std::string> sizes = XmlTexts(page, "Size");
    std::vector<std::string> times = XmlTexts(page, "LastModified");
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto bytes = i < sizes.size() ? ToNumber(sizes[i]) : std::nullopt;
      if (!bytes || times.size() != keys.size()) {
        return Error{ErrorCode::kCorrupt, fmt::format("{}: a list in which {} has no size or time",
                                                      NameOf(prefix), keys[i])};
      }
      objects.push_back({.key = std::move(keys[i]),
                         .bytes = *bytes,
                         .modified = WithoutFraction(std::move(times[i]))});
    }
    return {};
  });
  if (!listed) return listed.error();
  return objects;
}

Result<std::vector<std::string>> S3Client::ListFolders(const std::string& prefix) {
  std::vector<std::string> folders;
  const Status listed = ListPages(prefix, "/", [&](std::string_view page) -> Status {
    // The request's own prefix is told, too, without the '/' at the end of a folder below it.
    for (std::string& text : XmlTexts(page, "Prefix")) {
      if (text.size() <= prefix.size() || !text.ends_with('/')) continue;
      folders.push_back(text.substr(prefix.size(), text.size() - prefix.size() - 1));
    }
    return {};
  });
  if (!listed) return listed.error();
  return folders;
}

std::vector<std::string> XmlTexts(std::string_view xml, std::string_view name) {
  const std::string open = fmt::format("<{}>", name);
  const std::string close = fmt::format("</{}>", name);
  std::vector<std::string> texts;
  for (std::size_t at = xml.find(open); at != xml.npos; at = xml.find(open, at)) {
    const std::size_t begin = at + open.size();
    const std::size_t end = xml.find(close, begin);
    if (end == xml.npos) break;
    const std::string_view text = xml.substr(begin, end - begin);
    // <CommonPrefixes><Prefix> and the like: what has elements in it is no text.
    if (text.find('<') == text.npos) texts.push_back(Resolved(text));
    at = begin;
  }
  return texts;
}

}  // namespace forkcast::model
