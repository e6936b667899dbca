#include "serving/http/request_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/verb.hpp>
#include <cstring>
#include <optional>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "serving/http/request_head.hpp"
#include "serving/http/traceparent.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::serving {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;

constexpr std::size_t kInitialCapacity = 16384;
constexpr std::size_t kKeptBuffer = 262144;  // a larger buffer is given back after its request
constexpr std::size_t kMaxChunkExtension = 256;
constexpr std::size_t kShortestChunkedBody = 5;  // "0", CRLF, CRLF

/// Whether a second one would leave open which is meant.
constexpr bool MayComeOnce(Header header) noexcept {
  return (kContentLength <= header && header <= kExpect) ||
         (kInferenceId <= header && header <= kTargetModel);
}

/// Fields that say how a message is framed, led or allowed come too late behind its body.
bool MayBeTrailer(http::field field) noexcept {
  switch (field) {
    case http::field::authorization:
    case http::field::cache_control:
    case http::field::connection:
    case http::field::content_encoding:
    case http::field::content_length:
    case http::field::content_range:
    case http::field::content_type:
    case http::field::cookie:
    case http::field::expect:
    case http::field::host:
    case http::field::max_forwards:
    case http::field::proxy_authorization:
    case http::field::te:
    case http::field::trailer:
    case http::field::transfer_encoding:
    case http::field::upgrade:
      return false;
    default:
      return true;
  }
}

enum Character : std::uint8_t { kInTarget = 1, kInName = 2, kInAddress = 4, kDigit = 8, kHex = 16 };

/// What each byte may stand in. Of a URI's characters (RFC 3986) `#` is left out: what it begins is
/// never sent.
constexpr std::array<std::uint8_t, 256> kCharacters = [] {
  std::array<std::uint8_t, 256> table{};
  const auto allow = [&table](std::string_view characters, unsigned in) {
    for (const char c : characters) table[static_cast<unsigned char>(c)] |= in;
  };
  allow("0123456789", kDigit);
  allow("0123456789abcdefABCDEF", kHex);
  for (const std::string_view unreserved :
       {"abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789-._~"}) {
    allow(unreserved, kInTarget | kInName | kInAddress);
  }
  allow("!$&'()*+,;=%", kInTarget | kInName | kInAddress);
  allow(":", kInTarget | kInAddress);
  allow("/?@[]", kInTarget);
  return table;
}();

/// Number of leading characters of a kind.
std::size_t CountLeading(std::string_view text, Character kind) noexcept {
  return static_cast<std::size_t>(
      std::ranges::find_if(text, [kind](unsigned char c) { return (kCharacters[c] & kind) == 0; }) -
      text.begin());
}

bool IsAll(std::string_view text, Character kind) noexcept {
  return CountLeading(text, kind) == text.size();
}

/// Characters of a URI, and whole escapes.
bool IsTarget(std::string_view text) noexcept {
  if (!IsAll(text, kInTarget)) return false;
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 3)) {
    if (CountLeading(text.substr(at + 1, 2), kHex) != 2) return false;
  }
  return true;
}

/// A host with or without its port (RFC 3986, 3.2.2), neither of which needs a character.
bool IsHost(std::string_view text) noexcept {
  if (text.starts_with('[')) {
    const std::size_t end = 1 + CountLeading(text.substr(1), kInAddress);
    if (end == 1 || !text.substr(end).starts_with(']')) return false;
    text.remove_prefix(end + 1);
  } else {
    text.remove_prefix(CountLeading(text, kInName));
  }
  return text.empty() || (text.front() == ':' && IsAll(text.substr(1), kDigit));
}

/// Whether an extension has no control character, which Beast lets through between quotes. A line
/// feed there ends the line for some proxies.
bool IsChunkExtension(std::string_view text) noexcept {
  return text.size() <= kMaxChunkExtension && std::ranges::none_of(text, [](unsigned char c) {
           return (c < 0x20 && c != '\t') || c == 0x7F;
         });
}

