#include "serving/http/escaped_text.hpp"

namespace forkcast::serving {

void AppendEscaped(std::string_view text, std::string_view prefix, std::size_t most,
                   std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr std::string_view kCut = "...";
  const std::size_t begin = out.size();
  std::size_t room = begin;  // where the mark of a cut still fits behind
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else if (byte < 0x20 || byte >= 0x7F) {
      out.append(prefix).append({kDigits[byte >> 4U], kDigits[byte & 15U]});
    } else {
      out += c;
    }
    if (out.size() - begin > most) {
      out.resize(room);
      out.append(kCut);
      return;
    }
    if (out.size() - begin + kCut.size() <= most) room = out.size();
  }
}

void AppendJsonMember(std::string_view name, std::string_view text, std::size_t most,
                      std::string& out) {
  out.append(",\"").append(name).append("\":\"");
  AppendEscaped(text, "\\u00", most, out);
  out += '"';
}

}  // namespace forkcast::serving
