#include "data_preprocessing/push/multipart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kMostHeadBytes = 8192;  // of one part

Error Wrong(std::string_view why) {
  return {ErrorCode::kInvalidArgument, fmt::format("multipart/form-data: {}", why)};
}

Error WrongPart(std::size_t number, std::string_view why) {
  return Wrong(fmt::format("part {}: {}", number, why));
}

/// A value and parameters behind `;`, as in `form-data; name="a"; filename="b.csv"`.
class HeaderValue {
 public:
  /// None: it is written in another way.
  static std::optional<HeaderValue> Parse(std::string_view text) {
    HeaderValue value;
    const std::size_t end = std::min(text.find(';'), text.size());
    value.value_ = Trimmed(text.substr(0, end));
    text.remove_prefix(end);
    while (!text.empty()) {
      text.remove_prefix(1);  // the semicolon
      if (Trimmed(text).empty()) break;
      if (!value.TakeParameter(text)) return std::nullopt;
    }
    return value;
  }

  [[nodiscard]] std::string_view value() const noexcept { return value_; }
  /// None: it is not there.
  [[nodiscard]] std::optional<std::string> Parameter(std::string_view name) const {
    const auto found = std::ranges::find_if(
        parameters_, [&](const auto& one) { return EqualsIgnoringCase(one.first, name); });
    if (found == parameters_.end()) return std::nullopt;
    return found->second;
  }

 private:
  /// Takes `name=value` up to the next semicolon off `text`.
  bool TakeParameter(std::string_view& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) return false;
    std::string name(Trimmed(text.substr(0, equals)));
    if (name.empty() || Parameter(name)) return false;
    text = Trimmed(text.substr(equals + 1));
    std::optional<std::string> value = text.starts_with('"') ? TakeQuoted(text) : TakeToken(text);
    if (!value) return false;
    parameters_.emplace_back(std::move(name), *std::move(value));
    return text.empty() || text.front() == ';';
  }

  static std::optional<std::string> TakeQuoted(std::string_view& text) {
    std::string value;
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '"') {
        text = Trimmed(text.substr(i + 1));
        return value;
      }
      const bool is_escape = text[i] == '\\' && i + 1 < text.size();
      value += is_escape ? text[++i] : text[i];
    }
    return std::nullopt;
  }

  static std::optional<std::string> TakeToken(std::string_view& text) {
    const std::size_t end = std::min(text.find(';'), text.size());
    const std::string_view token = Trimmed(text.substr(0, end));
    text.remove_prefix(end);
    if (token.empty() || token.find('"') != std::string_view::npos) return std::nullopt;
    return std::string(token);
  }

  std::string_view value_;
  std::vector<std::pair<std::string, std::string>> parameters_;
};

Status ReadDisposition(std::string_view text, std::size_t number, MultipartPart& part) {
  const std::optional<HeaderValue> value = HeaderValue::Parse(text);
  if (!value || !EqualsIgnoringCase(value->value(), "form-data")) {
    return WrongPart(number, "its Content-Disposition is not of form-data");
  }
  const std::optional<std::string> name = value->Parameter("name");
  if (!name || name->empty()) return WrongPart(number, "its Content-Disposition has no name");
  if (value->Parameter("filename*")) {
    return WrongPart(number, "filename* is not allowed in a form (RFC 7578); use filename");
  }
  part.name = *name;
  part.file_name = value->Parameter("filename").value_or("");
  return {};
}

Status ReadHeader(std::string_view line, std::size_t number, MultipartPart& part) {
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, std::min(colon, line.size()));
  if (colon == std::string_view::npos || name.empty() || Trimmed(name) != name) {
    return WrongPart(number, "a line of its head is no header");
  }
  const std::string_view value = Trimmed(line.substr(colon + 1));
  if (EqualsIgnoringCase(name, "Content-Disposition")) {
    if (!part.name.empty()) return WrongPart(number, "Content-Disposition is there twice");
    return ReadDisposition(value, number, part);
  }
  if (EqualsIgnoringCase(name, "Content-Type")) {
    if (!part.content_type.empty()) return WrongPart(number, "Content-Type is there twice");
    part.content_type = value;
  }
  if (EqualsIgnoringCase(name, "Content-Transfer-Encoding") &&
      !EqualsIgnoringCase(value, "binary") && !EqualsIgnoringCase(value, "8bit") &&
      !EqualsIgnoringCase(value, "7bit")) {
    return WrongPart(number, "send it without a Content-Transfer-Encoding");
  }
  return {};
}

/// `text`: from the line behind a boundary up to the next boundary.
Result<MultipartPart> ReadPart(std::string_view text, std::size_t number) {
  MultipartPart part;
  std::string_view rest = text;
  while (true) {
    const std::size_t end = rest.find(kLineEnd);
    const auto used = static_cast<std::size_t>(rest.data() - text.data());
    if (end == std::string_view::npos || used + end > kMostHeadBytes) {
      return WrongPart(number, "its head does not end");
    }
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + kLineEnd.size());
    if (line.empty()) break;
    if (Status read = ReadHeader(line, number, part); !read) return std::move(read).error();
  }
  if (part.name.empty()) return WrongPart(number, "it has no Content-Disposition");
  part.content = rest;
  return part;
}

}  // namespace

Result<std::string> BoundaryOf(std::string_view content_type) {
  constexpr std::size_t kLongest = 70;
  const std::optional<HeaderValue> value = HeaderValue::Parse(content_type);
  const std::string boundary = value ? value->Parameter("boundary").value_or("") : "";
  if (boundary.empty()) return Wrong("its Content-Type names no boundary");
  if (boundary.size() > kLongest || boundary.ends_with(' ') || !IsPrintableAscii(boundary)) {
    return Wrong("its boundary is none: expected 1 to 70 printable characters");
  }
  return boundary;
}

Result<std::vector<MultipartPart>> ParseMultipart(std::string_view body,
                                                  std::string_view boundary) {
  const std::string first = fmt::format("--{}", boundary);
  const std::string next = fmt::format("\r\n--{}", boundary);
  if (!body.starts_with(first)) return Wrong("it does not begin with its boundary");
  body.remove_prefix(first.size());
  std::vector<MultipartPart> parts;
  while (!body.starts_with("--")) {
    if (!body.starts_with(kLineEnd)) return Wrong("a boundary is not the end of its line");
    body.remove_prefix(kLineEnd.size());
    if (parts.size() == kMostParts) return Wrong(fmt::format("more than {} parts", kMostParts));
    const std::size_t number = parts.size() + 1;
    // A part that is empty but for its head ends where that ends.
    const std::size_t end = body.find(next);
    if (end == std::string_view::npos) {
      return WrongPart(number, "it was broken off: the last boundary is missing");
    }
    Result<MultipartPart> part = ReadPart(body.substr(0, end), number);
    if (!part) return std::move(part).error();
    parts.push_back(*std::move(part));
    body.remove_prefix(end + next.size());
  }
  body.remove_prefix(2);
  if (!body.empty() && body != kLineEnd) return Wrong("something stands behind its last boundary");
  if (parts.empty()) return Wrong("it has no parts");
  return parts;
}

}  // namespace forkcast::preprocessing