/// Whether quotes that open within a chunk's header do not close in its line. Beast looks for their
/// end behind it, and takes the chunk's size off the limit of the body each time it looks.
bool HasOpenQuotes(std::string_view rest) noexcept {
  if (rest.starts_with("\r\n")) rest.remove_prefix(2);  // of the chunk before
  const std::size_t end = rest.find("\r\n");
  if (end == std::string_view::npos) return false;
  bool open = false;
  for (std::size_t i = 0; i < end; ++i) {
    if (open && rest[i] == '\\') {
      ++i;
    } else if (rest[i] == '"') {
      open = !open;
    }
  }
  return open;
}

/// The path of a head's first line, without scheme, host and what callers put before that; empty
/// when that is not whole.
std::string_view FindPath(std::string_view head) noexcept {
  const std::size_t end = head.find("\r\n");
  const std::size_t method = head.find(' ');
  if (end == std::string_view::npos || method > end) return {};
  const std::string_view rest = head.substr(method + 1, end - method - 1);
  const std::string_view path = rest.substr(0, rest.find_first_of(" ?"));
  const std::size_t scheme = path.find("://");
  if (path.starts_with('/') || scheme == std::string_view::npos) return path;
  return path.substr(std::min(path.find('/', scheme + 3), path.size()));
}

/// A field among the whole lines of a head, and how often it stands there.
SentField FindSent(std::string_view head, std::string_view name) noexcept {
  SentField found;
  for (std::size_t end = head.find("\r\n"); end != std::string_view::npos;
       end = head.find("\r\n")) {
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    if (line.empty()) break;  // what follows is the body
    if (line.size() <= name.size() || line[name.size()] != ':' ||
        !EqualsIgnoringCase(line.substr(0, name.size()), name)) {
      continue;
    }
    ++found.count;
    found.value = Trimmed(line.substr(name.size() + 1));
  }
  return found;
}

/// The value of a field that stands once among the whole lines of a head; else empty.
std::string_view FindField(std::string_view head, std::string_view name) noexcept {
  const SentField found = FindSent(head, name);
  return found.count == 1 ? found.value : std::string_view();
}

std::string_view View(boost::beast::string_view text) noexcept {
  return {text.data(), text.size()};
}

/// Size of scheme and authority of an absolute target, which clients send to proxies and every
/// server must take (RFC 9112, 3.2.2); 0 of a path. kMalformed for what is neither, for an
/// authority that is no host, and for one with user information, which RFC 9110, 4.2.4 has servers
/// refuse.
Result<std::size_t> SizeOfAuthority(std::string_view target) {
  if (target.starts_with('/')) return std::size_t{0};
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!EqualsIgnoringCase(target.substr(0, scheme.size()), scheme)) continue;
    const std::size_t end = std::min(target.find_first_of("/?", scheme.size()), target.size());
    const std::string_view host = target.substr(scheme.size(), end - scheme.size());
    if (host.find('@') != std::string_view::npos) {
      return Error{ErrorCode::kMalformed,
                   "expected a request target without user and password (before the @)"};
    }
    if (host.empty() || host.front() == ':' || !IsHost(host)) break;
    return end;
  }
  return Error{ErrorCode::kMalformed, "expected a request target that starts with /"};
}

}  // namespace

/// Notes what Beast finds, where the head is not plain.
struct RequestReader::Parser final : RequestHead {
  /// One message's; Beast's parsers cannot be used again.
  class Message final : public http::basic_parser<true> {
   public:
    Message(Parser& notes, const RequestLimits& limits) : notes_(notes) {
      header_limit(static_cast<std::uint32_t>(limits.max_header_bytes));
      body_limit(limits.max_body_bytes);
    }

