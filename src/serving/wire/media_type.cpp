#include "serving/wire/media_type.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "serving/wire/quote.hpp"

namespace forkcast::wire {
namespace {

struct KnownType {
  std::string_view type;
  std::string_view subtype;
  Format format;
};

// The first of a format is the one we send. Order of formats is our preference among equals.
constexpr std::array<KnownType, 7> kKnownTypes{{
    {"application", "json", Format::kJson},
    {"application", "jsonlines", Format::kJsonLines},
    {"application", "x-jsonlines", Format::kJsonLines},
    {"application", "x-ndjson", Format::kJsonLines},
    {"application", "ndjson", Format::kJsonLines},
    {"text", "csv", Format::kCsv},
    {"application", "csv", Format::kCsv},
}};
constexpr std::array<Format, 3> kFormats{Format::kJson, Format::kJsonLines, Format::kCsv};

constexpr bool IsTokenCharacter(char c) noexcept {
  const char low = Lower(c);
  return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

/// `type/subtype` with the parameters that matter here.
struct MediaRange {
  std::string_view type;
  std::string_view subtype;
  std::string_view charset;  // without quotes; empty when absent
  std::string_view header;   // likewise
  int q = 1000;              // thousandths
};

/// Takes the elements off a Content-Type or Accept value (RFC 9110, 8.3.1 and 12.5.1).
class Scanner {
 public:
  explicit Scanner(std::string_view text) noexcept : rest_(text) {}

  [[nodiscard]] bool done() const noexcept { return rest_.empty(); }

  bool Take(char expected) noexcept {
    if (rest_.empty() || rest_.front() != expected) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void SkipBlanks() noexcept {
    while (Take(' ') || Take('\t')) {
    }
  }
  /// Blanks and the commas of empty list elements.
  void SkipToElement() noexcept {
    SkipBlanks();
    while (Take(',')) SkipBlanks();
  }
  /// Up to and with the comma behind a malformed element; commas inside quotes do not count.
  void SkipElement() noexcept {
    bool quoted = false;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (quoted && c == '\\' && !rest_.empty()) {
        rest_.remove_prefix(1);
      } else if (c == '"') {
        quoted = !quoted;
      } else if (c == ',' && !quoted) {
        return;
      }
    }
  }
  /// A whole element, up to a comma (not taken) or the end. False when it is malformed.
  bool TakeRange(MediaRange& range) noexcept {
    if (!TakeToken(range.type) || !Take('/') || !TakeToken(range.subtype)) return false;
    if (range.type == "*" && range.subtype != "*") return false;
    return TakeParameters(range);
  }
  /// The same of a content coding, as the type.
  bool TakeCoding(MediaRange& coding) noexcept {
    return TakeToken(coding.type) && TakeParameters(coding);
  }

 private:
  /// Up to the element's end.
  bool TakeParameters(MediaRange& range) noexcept {
    SkipBlanks();
    while (Take(';')) {
      SkipBlanks();
      if (!AtElementEnd() && rest_.front() != ';' && !TakeParameter(range)) return false;
      SkipBlanks();
    }
    return AtElementEnd();
  }
  [[nodiscard]] bool AtElementEnd() const noexcept { return rest_.empty() || rest_.front() == ','; }

  bool TakeToken(std::string_view& token) noexcept {
    const auto end = std::ranges::find_if_not(rest_, IsTokenCharacter);
    token = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(token.size());
    return !token.empty();
  }
  /// Precondition: a quote is next.
  bool TakeQuoted(std::string_view& text) noexcept {
    Take('"');
    std::size_t end = 0;
    while (end < rest_.size() && rest_[end] != '"') end += rest_[end] == '\\' ? 2 : 1;
    if (end >= rest_.size()) return false;
    text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return true;
  }
  bool TakeParameter(MediaRange& range) noexcept {
    std::string_view name;
    std::string_view value;
    if (!TakeToken(name) || !Take('=')) return false;
    if (!(rest_.starts_with('"') ? TakeQuoted(value) : TakeToken(value))) return false;
    if (EqualsIgnoringCase(name, "charset")) range.charset = value;
    if (EqualsIgnoringCase(name, "header")) range.header = value;
    return !EqualsIgnoringCase(name, "q") || ParseWeight(value, range.q);
  }
  /// `0`, `1` or a decimal between them with up to three digits.
  static bool ParseWeight(std::string_view text, int& thousandths) noexcept {
    if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return false;
    if (text.size() > 1 && text[1] != '.') return false;
    thousandths = text[0] == '1' ? 1000 : 0;
    int unit = 100;
    for (const char c : text.substr(std::min<std::size_t>(2, text.size()))) {
      if (c < '0' || c > '9') return false;
      thousandths += (c - '0') * unit;
      unit /= 10;
    }
    return thousandths <= 1000;
  }

  std::string_view rest_;
};

std::optional<Format> FormatOf(const MediaRange& range) noexcept {
  for (const KnownType& known : kKnownTypes) {
    if (EqualsIgnoringCase(range.type, known.type) &&
        EqualsIgnoringCase(range.subtype, known.subtype)) {
      return known.format;
    }
  }
  return std::nullopt;
}

/// What an Accept says about one format so far.
struct Preference {
  int specificity = -1;  // -1: no range matched
  int q = 0;

  void Consider(int matched, int weight) noexcept {
    if (matched < 0 || matched < specificity) return;
    q = matched > specificity ? weight : std::max(q, weight);
    specificity = matched;
  }
};

/// How closely `range` names `format`: 2 by name, 1 by the type of what we send, 0 by `*/*`, -1
/// not at all.
int Specificity(const MediaRange& range, Format format) noexcept {
  if (range.type == "*") return 0;
  if (range.subtype == "*") {
    const std::string_view sent = MediaType(format);
    return EqualsIgnoringCase(range.type, sent.substr(0, sent.find('/'))) ? 1 : -1;
  }
  return FormatOf(range) == format ? 2 : -1;
}

Error Unsupported(std::string message) {
  return {ErrorCode::kUnsupportedType, std::move(message), "Content-Type"};
}

}  // namespace

std::string_view MediaType(Format format) noexcept {
  switch (format) {
    case Format::kJson:
      return "application/json";
    case Format::kJsonLines:
      return "application/jsonlines";
    case Format::kCsv:
      return "text/csv";
  }
  return "application/json";
}

Result<Format> FormatOfRequest(std::string_view content_type) {
  if (content_type == MediaType(Format::kJson)) return Format::kJson;  // what nearly all send
  Scanner scan(content_type);
  scan.SkipBlanks();
  if (scan.done()) return Format::kJson;
  MediaRange range;
  std::optional<Format> format;
  if (scan.TakeRange(range) && scan.done()) format = FormatOf(range);
  if (!format) {
    return Unsupported(
        fmt::format("expected application/json, application/jsonlines or text/csv, got {}",
                    Quote(content_type)));
  }
  if (!range.charset.empty() && !EqualsIgnoringCase(range.charset, "utf-8") &&
      !EqualsIgnoringCase(range.charset, "utf8") &&
      !EqualsIgnoringCase(range.charset, "us-ascii")) {
    return Unsupported(fmt::format("expected the charset utf-8, got {}", Quote(range.charset)));
  }
  return *format;
}

Result<std::optional<CsvHeader>> CsvHeaderOfRequest(std::string_view content_type) {
  Scanner scan(content_type);
  scan.SkipBlanks();
  MediaRange range;
  if (!scan.TakeRange(range) || range.header.empty()) return std::optional<CsvHeader>();
  if (EqualsIgnoringCase(range.header, "present")) return std::optional(CsvHeader::kPresent);
  if (EqualsIgnoringCase(range.header, "absent")) return std::optional(CsvHeader::kAbsent);
  return Unsupported(
      fmt::format("expected header=present or header=absent, got {}", Quote(range.header)));
}

Result<Format> NegotiateAnswer(std::string_view accept, Format request_format) {
  if (accept.empty() || accept == MediaType(request_format)) return request_format;
  std::array<Preference, kFormats.size()> preferences;
  Scanner scan(accept);
  scan.SkipToElement();
  if (scan.done()) return request_format;
  while (!scan.done()) {
    MediaRange range;
    if (scan.TakeRange(range)) {
      for (std::size_t i = 0; i < kFormats.size(); ++i) {
        preferences[i].Consider(Specificity(range, kFormats[i]), range.q);
      }
    } else {
      scan.SkipElement();
    }
    scan.SkipToElement();
  }
  std::optional<Format> best;
  int best_q = 0;
  for (std::size_t i = 0; i < kFormats.size(); ++i) {
    const int q = preferences[i].q;
    if (q > best_q || (q == best_q && q > 0 && kFormats[i] == request_format)) {
      best = kFormats[i];
      best_q = q;
    }
  }
  if (!best) {
    return Error{ErrorCode::kNotAcceptable,
                 fmt::format("can answer as application/json, application/jsonlines or text/csv, "
                             "but was asked for {}",
                             Quote(accept)),
                 "Accept"};
  }
  return *best;
}

bool AcceptsProblem(std::string_view accept) noexcept {
  Scanner scan(accept);
  for (scan.SkipToElement(); !scan.done(); scan.SkipToElement()) {
    MediaRange range;
    if (!scan.TakeRange(range)) {
      scan.SkipElement();
    } else if (EqualsIgnoringCase(range.type, "application") &&
               EqualsIgnoringCase(range.subtype, "problem+json") && range.q > 0) {
      return true;
    }
  }
  return false;
}

bool PrefersGzip(std::string_view accept_encoding) noexcept {
  std::optional<int> gzip;
  std::optional<int> identity;
  std::optional<int> any;
  Scanner scan(accept_encoding);
  for (scan.SkipToElement(); !scan.done(); scan.SkipToElement()) {
    MediaRange coding;
    if (!scan.TakeCoding(coding)) {
      scan.SkipElement();
    } else if (EqualsIgnoringCase(coding.type, "gzip") ||
               EqualsIgnoringCase(coding.type, "x-gzip")) {
      gzip = coding.q;
    } else if (EqualsIgnoringCase(coding.type, "identity")) {
      identity = coding.q;
    } else if (coding.type == "*") {
      any = coding.q;
    }
  }
  const int wanted = gzip.value_or(any.value_or(0));
  return wanted > 0 && wanted >= identity.value_or(0);
}

}  // namespace forkcast::wire
