#include "serving/process/shared_text.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

namespace forkcast::serving {
namespace {

TEST(SharedText, IsWhatWasSetLast) {
  SharedText<8> text;
  EXPECT_EQ(text.Get(), "");
  text.Set("longer");
  text.Set("short");
  EXPECT_EQ(text.Get(), "short");
  text.Set({});
  EXPECT_EQ(text.Get(), "");
}

TEST(SharedText, IsCutWhereThereIsNoMoreRoom) {
  SharedText<4> text;
  text.Set("1234");
  EXPECT_EQ(text.Get(), "1234");
  text.Set("12345");
  EXPECT_EQ(text.Get(), "1234");
}

/// Many writes, each of one letter: a text of two kinds of letters would be of two writes.
TEST(SharedText, IsWholeOrNotToldWhileItIsBeingWritten) {
  SharedText<64> text;
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (char letter = 'a'; !stop; letter = letter == 'z' ? 'a' : static_cast<char>(letter + 1)) {
      text.Set(std::string(static_cast<std::size_t>(letter - 'a') + 1, letter));
    }
  });
  std::size_t told = 0;
  while (told < 10'000) {
    const auto read = text.Get();
    if (!read || read->empty()) continue;
    ++told;
    ASSERT_EQ(*read, std::string(static_cast<std::size_t>(read->front() - 'a') + 1, read->front()));
  }
  stop = true;
  writer.join();
}

}  // namespace
}  // namespace forkcast::serving