   private:
    void on_request_impl(http::verb verb, boost::beast::string_view verb_name,
                         boost::beast::string_view sent_target, int sent_version,
                         error_code&) override {
      notes_.method = verb == http::verb::get       ? Method::kGet
                      : verb == http::verb::head    ? Method::kHead
                      : verb == http::verb::post    ? Method::kPost
                      : verb == http::verb::delete_ ? Method::kDelete
                      : verb == http::verb::options ? Method::kOptions
                                                    : Method::kOther;
      notes_.is_connect = verb == http::verb::connect;
      notes_.line_method = notes_.StretchOf(View(verb_name));
      notes_.line_target = notes_.StretchOf(View(sent_target));
      notes_.target = notes_.line_target;
      notes_.version = sent_version;
    }
    void on_response_impl(int, boost::beast::string_view, int, error_code&) override {}
    void on_field_impl(http::field field, boost::beast::string_view name,
                       boost::beast::string_view value, error_code& error) override {
      if (IsFolded(name, value)) {
        error = http::error::bad_obs_fold;
        return;
      }
      if (is_header_done()) {  // a trailer, which changes nothing that was checked
        if (!MayBeTrailer(field)) error = http::error::bad_field;
        return;
      }
      ++notes_.field_count;
      const auto header = HeaderOf(View(name));
      if (!header) return;
      if (++notes_.seen[*header] > 1 && *header < kListCount) {
        std::string& joined = notes_.joined[*header];
        joined.append(joined.empty() ? notes_.Text(*header) : "").append(",").append(View(value));
        return;
      }
      if (notes_.seen[*header] > 1 && MayComeOnce(*header)) notes_.repeated = *header;
      notes_.headers[*header] = notes_.StretchOf(View(value));
    }
    void on_header_impl(error_code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(boost::beast::string_view, error_code&) override { return 0; }
    void on_chunk_header_impl(std::uint64_t, boost::beast::string_view extensions,
                              error_code& error) override {
      if (!IsChunkExtension(View(extensions))) error = http::error::bad_chunk_extension;
    }
    std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view body,
                                   error_code&) override {
      notes_.chunks->append(body.data(), body.size());
      return body.size();
    }
    void on_finish_impl(error_code&) override {}

    /// Whether a value goes on in, or does not begin before, a line behind its name's.
    [[nodiscard]] bool IsFolded(boost::beast::string_view name,
                                boost::beast::string_view value) const noexcept {
      // A value that Beast had to unfold is not within the buffer.
      if (!notes_.Within(View(value))) return true;
      const std::string_view between(name.end(), value.begin());
      return between.size() > 2 && between.find('\n') != std::string_view::npos;
    }

    Parser& notes_;
  };

  void Start(const RequestLimits& limits) {
    Clear();
    message.emplace(*this, limits);
    message->eager(false);
  }
  [[nodiscard]] bool Within(std::string_view text) const noexcept {
    return text.empty() || (text.data() >= base && text.data() + text.size() <= base + size);
  }
  [[nodiscard]] Stretch StretchOf(std::string_view text) const noexcept {
    if (text.empty()) return {};
    return {.offset = static_cast<std::size_t>(text.data() - base), .size = text.size()};
  }
  [[nodiscard]] std::string_view Text(Stretch stretch) const noexcept {
    return {base + stretch.offset, stretch.size};
  }
  [[nodiscard]] std::string_view Text(Header header) const noexcept {
    return Text(headers[header]);
  }
  /// Precondition: it is a list.
  [[nodiscard]] std::string_view List(Header header) const noexcept {
    return joined[header].empty() ? Text(header) : std::string_view(joined[header]);
  }

  std::optional<Message> message;
  const char* base = nullptr;  // the buffer, and how much of it is filled
  std::size_t size = 0;
  std::string* chunks = nullptr;
};

RequestReader::RequestReader(const RequestLimits& limits, const Clock& clock)
    : limits_(limits), clock_(clock), parser_(std::make_unique<Parser>()) {
  parser_->chunks = &chunked_body_;
  Reserve(kInitialCapacity);
}

RequestReader::~RequestReader() = default;

void RequestReader::Reserve(std::size_t bytes) {
  if (bytes <= capacity_) return;
  auto larger = std::make_unique_for_overwrite<char[]>(bytes + wire::kBodyPadding);
  if (end_ > 0) std::memcpy(larger.get(), buffer_.get(), end_);
  // Readers of whole vectors look at the padding; what it holds does not matter, but it is defined.
  std::memset(larger.get() + bytes, 0, wire::kBodyPadding);
  buffer_ = std::move(larger);
  capacity_ = bytes;
  parser_->base = buffer_.get();
}

std::span<char> RequestReader::Prepare() {
  if (end_ == capacity_) {
    // Grows with what has come, not with what was announced: an announcement costs nothing.
    const std::size_t most = std::max(wanted_, kInitialCapacity) + limits_.max_header_bytes;
    Reserve(std::min(capacity_ * 2, std::max(capacity_ + 1, most)));
  }
  return {buffer_.get() + end_, capacity_ - end_};
}

