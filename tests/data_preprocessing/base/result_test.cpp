#include "data_preprocessing/base/result.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace forkcast {
namespace {

const Error kRefused{ErrorCode::kConflict, "taken", "name"};

Result<int> HalfOf(int number) {
  if (number % 2 != 0) return Error{ErrorCode::kInvalidArgument, "odd", "number"};
  return number / 2;
}

TEST(ResultTest, HoldsTheValueOrTheError) {
  const Result<int> half = HalfOf(8);
  EXPECT_TRUE(half.ok());
  EXPECT_TRUE(static_cast<bool>(half));
  EXPECT_EQ(*half, 4);
  const Result<int> none = HalfOf(7);
  EXPECT_FALSE(none.ok());
  EXPECT_FALSE(static_cast<bool>(none));
  EXPECT_EQ(none.error(), (Error{ErrorCode::kInvalidArgument, "odd", "number"}));
}

TEST(ResultTest, OfATextIsNotMistakenForItsError) {
  const Result<std::string> text = std::string("an error? no, a text");
  EXPECT_TRUE(text.ok());
  EXPECT_EQ(text->size(), 20U);
}

TEST(ResultTest, MovesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(3);
  const std::unique_ptr<int> taken = *std::move(made);
  EXPECT_EQ(*taken, 3);
}

TEST(ResultTest, ErrorsMoveOutOfOneResultIntoAnother) {
  Result<int> inner = kRefused;
  const Result<std::string> outer = std::move(inner).error();
  EXPECT_EQ(outer.error(), kRefused);
}

TEST(StatusTest, IsSuccessUntilItIsGivenAnError) {
  EXPECT_TRUE(Status().ok());
  const Status refused = kRefused;
  EXPECT_FALSE(refused.ok());
  EXPECT_EQ(refused.error(), kRefused);
}

}  // namespace
}  // namespace forkcast
