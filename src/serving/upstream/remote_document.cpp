#include "serving/upstream/remote_document.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <utility>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::serving {
namespace {

constexpr std::size_t kMostBytes = 1'048'576;
constexpr std::size_t kDeepest = 32;
constexpr std::size_t kMostShown = 500;

/// Whether brackets outside texts are never deeper. Of what is no JSON nothing is known.
bool IsFlat(std::string_view text) noexcept {
  std::size_t depth = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_text) {
      if (c == '\\') ++i;
      if (c == '"') in_text = false;
    } else if (c == '"') {
      in_text = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kDeepest) return false;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return true;
}

}  // namespace

Result<nlohmann::json> ReadRemoteObject(std::string_view text) {
  if (text.size() > kMostBytes) {
    return Invalid(fmt::format("it has {} bytes; {} may be", text.size(), kMostBytes));
  }
  if (!IsFlat(text)) return Invalid(fmt::format("it is nested more than {} deep", kDeepest));
  nlohmann::json document = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) return Invalid("it is no JSON object");
  return document;
}

std::string Shortened(std::string text) {
  if (text.size() <= kMostShown) return text;
  std::size_t end = kMostShown;
  // Not within a character.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
  text += "...";
  return text;
}

}  // namespace forkcast::serving
