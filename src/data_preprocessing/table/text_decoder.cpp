#include "data_preprocessing/table/text_decoder.hpp"

#include <fmt/format.h>

#include <array>

namespace forkcast::preprocessing {
namespace {

/// The characters of windows-1252 from 0x80 to 0x9F; 0 where there is none. The others are those of
/// ISO 8859-1, which are the first of Unicode.
constexpr std::array<char16_t, 32> kWindows1252{
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

constexpr bool IsHighSurrogate(char16_t unit) noexcept { return (unit & 0xFC00U) == 0xD800U; }
constexpr bool IsLowSurrogate(char16_t unit) noexcept { return (unit & 0xFC00U) == 0xDC00U; }

}  // namespace

Status TextDecoder::Decode(std::string_view bytes, std::string& out) {
  switch (encoding_) {
    case CsvEncoding::kUtf8:
      out.append(bytes);
      return {};
    case CsvEncoding::kWindows1252:
    case CsvEncoding::kIso88591:
      return DecodeSingleBytes(bytes, out);
    case CsvEncoding::kUtf16Le:
    case CsvEncoding::kUtf16Be:
      return DecodeUtf16(bytes, out);
  }
  return {};
}

Status TextDecoder::Finish() {
  if (!has_half_unit_ && high_surrogate_ == 0) return {};
  return Refused("the text ends within a character");
}

Status TextDecoder::DecodeSingleBytes(std::string_view bytes, std::string& out) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    char32_t character = byte;
    if (encoding_ == CsvEncoding::kWindows1252 && byte >= 0x80 && byte < 0xA0) {
      character = kWindows1252[byte - 0x80U];
      if (character == 0) return Refused(fmt::format("the byte 0x{:02X} is no character", byte));
    }
    Append(character, out);
  }
  return {};
}

Status TextDecoder::DecodeUtf16(std::string_view bytes, std::string& out) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (!has_half_unit_) {
      half_unit_ = byte;
      has_half_unit_ = true;
      continue;
    }
    has_half_unit_ = false;
    const bool little = encoding_ == CsvEncoding::kUtf16Le;
    const unsigned high = little ? byte : half_unit_;
    const unsigned low = little ? half_unit_ : byte;
    Status appended = AppendUnit(static_cast<char16_t>(high << 8U | low), out);
    if (!appended) return appended;
  }
  return {};
}

Status TextDecoder::AppendUnit(char16_t unit, std::string& out) {
  if (IsLowSurrogate(unit) != (high_surrogate_ != 0)) {
    return Refused("half of a character of four bytes");
  }
  if (IsHighSurrogate(unit)) {
    high_surrogate_ = unit;
    return {};
  }
  char32_t character = unit;
  if (high_surrogate_ != 0) {
    character = 0x10000U + ((high_surrogate_ & 0x3FFU) << 10U | (unit & 0x3FFU));
    high_surrogate_ = 0;
  }
  Append(character, out);
  return {};
}

void TextDecoder::Append(char32_t character, std::string& out) {
  const auto append = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  const auto follow = [&](unsigned shift) { append(0x80U | (character >> shift & 0x3FU)); };
  if (character == U'\n') ++line_;
  if (character < 0x80) return append(character);
  if (character < 0x800) {
    append(0xC0U | character >> 6U);
    return follow(0);
  }
  if (character < 0x10000) {
    append(0xE0U | character >> 12U);
  } else {
    append(0xF0U | character >> 18U);
    follow(12);
  }
  follow(6);
  follow(0);
}

Error TextDecoder::Refused(std::string_view what) const {
  return {ErrorCode::kInvalidArgument,
          fmt::format("line {}: {} in {}", line_, what, ToString(encoding_))};
}

}  // namespace forkcast::preprocessing