void RequestReader::Commit(std::size_t bytes) noexcept {
  if (end_ == 0 && bytes > 0) request_.started = clock_.Monotonic();
  end_ += bytes;
}

RequestReader::Progress RequestReader::Fail(ErrorCode code, std::string message,
                                            std::string_view field) {
  fault_ = {.code = code, .message = std::move(message), .field = field};
  return Progress::kFault;
}

RequestReader::Progress RequestReader::Parse() {
  parser_->base = buffer_.get();
  parser_->size = end_;
  if (!header_done_) {
    const Progress progress = ParseHeader();
    if (progress != Progress::kRequest) return progress;
  }
  if (std::exchange(continue_pending_, false) && end_ == parsed_) return Progress::kContinue;
  return parser_->chunked ? ReadChunks() : ReadBody();
}

void RequestReader::DropEmptyLines() noexcept {
  std::size_t lines = 0;
  while (std::string_view(buffer_.get() + lines, end_ - lines).starts_with("\r\n")) lines += 2;
  if (lines == 0) return;
  end_ -= lines;
  std::memmove(buffer_.get(), buffer_.get() + lines, end_);
}

RequestReader::Progress RequestReader::ParseHeader() {
  if (!parser_->message) {
    DropEmptyLines();
    if (end_ == 0 || (end_ == 1 && buffer_[0] == '\r')) return Progress::kNeedMore;
    parsed_ = ReadPlainHead({buffer_.get(), std::min(end_, limits_.max_header_bytes)},
                            limits_.max_body_bytes, *parser_);
    if (parsed_ != 0) return CheckHeader();
    parser_->Start(limits_);
  }
  // Beast's own limit counts anew for each piece that comes: it sees no byte beyond ours.
  const std::size_t visible = std::min(end_, limits_.max_header_bytes);
  error_code error;
  parsed_ += parser_->message->put({buffer_.get() + parsed_, visible - parsed_}, error);
  if (error == http::error::need_more && end_ < limits_.max_header_bytes)
    return Progress::kNeedMore;
  if (error == http::error::need_more || error == http::error::header_limit) {
    return Fail(ErrorCode::kHeaderTooLarge,
                fmt::format("the request's head has more than the {} bytes that are taken "
                            "(max_header_bytes)",
                            limits_.max_header_bytes));
  }
  if (error == http::error::body_limit) {
    return Fail(ErrorCode::kTooLarge,
                fmt::format("the body has {} bytes, at most {} are taken (max_body_bytes)",
                            parser_->Text(kContentLength), limits_.max_body_bytes));
  }
  if (error == http::error::bad_version)
    return Fail(ErrorCode::kUnknownVersion, "expected HTTP/1.0 or HTTP/1.1");
  if (error) return Fail(ErrorCode::kMalformed, "not a valid HTTP request");
  parser_->keep_alive = parser_->message->keep_alive();
  parser_->chunked = parser_->message->chunked();
  if (const auto length = parser_->message->content_length()) parser_->content_length = *length;
  return CheckHeader();
}

RequestReader::Progress RequestReader::CheckHeader() {
  const Parser& notes = *parser_;
  http_1_0_ = notes.version == 10;
  keep_alive_ = notes.keep_alive;
  for (const auto check : {&RequestReader::CheckFields, &RequestReader::CheckTarget}) {
    if (const Progress checked = (this->*check)(); checked == Progress::kFault) return checked;
  }
  if (notes.seen[kExpect] > 0) {
    if (!EqualsIgnoringCase(notes.Text(kExpect), "100-continue")) {
      return Fail(ErrorCode::kExpectationFailed, "the only expectation understood is 100-continue");
    }
    continue_pending_ = !http_1_0_ && !notes.message->is_done();
  }
  if (notes.content_length) wanted_ = parsed_ + *notes.content_length;
  header_bytes_ = parsed_;
  header_done_ = true;
  return Progress::kRequest;
}

