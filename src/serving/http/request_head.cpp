#include "serving/http/request_head.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include "data_preprocessing/base/ascii.hpp"

namespace forkcast::serving {
namespace {

struct Name {
  std::string_view text;
  std::size_t header = kHeaderCount;  // kHeaderCount: it changes what a message is
};

/// Of Header's order first; then those that a plain head does not have.
constexpr std::array<Name, kHeaderCount + 4> kNames{{
    {"Accept", kAccept},
    {"Accept-Encoding", kAcceptEncoding},
    {"X-Forwarded-For", kForwardedFor},
    {"Forwarded", kForwarded},
    {"Host", kHost},
    {"Content-Length", kContentLength},
    {"Content-Type", kContentType},
    {"Content-Encoding", kContentEncoding},
    {"Transfer-Encoding", kTransferEncoding},
    {"Expect", kExpect},
    {"Origin", kOrigin},
    {"Access-Control-Request-Method", kPreflightMethod},
    {"X-Amzn-SageMaker-Inference-Id", kInferenceId},
    {"X-Request-Id", kRequestId},
    {"X-Amzn-SageMaker-Custom-Attributes", kCustomAttributes},
    {"X-Amzn-SageMaker-Target-Model", kTargetModel},
    {"Idempotency-Key", kIdempotencyKey},
    {"traceparent", kTraceparent},
    {"Inference-Header-Content-Length", kInferenceHeaderLength},
    {"Connection"},
    {"Proxy-Connection"},
    {"Upgrade"},
    {"Trailer"},
}};
constexpr std::size_t kLongestName =
    std::ranges::max(kNames, {}, [](const Name& name) { return name.text.size(); }).text.size();

/// Places among kNames in the order of their lengths, and where each length begins.
struct ByLength {
  std::array<std::uint8_t, kNames.size()> places{};
  std::array<std::uint8_t, kLongestName + 2> first{};
};
constexpr ByLength kByLength = [] {
  ByLength all;
  std::uint8_t filled = 0;
  for (std::size_t size = 0; size <= kLongestName; ++size) {
    all.first[size] = filled;
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      if (kNames[i].text.size() == size) all.places[filled++] = static_cast<std::uint8_t>(i);
    }
  }
  all.first[kLongestName + 1] = filled;
  return all;
}();

/// Whether a text is a known name, whatever its case: eight bytes at once. Names are of letters and
/// '-'; a letter has the bit 0x40, and may differ in the bit 0x20.
bool IsName(std::string_view text, std::string_view name) noexcept {
  constexpr std::size_t kStep = sizeof(std::uint64_t);
  constexpr std::uint64_t kLetter = 0x4040404040404040U;
  if (name.size() < kStep) return EqualsIgnoringCase(text, name);
  const auto word = [](std::string_view of, std::size_t at) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, of.data() + at, kStep);
    return bytes;
  };
  const auto differs = [&](std::size_t at) {
    const std::uint64_t wanted = word(name, at);
    return ((word(text, at) ^ wanted) & ~((wanted & kLetter) >> 1U)) != 0;
  };
  const std::size_t last = name.size() - kStep;
  for (std::size_t at = 0; at < last; at += kStep) {
    if (differs(at)) return false;
  }
  return !differs(last);
}

/// Null for no known one.
const Name* FindName(std::string_view name) noexcept {
  if (name.size() > kLongestName) return nullptr;
  for (std::size_t i = kByLength.first[name.size()]; i < kByLength.first[name.size() + 1]; ++i) {
    const Name& known = kNames[kByLength.places[i]];
    if (IsName(name, known.text)) return &known;
  }
  return nullptr;
}

/// Characters of a token (RFC 9110, 5.6.2).
constexpr std::array<bool, 256> kInToken = [] {
  std::array<bool, 256> table{};
  for (const std::string_view characters :
       {"abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789",
        "!#$%&'*+-.^_`|~"}) {
    for (const char c : characters) table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}();

bool IsToken(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](unsigned char c) { return kInToken[c]; });
}

/// Eight bytes at once: the lowest bit that is set is of the first byte that is not printable.
constexpr std::uint64_t Unprintable(std::uint64_t bytes) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kTops = 0x8080808080808080U;
  const std::uint64_t delete_is_zero = bytes ^ (kOnes * 0x7F);
  const std::uint64_t controls = (bytes - kOnes * 0x20) & ~bytes;
  const std::uint64_t deletes = (delete_is_zero - kOnes) & ~delete_is_zero;
  return (controls | deletes | bytes) & kTops;
}

