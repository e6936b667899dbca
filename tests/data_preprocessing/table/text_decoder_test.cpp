#include "data_preprocessing/table/text_decoder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

namespace forkcast::preprocessing {
namespace {

using namespace std::string_literals;

struct DecodeCase {
  std::string name;
  CsvEncoding encoding;
  std::string bytes;
  std::string text;
};

void PrintTo(const DecodeCase& one, std::ostream* out) {
  *out << one.text << " in " << ToString(one.encoding);
}

class TextDecoderOf : public testing::TestWithParam<DecodeCase> {};

TEST_P(TextDecoderOf, GivesTheSameWhereverTheBytesAreCut) {
  const std::string_view bytes = GetParam().bytes;
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    TextDecoder decoder(GetParam().encoding);
    std::string text;
    ASSERT_TRUE(decoder.Decode(bytes.substr(0, cut), text).ok());
    ASSERT_TRUE(decoder.Decode(bytes.substr(cut), text).ok());
    ASSERT_TRUE(decoder.Finish().ok());
    EXPECT_EQ(text, GetParam().text) << "cut at " << cut;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, TextDecoderOf,
    testing::Values(DecodeCase{"Utf8", CsvEncoding::kUtf8, "a\u00E9\u20AC", "a\u00E9\u20AC"},
                    DecodeCase{"Windows1252", CsvEncoding::kWindows1252, "a\xE9\x80\x9F",
                               "a\u00E9\u20AC\u0178"},
                    DecodeCase{"Iso88591", CsvEncoding::kIso88591, "a\xE9\x80", "a\u00E9\u0080"},
                    DecodeCase{"Utf16Le", CsvEncoding::kUtf16Le,
                               "a\0\xE9\0\xAC\x20\x3D\xD8\x00\xDE"s, "a\u00E9\u20AC\U0001F600"},
                    DecodeCase{"Utf16Be", CsvEncoding::kUtf16Be,
                               "\0a\0\xE9\x20\xAC\xD8\x3D\xDE\x00"s, "a\u00E9\u20AC\U0001F600"},
                    DecodeCase{"AByteOrderMarkIsACharacter", CsvEncoding::kUtf16Le, "\xFF\xFE"s,
                               "\uFEFF"}),
    [](const auto& param) { return param.param.name; });

struct RefusedBytes {
  std::string name;
  CsvEncoding encoding;
  std::string bytes;
  std::string message;
};

void PrintTo(const RefusedBytes& one, std::ostream* out) { *out << one.name; }

class TextDecoderOfBadBytes : public testing::TestWithParam<RefusedBytes> {};

TEST_P(TextDecoderOfBadBytes, NamesTheLine) {
  TextDecoder decoder(GetParam().encoding);
  std::string text;
  Status decoded = decoder.Decode(GetParam().bytes, text);
  if (decoded) decoded = decoder.Finish();
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().message, GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, TextDecoderOfBadBytes,
    testing::Values(RefusedBytes{"NoCharacter", CsvEncoding::kWindows1252, "a\nb\x81",
                                 "line 2: the byte 0x81 is no character in windows-1252"},
                    RefusedBytes{"HalfAUnit", CsvEncoding::kUtf16Le, "a\0b"s,
                                 "line 1: the text ends within a character in utf-16le"},
                    RefusedBytes{"HalfAPairAtTheEnd", CsvEncoding::kUtf16Le, "\x3D\xD8"s,
                                 "line 1: the text ends within a character in utf-16le"},
                    RefusedBytes{"HalfAPair", CsvEncoding::kUtf16Be, "\0\n\xD8\x3D\0a"s,
                                 "line 2: half of a character of four bytes in utf-16be"},
                    RefusedBytes{"TheSecondHalfAlone", CsvEncoding::kUtf16Be, "\xDE\x00"s,
                                 "line 1: half of a character of four bytes in utf-16be"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::preprocessing