RequestReader::Progress RequestReader::CheckFields() {
  const Parser& notes = *parser_;
  if (notes.field_count > RequestHead::kMaxFields) {
    return Fail(ErrorCode::kHeaderTooLarge,
                fmt::format("the request has {} header fields, at most {} are taken",
                            notes.field_count, RequestHead::kMaxFields));
  }
  if (notes.seen[kHost] > 1 || (notes.seen[kHost] == 0 && !http_1_0_)) {
    return Fail(ErrorCode::kMalformed, "expected one Host header");
  }
  if (!IsHost(notes.Text(kHost))) return Fail(ErrorCode::kMalformed, "not a valid Host header");
  if (notes.repeated) {
    return Fail(ErrorCode::kMalformed,
                fmt::format("the header {} was given {} times, it may come once",
                            NameOf(*notes.repeated), notes.seen[*notes.repeated]),
                NameOf(*notes.repeated));
  }
  const std::string_view length_text = notes.Text(kContentLength);
  if (length_text.find_first_not_of("0123456789") != std::string_view::npos) {
    return Fail(ErrorCode::kMalformed, "expected one number as Content-Length");
  }
  if (notes.seen[kTransferEncoding] == 0) return Progress::kRequest;
  if (notes.seen[kContentLength] > 0) {
    return Fail(ErrorCode::kMalformed, "expected either Content-Length or Transfer-Encoding");
  }
  if (http_1_0_) return Fail(ErrorCode::kMalformed, "HTTP/1.0 has no Transfer-Encoding");
  if (!EqualsIgnoringCase(notes.Text(kTransferEncoding), "chunked")) {
    return Fail(ErrorCode::kNotImplemented, "the only Transfer-Encoding understood is chunked");
  }
  return Progress::kRequest;
}

/// The four forms of RFC 9112, 3.2: of a path, with scheme and host before it, of a host alone
/// (CONNECT), `*` (OPTIONS).
RequestReader::Progress RequestReader::CheckTarget() {
  Parser& notes = *parser_;
  if (notes.is_connect) {
    return Fail(ErrorCode::kNotImplemented, "CONNECT asks for a tunnel, and this is no proxy");
  }
  const std::string_view target = notes.Text(notes.target);
  if (!IsTarget(target)) return Fail(ErrorCode::kMalformed, "not a valid request target");
  if (target == "*" && notes.method == Method::kOptions) return Progress::kRequest;
  const Result<std::size_t> authority = SizeOfAuthority(target);
  if (!authority) return Fail(authority.error().code, authority.error().message);
  notes.target = notes.StretchOf(target.substr(*authority));
  return Progress::kRequest;
}

RequestReader::Progress RequestReader::ReadBody() {
  const std::size_t end = std::max(wanted_, parsed_);
  if (end_ < end) return Progress::kNeedMore;
  FillRequest({buffer_.get() + parsed_, end - parsed_});
  wanted_ = end;
  return Progress::kRequest;
}

RequestReader::Progress RequestReader::ReadChunks() {
  auto& message = *parser_->message;
  // Beast asserts that what begins with the last chunk comes whole.
  if (chunked_body_.empty() && end_ - parsed_ < kShortestChunkedBody) return Progress::kNeedMore;
  while (!message.is_done()) {
    error_code error;
    const std::size_t taken = message.put({buffer_.get() + parsed_, end_ - parsed_}, error);
    parsed_ += taken;
    if (error == http::error::body_limit) {
      return Fail(ErrorCode::kTooLarge,
                  fmt::format("the body has more than the {} bytes that are taken (max_body_bytes)",
                              limits_.max_body_bytes));
    }
    if (error && error != http::error::need_more)
      return Fail(ErrorCode::kMalformed, "not a valid chunked body");
    if (error == http::error::need_more || (taken == 0 && !message.is_done())) {
      // What was joined leaves the buffer, which so never holds more than the header and one read.
      const std::size_t rest = end_ - parsed_;
      if (rest > limits_.max_header_bytes) {
        return Fail(ErrorCode::kMalformed, "a chunk's header or the trailers are too large");
      }
      if (HasOpenQuotes({buffer_.get() + parsed_, rest})) {
        return Fail(ErrorCode::kMalformed, "not a valid chunked body");
      }
      std::memmove(buffer_.get() + header_bytes_, buffer_.get() + parsed_, rest);
      parsed_ = header_bytes_;
      end_ = header_bytes_ + rest;
      return Progress::kNeedMore;
    }
  }
  wanted_ = parsed_;
  chunked_body_.reserve(chunked_body_.size() + wire::kBodyPadding);
  FillRequest(chunked_body_);
  return Progress::kRequest;
}

