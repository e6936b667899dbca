#include "data_preprocessing/document/choice.hpp"

#include <gtest/gtest.h>

namespace forkcast::preprocessing {
namespace {

constexpr Choices<int, 3> kSizes{{{"small", 1}, {"middle", 2}, {"large", 3}}};

TEST(ChoiceTest, IsWhatTheWordMeans) {
  const nlohmann::ordered_json word = "middle";
  EXPECT_EQ(ReadChoice(JsonNode(word), kSizes), 2);
}

TEST(ChoiceTest, OfAnotherWordIsRefusedWithPathAndAllWords) {
  const nlohmann::ordered_json word = "huge";
  try {
    static_cast<void>(ReadChoice(JsonNode(word, "$.size"), kSizes));
    FAIL() << "taken";
  } catch (const SpecError& error) {
    EXPECT_STREQ(error.what(), "$.size: expected small, middle or large");
  }
}

}  // namespace
}  // namespace forkcast::preprocessing
