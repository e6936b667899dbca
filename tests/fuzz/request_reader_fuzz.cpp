// The first byte picks the limits, the next two where the bytes are cut; the rest is what comes
// over a connection. Whatever is taken for a request must be one to a simple reader of RFC 9112,
// too, with the same body, and that however the bytes arrive.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.hpp"
#include "serving/http/error_response.hpp"
#include "serving/http/request_reader.hpp"
#include "support/test_clock.hpp"

namespace {

using forkcast::fuzz::Require;
using forkcast::serving::Method;
using forkcast::serving::RequestLimits;
using forkcast::serving::RequestReader;
using forkcast::serving::RequestView;
using forkcast::serving::ToHttp;

// ---- what the reader says ----

struct Said {
  int fault = 0;  // its status; 0: a request
  Method method = Method::kOther;
  std::string path{};
  std::string query{};
  std::string body{};
  std::map<std::string, std::string> headers{};  // those that are looked at and not empty

  bool operator==(const Said&) const = default;
};

Said RequestOf(const RequestView& request) {
  Said said{.method = request.method,
            .path = std::string(request.path),
            .query = std::string(request.query),
            .body = std::string(request.body)};
  const auto add = [&said](const char* name, std::string_view value) {
    if (!value.empty()) said.headers[name] = value;
  };
  add("accept", request.accept);
  add("content-type", request.content_type);
  add("content-encoding", request.content_encoding);
  add("x-request-id", request.request_id);
  add("x-amzn-sagemaker-inference-id", request.inference_id);
  add("x-amzn-sagemaker-custom-attributes", request.custom_attributes);
  return said;
}

class Reading {
 public:
  explicit Reading(const RequestLimits& limits) : reader_(limits, clock_) {}

  void Feed(std::string_view bytes) {
    while (!bytes.empty() && !faulty_) {
      const auto room = reader_.Prepare();
      Require(!room.empty());
      const std::size_t size = std::min(room.size(), bytes.size());
      std::copy_n(bytes.begin(), size, room.begin());
      reader_.Commit(size);
      bytes.remove_prefix(size);
      Parse();
    }
  }
  [[nodiscard]] const std::vector<Said>& said() const noexcept { return said_; }

 private:
  void Parse() {
    while (true) {
      switch (reader_.Parse()) {
        case RequestReader::Progress::kNeedMore:
          return;
        case RequestReader::Progress::kContinue:  // depends on what has come
          break;
        case RequestReader::Progress::kRequest:
          said_.push_back(RequestOf(reader_.request()));
          reader_.Next();
          break;
        case RequestReader::Progress::kFault:
          faulty_ = true;
          Require(ToHttp(reader_.fault().code).status >= 400 && !reader_.fault().message.empty());
          said_.push_back({.fault = ToHttp(reader_.fault().code).status});
          return;
      }
    }
  }

  forkcast::TestClock clock_;
  RequestReader reader_;
  std::vector<Said> said_;
  bool faulty_ = false;
};

// ---- what a simple reader says ----

bool IsIn(std::string_view characters, char c) {
  return characters.find(c) != std::string_view::npos;
}

bool IsAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return IsAlphanumeric(c) || IsIn("!#$%&'*+-.^_`|~", c);
  });
}