RequestLine RequestReader::line() const noexcept {
  const Parser& notes = *parser_;
  if (notes.line_method.size == 0) return {};
  return {.method = notes.Text(notes.line_method),
          .target = notes.Text(notes.line_target),
          .version = notes.version == 10 ? "HTTP/1.0" : "HTTP/1.1"};
}

void RequestReader::FillRequest(std::string_view body) {
  const Parser& notes = *parser_;
  const std::string_view target = notes.Text(notes.target);
  const std::size_t mark = target.find('?');
  request_.method = notes.method;
  request_.path = target.empty() || mark == 0 ? "/" : target.substr(0, mark);
  request_.query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  request_.body = body;
  request_.content_type = notes.Text(kContentType);
  request_.content_encoding = notes.Text(kContentEncoding);
  request_.accept = notes.List(kAccept);
  request_.inference_id = notes.Text(kInferenceId);
  request_.request_id = notes.Text(kRequestId);
  request_.custom_attributes = notes.Text(kCustomAttributes);
  request_.target_model = notes.Text(kTargetModel);
  request_.idempotency_key = notes.Text(kIdempotencyKey);
  request_.inference_header_length = notes.Text(kInferenceHeaderLength);
  request_.accept_encoding = notes.List(kAcceptEncoding);
  if (notes.seen[kTraceparent] == 1 && IsTraceparent(notes.Text(kTraceparent))) {
    request_.traceparent = notes.Text(kTraceparent);
  }
  request_.forwarded_for = notes.List(kForwardedFor);
  request_.forwarded = notes.List(kForwarded);
  request_.origin = notes.Text(kOrigin);
  request_.preflight_method = notes.Text(kPreflightMethod);
}

/// By a look at the bytes, since Beast tells nothing of a head that is not whole, or no head.
RequestView RequestReader::Glimpse() const noexcept {
  const std::string_view head(buffer_.get(), std::min(end_, limits_.max_header_bytes));
  return {.path = FindPath(head),
          .accept = FindField(head, NameOf(kAccept)),
          .inference_id = FindField(head, NameOf(kInferenceId)),
          .request_id = FindField(head, NameOf(kRequestId)),
          .forwarded_for = FindField(head, NameOf(kForwardedFor)),
          .forwarded = FindField(head, NameOf(kForwarded)),
          .origin = FindField(head, NameOf(kOrigin)),
          .started = request_.started};
}

SentField RequestReader::Find(std::string_view name) const noexcept {
  return FindSent({buffer_.get(), header_bytes_}, name);
}

std::string_view RequestReader::host() const noexcept {
  const Parser& notes = *parser_;
  const std::string_view target = notes.Text(notes.line_target);
  const std::size_t scheme = target.find("://");
  if (target.starts_with('/') || scheme == std::string_view::npos) return notes.Text(kHost);
  const std::string_view behind = target.substr(scheme + 3);
  return behind.substr(0, behind.find_first_of("/?"));
}

std::string RequestReader::DescribeArrival() const {
  if (!header_done_) return fmt::format("{} bytes of its head had come", end_);
  if (parser_->chunked) {
    return fmt::format("{} bytes of its chunked body had come", chunked_body_.size());
  }
  return fmt::format("{} of {} bytes of its body had come", end_ - parsed_, wanted_ - parsed_);
}

void RequestReader::Next() {
  const std::size_t rest = end_ - wanted_;
  if (rest > 0) std::memmove(buffer_.get(), buffer_.get() + wanted_, rest);
  end_ = rest;
  parsed_ = 0;
  wanted_ = 0;
  header_done_ = false;
  continue_pending_ = false;
  parser_->message.reset();
  parser_->line_method = {};
  chunked_body_.clear();
  request_ = {};
  if (rest > 0) request_.started = clock_.Monotonic();
  if (chunked_body_.capacity() > kKeptBuffer) chunked_body_.shrink_to_fit();
  if (capacity_ > kKeptBuffer && rest < kInitialCapacity) {
    capacity_ = 0;
    Reserve(kInitialCapacity);
  }
}

}  // namespace forkcast::serving