/// Number of leading printable characters.
std::size_t CountPrintable(std::string_view text) noexcept {
  std::size_t at = 0;
  if constexpr (std::endian::native == std::endian::little) {
    for (; text.size() - at >= sizeof(std::uint64_t); at += sizeof(std::uint64_t)) {
      std::uint64_t bytes = 0;
      std::memcpy(&bytes, text.data() + at, sizeof bytes);
      if (const std::uint64_t odd = Unprintable(bytes); odd != 0) {
        return at + static_cast<std::size_t>(std::countr_zero(odd)) / 8;
      }
    }
  }
  while (at < text.size() && IsPrintableAscii(text[at])) ++at;
  return at;
}

std::string_view TrimBlanks(std::string_view text) noexcept {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

/// Goes through the bytes of a head, and gives up where it is not plain.
class PlainHead {
 public:
  PlainHead(std::string_view bytes, std::size_t max_body_bytes, RequestHead& head) noexcept
      : bytes_(bytes), max_body_bytes_(max_body_bytes), head_(head) {}

  std::size_t Read() noexcept {
    if (!ReadLine()) return 0;
    while (!Rest().starts_with("\r\n")) {
      if (!ReadField()) return 0;
    }
    return at_ + 2;
  }

 private:
  [[nodiscard]] std::string_view Rest() const noexcept { return bytes_.substr(at_); }

  bool ReadLine() noexcept {
    constexpr std::string_view kVersion = " HTTP/1.1\r\n";
    struct Known {
      std::string_view text;
      Method method;
    };
    constexpr std::array<Known, 3> kMethods{
        {{"GET ", Method::kGet}, {"POST ", Method::kPost}, {"HEAD ", Method::kHead}}};
    const auto method = std::ranges::find_if(
        kMethods, [this](const Known& known) { return bytes_.starts_with(known.text); });
    if (method == kMethods.end()) return false;
    head_.method = method->method;
    head_.line_method = {.offset = 0, .size = method->text.size() - 1};
    at_ = method->text.size();
    const std::size_t line = CountPrintable(Rest()) + 2;
    if (line <= kVersion.size() || Rest().size() < line) return false;
    const std::size_t size = line - kVersion.size();
    if (Rest().substr(size, kVersion.size()) != kVersion) return false;
    if (std::memchr(bytes_.data() + at_, ' ', size) != nullptr) return false;
    head_.line_target = head_.target = {.offset = at_, .size = size};
    at_ += line;
    return true;
  }

  bool ReadField() noexcept {
    const std::size_t size = Rest().find(':');
    if (size == 0 || size == std::string_view::npos) return false;
    const std::string_view name = Rest().substr(0, size);
    const Name* const known = FindName(name);
    // A name that is known is a token.
    if (known == nullptr && !IsToken(name)) return false;
    at_ += size + 1;
    const std::string_view sent = Rest().substr(0, CountPrintable(Rest()));
    at_ += sent.size();
    if (!Rest().starts_with("\r\n")) return false;
    at_ += 2;
    if (++head_.field_count > RequestHead::kMaxFields) return false;
    return known == nullptr || Note(*known, TrimBlanks(sent));
  }

  bool Note(const Name& name, std::string_view value) noexcept {
    if (name.header == kHeaderCount) {
      return name.text == "Connection" && EqualsIgnoringCase(value, "keep-alive");
    }
    if (name.header == kTransferEncoding || name.header == kExpect) return false;
    if (++head_.seen[name.header] > 1) return false;
    if (!value.empty()) {
      head_.headers[name.header] = {
          .offset = static_cast<std::size_t>(value.data() - bytes_.data()), .size = value.size()};
    }
    return name.header != kContentLength || NoteLength(value);
  }

  bool NoteLength(std::string_view value) noexcept {
    std::uint64_t length = 0;
    const char* const end = value.data() + value.size();
    const auto [stop, failed] = std::from_chars(value.data(), end, length);
    if (failed != std::errc{} || stop != end || length > max_body_bytes_) return false;
    head_.content_length = length;
    return true;
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  std::size_t max_body_bytes_;
  RequestHead& head_;
};

}  // namespace

std::string_view NameOf(Header header) noexcept { return kNames[header].text; }

std::optional<Header> HeaderOf(std::string_view name) noexcept {
  const Name* const known = FindName(name);
  if (known == nullptr || known->header == kHeaderCount) return std::nullopt;
  return static_cast<Header>(known->header);
}

void RequestHead::Clear() noexcept {
  method = Method::kOther;
  is_connect = false;
  version = 11;
  keep_alive = true;
  chunked = false;
  content_length.reset();
  target = {};
  line_method = {};
  line_target = {};
  headers.fill({});
  seen.fill(0);
  repeated.reset();
  field_count = 0;
  for (std::string& list : joined) list.clear();
}

std::size_t ReadPlainHead(std::string_view bytes, std::size_t max_body_bytes,
                          RequestHead& head) noexcept {
  head.Clear();
  return PlainHead(bytes, max_body_bytes, head).Read();
}

}  // namespace forkcast::serving