bool IsNumber(std::string_view text, std::string_view digits) {
  return !text.empty() && text.find_first_not_of(digits) == std::string_view::npos;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

/// Cuts the bytes of a connection into lines and stretches. Every failure ends the program: it is
/// asked about bytes alone that were taken for a request.
class SimpleReader {
 public:
  explicit SimpleReader(std::string_view bytes) : rest_(bytes) {}

  Said Next() {
    while (rest_.starts_with("\r\n")) rest_.remove_prefix(2);
    const std::string_view first = Line();
    const std::size_t blank = first.find(' ');
    const std::size_t last_blank = first.rfind(' ');
    Require(blank != std::string_view::npos && blank < last_blank);
    const std::string_view method = first.substr(0, blank);
    const std::string_view version = first.substr(last_blank + 1);
    Require(IsToken(method));
    Require(version == "HTTP/1.1" || version == "HTTP/1.0");
    Require(method != "CONNECT");
    Said said{.method = method == "GET"       ? Method::kGet
                        : method == "HEAD"    ? Method::kHead
                        : method == "POST"    ? Method::kPost
                        : method == "DELETE"  ? Method::kDelete
                        : method == "OPTIONS" ? Method::kOptions
                                              : Method::kOther};
    ReadTarget(first.substr(blank + 1, last_blank - blank - 1), said);

    std::multimap<std::string, std::string> fields = Fields();
    Require(fields.size() <= 100);
    const bool old = version == "HTTP/1.0";
    const std::size_t hosts = fields.count("host");
    Require(hosts == 1 || (old && hosts == 0));
    for (const auto& [name, value] : fields) {
      if (name == "host") RequireHost(value);
      if (name == "accept") {
        std::string& joined = said.headers[name];
        joined += (joined.empty() && fields.count(name) == 1 ? "" : ",") + value;
      } else if (name == "content-type" || name == "content-encoding" || name == "x-request-id" ||
                 name == "x-amzn-sagemaker-inference-id" ||
                 name == "x-amzn-sagemaker-custom-attributes") {
        Require(fields.count(name) == 1);
        if (!value.empty()) said.headers[name] = value;
      }
    }
    // Joined lines begin with the first one's, not with a comma.
    if (const auto accept = said.headers.find("accept"); accept != said.headers.end()) {
      if (fields.count("accept") > 1) accept->second.erase(0, 1);
      if (accept->second.empty()) said.headers.erase(accept);
    }
    const auto length = fields.find("content-length");
    const auto encoding = fields.find("transfer-encoding");
    if (encoding != fields.end()) {
      Require(!old && length == fields.end() && fields.count("transfer-encoding") == 1);
      Require(Lower(encoding->second) == "chunked");
      said.body = Chunks();
    } else if (length != fields.end()) {
      Require(fields.count("content-length") == 1 && IsNumber(length->second, "0123456789"));
      said.body = Stretch(std::strtoull(length->second.c_str(), nullptr, 10));
    }
    return said;
  }

 private:
  std::string_view Stretch(std::uint64_t size) {
    Require(size <= rest_.size());
    const std::string_view stretch = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return stretch;
  }

  /// Up to the next CRLF; has no other control character than tabs.
  std::string_view Line() {
    const std::size_t end = rest_.find("\r\n");
    Require(end != std::string_view::npos);
    const std::string_view line = Stretch(end);
    Stretch(2);
    Require(std::ranges::none_of(
        line, [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7F; }));
    return line;
  }

  std::multimap<std::string, std::string> Fields() {
    std::multimap<std::string, std::string> fields;
    for (std::string_view line = Line(); !line.empty(); line = Line()) {
      const std::size_t colon = line.find(':');
      Require(colon != std::string_view::npos && IsToken(line.substr(0, colon)));
      std::string_view value = line.substr(colon + 1);
      while (!value.empty() && IsIn(" \t", value.front())) value.remove_prefix(1);
      while (!value.empty() && IsIn(" \t", value.back())) value.remove_suffix(1);
      fields.emplace(Lower(line.substr(0, colon)), value);
    }
    return fields;
  }

  std::string Chunks() {
    std::string body;
    while (true) {
      const std::string_view line = Line();
      const std::size_t end = std::min(line.find_first_of("; \t"), line.size());
      Require(IsNumber(line.substr(0, end), "0123456789abcdefABCDEF"));
      Require(line.size() - end <= 256);
      const auto size = std::strtoull(std::string(line.substr(0, end)).c_str(), nullptr, 16);
      if (size == 0) break;
      body += Stretch(size);
      Require(Stretch(2) == "\r\n");
    }
    for (const auto& [name, value] : Fields()) {
      Require(name != "host" && name != "content-length" && name != "transfer-encoding" &&
              name != "content-type" && name != "content-encoding" && name != "expect");
    }
    return body;
  }

  static void RequireHost(std::string_view host) {
    if (host.starts_with('[')) {
      Require(host.find(']') > 1 && host.find(']') != std::string_view::npos);
      host.remove_prefix(host.find(']') + 1);
      Require(host.empty() || host.starts_with(':'));
    }
    const std::size_t colon = std::min(host.find(':'), host.size());
    Require(std::ranges::all_of(host.substr(0, colon), [](char c) {
      return IsAlphanumeric(c) || IsIn("-._~%!$&'()*+,;=", c);
    }));
    Require(colon + 1 >= host.size() || IsNumber(host.substr(colon + 1), "0123456789"));
  }

  static void ReadTarget(std::string_view target, Said& said) {
    Require(std::ranges::all_of(
        target, [](char c) { return IsAlphanumeric(c) || IsIn("-._~%!$&'()*+,;=:/?@[]", c); }));
    const bool of_server = said.method == Method::kOptions && target == "*";
    if (!target.starts_with('/') && !of_server) {
      const std::size_t end = target.find("://");
      Require(end != std::string_view::npos);
      const std::string scheme = Lower(target.substr(0, end));
      Require(scheme == "http" || scheme == "https");
      target.remove_prefix(end + 3);
      const std::size_t path = std::min(target.find_first_of("/?"), target.size());
      Require(path > 0);
      RequireHost(target.substr(0, path));
      target.remove_prefix(path);
    }
    const std::size_t mark = std::min(target.find('?'), target.size());
    said.path = mark == 0 ? "/" : target.substr(0, mark);
    said.query = target.substr(std::min(mark + 1, target.size()));
  }

  std::string_view rest_;
};

std::vector<Said> SaidOf(std::string_view bytes, std::size_t piece, const RequestLimits& limits) {
  Reading reading(limits);
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    reading.Feed(bytes.substr(0, piece));
  }
  return reading.said();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kPrefix = 3;
  constexpr std::size_t kMost = 8000;  // below the greater limit of headers
  if (size < kPrefix || size > kMost) return 0;
  const bool narrow = data[0] % 4 == 0;
  const RequestLimits limits =
      narrow ? RequestLimits{.max_header_bytes = 64U + data[0], .max_body_bytes = 20}
             : RequestLimits{.max_body_bytes = 1000};
  std::string bytes(reinterpret_cast<const char*>(data) + kPrefix, size - kPrefix);
  bytes += "\r\n\r\n";  // Of a head that has not ended Beast judges the beginning alone.

  const std::vector<Said> whole = SaidOf(bytes, bytes.size(), limits);
  SimpleReader simple(bytes);
  for (const Said& said : whole) {
    if (said.fault == 0) Require(simple.Next() == said);
  }
  // Near a limit it counts how much of what is too large has come.
  if (narrow) return 0;
  Require(SaidOf(bytes, 1, limits) == whole);
  Reading cut(limits);
  const std::size_t at = (data[1] + 256U * data[2]) % bytes.size();
  cut.Feed(std::string_view(bytes).substr(0, at));
  cut.Feed(std::string_view(bytes).substr(at));
  Require(cut.said() == whole);
  return 0;
}
