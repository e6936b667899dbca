#include "serving/wire/gzip.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstddef>
#include <ostream>
#include <random>
#include <string>
#include <string_view>

#include "serving/wire/request_decoder.hpp"
#include "support/allocation_counter.hpp"

namespace forkcast::wire {
namespace {

using testing::HasSubstr;

constexpr std::size_t kStep = 1000;

/// zlib's, in one call.
std::string Packed(std::string_view text) {
  z_stream zlib{};
  EXPECT_EQ(
      deflateInit2(&zlib, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY),
      Z_OK);
  std::string packed(deflateBound(&zlib, text.size()), '\0');
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  zlib.avail_in = static_cast<uInt>(text.size());
  zlib.next_out = reinterpret_cast<Bytef*>(packed.data());
  zlib.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&zlib, Z_FINISH), Z_STREAM_END);
  packed.resize(packed.size() - zlib.avail_out);
  deflateEnd(&zlib);
  return packed;
}

std::string RandomText(std::mt19937_64& random, std::size_t size, unsigned letters) {
  std::string text(size, ' ');
  for (char& c : text) c = static_cast<char>(random() % letters);
  return text;
}

/// What comes out, or the error.
Result<std::string> Unpacked(GzipReader& reader, std::string_view packed, std::size_t most) {
  reader.Start(packed, most);
  while (true) {
    const Result<bool> whole = reader.Continue(kStep);
    if (!whole) return whole.error();
    if (*whole) return std::string(reader.text());
  }
}

struct TextCase {
  std::string name;
  std::string packed;
  std::string text;
};

void PrintTo(const TextCase& param, std::ostream* out) { *out << param.name; }

class GoodGzip : public testing::TestWithParam<TextCase> {};

TEST_P(GoodGzip, IsUnpacked) {
  GzipReader reader;
  const auto text = Unpacked(reader, GetParam().packed, GetParam().text.size());
  ASSERT_TRUE(text.ok()) << text.error().message;
  EXPECT_EQ(*text, GetParam().text);
}

const std::string kLong(100'000, 'a');

INSTANTIATE_TEST_SUITE_P(
    Cases, GoodGzip,
    testing::Values(TextCase{"OneMember", Packed("{}"), "{}"}, TextCase{"Nothing", Packed(""), ""},
                    TextCase{"MoreThanAStep", Packed(kLong), kLong},
                    TextCase{"TwoMembers", Packed("{\"a\":") + Packed("1}"), "{\"a\":1}"},
                    TextCase{"AnEmptyMemberBetween", Packed("a") + Packed("") + Packed("b"), "ab"}),
    [](const auto& param) { return param.param.name; });

struct BadCase {
  std::string name;
  std::string packed;
  std::string message;  // a part of it
  ErrorCode code = ErrorCode::kInvalidArgument;
};

void PrintTo(const BadCase& param, std::ostream* out) { *out << param.name; }

class BadGzip : public testing::TestWithParam<BadCase> {};

constexpr std::size_t kMost = 5000;

TEST_P(BadGzip, IsRefusedAndTheNextIsTaken) {
  GzipReader reader;
  const auto text = Unpacked(reader, GetParam().packed, kMost);
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().code, GetParam().code);
  EXPECT_THAT(text.error().message, HasSubstr(GetParam().message));
  EXPECT_EQ(*Unpacked(reader, Packed("next"), kMost), "next");
}

std::string Damaged() {
  std::string packed = Packed("some text");
  packed[packed.size() - 8] ^= 1;  // of the checksum
  return packed;
}

std::string ManyEmptyMembersAndOneCutShort() {
  std::string packed;
  for (int i = 0; i < 1000; ++i) packed += Packed("");
  return packed + Packed("a").substr(0, 12);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadGzip,
    testing::Values(
        BadCase{"Nothing", "", "cut short"}, BadCase{"PlainText", R"({"id":"a"})", "no gzip"},
        BadCase{"ZlibsOwnForm", std::string("\x78\x9c\x03\x00\x00\x00\x00\x01", 8), "no gzip"},
        BadCase{"WithoutItsEnd", Packed("some text").substr(0, 20), "cut short"},
        BadCase{"WithoutItsLastByte", Packed("a").substr(0, Packed("a").size() - 1), "cut short"},
        BadCase{"AnotherChecksum", Damaged(), "damaged"},
        BadCase{"SomethingBehind", Packed("a") + "b", "cut short"},
        BadCase{"MoreBehind", Packed("a") + "behind", "something else behind it"},
        BadCase{"SecondMemberCutShort", ManyEmptyMembersAndOneCutShort(), "cut short"},
        BadCase{"OneByteTooMany", Packed(std::string(kMost + 1, 'a')), "more than 5000 bytes",
                ErrorCode::kTooLarge},
        BadCase{"ABomb", Packed(std::string(50'000'000, '\0')), "max_body_bytes",
                ErrorCode::kTooLarge},
        BadCase{"TooManyInTwoMembers", Packed(std::string(kMost, 'a')) + Packed("a"),
                "more than 5000 bytes", ErrorCode::kTooLarge}),
    [](const auto& param) { return param.param.name; });

TEST(GzipReader, GivesABombUpBeforeItTakesMemory) {
  const std::string bomb = Packed(std::string(50'000'000, '\0'));
  GzipReader reader;
  reader.Start(bomb, kMost);
  std::size_t steps = 0;
  while (reader.Continue(kStep).ok()) ASSERT_LT(++steps, 100U);
  EXPECT_LT(reader.text().size(), kMost + 16384 + 1);
}

TEST(GzipReader, LeavesReadableBytesBehindTheText) {
  GzipReader reader;
  ASSERT_TRUE(Unpacked(reader, Packed(kLong), kLong.size()).ok());
  const std::string padded(reader.text().data(), reader.text().size() + kBodyPadding);
  EXPECT_EQ(padded.substr(0, kLong.size()), kLong);
}

TEST(GzipReader, CutsEmptyMembersIntoSteps) {
  std::string packed;
  for (int i = 0; i < 1000; ++i) packed += Packed("");
  GzipReader reader;
  reader.Start(packed, kMost);
  EXPECT_FALSE(*reader.Continue(kStep));
}

TEST(GzipReader, AllocatesNothingInSteadyState) {
  const std::string packed = Packed(kLong);
  GzipReader reader;
  std::size_t before = 0;
  for (int round = 0; round < 3; ++round) {
    before = AllocationCount();
    reader.Start(packed, kLong.size());
    while (!*reader.Continue(kStep)) {
    }
  }
  EXPECT_EQ(AllocationCount() - before, 0U);
}

TEST(GzipWriter, PacksWhatTheReaderUnpacks) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  GzipWriter writer;
  GzipReader reader;
  for (int round = 0; round < 200; ++round) {
    const std::string text = RandomText(random, random() % 20'000, 1 + random() % 256);
    writer.Start(text);
    while (!writer.Continue(1 + random() % 5000)) {
    }
    const auto back = Unpacked(reader, writer.packed(), text.size());
    ASSERT_TRUE(back.ok()) << back.error().message;
    ASSERT_EQ(*back, text);
  }
}

}  // namespace
}  // namespace forkcast::wire
