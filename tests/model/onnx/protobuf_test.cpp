#include "model/onnx/protobuf.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "model/refused.hpp"

namespace forkcast::model::onnx {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Field> FieldsOf(std::string_view bytes) {
  std::vector<Field> fields;
  MessageReader reader(bytes);
  for (Field field; reader.Next(field);) fields.push_back(field);
  return fields;
}

TEST(Protobuf, ReadsWhatItWrites) {
  MessageWriter message;
  message.Integer(1, 300);
  message.Integer(2, -1);
  message.Float(3, 1.5F);
  message.Bytes(4, "text");
  const std::vector<Field> fields = FieldsOf(message.bytes());
  ASSERT_EQ(fields.size(), 4U);
  EXPECT_EQ(IntegerOf(fields[0]), 300);
  EXPECT_EQ(IntegerOf(fields[1]), -1);
  EXPECT_EQ(FloatOf(fields[2]), 1.5F);
  EXPECT_EQ(BytesOf(fields[3]), "text");
}

TEST(Protobuf, ReadsListsPackedAndOneByOne) {
  MessageWriter message;
  message.Integers(1, std::vector<std::int64_t>{1, std::numeric_limits<std::int64_t>::min()});
  message.Integer(1, 7);
  message.Floats(1, std::vector{0.5F, 2.0F});
  message.Float(1, -1);
  const std::vector<Field> fields = FieldsOf(message.bytes());
  std::vector<std::int64_t> integers;
  AppendIntegers(fields.at(0), integers);
  AppendIntegers(fields.at(1), integers);
  EXPECT_THAT(integers, ElementsAre(1, std::numeric_limits<std::int64_t>::min(), 7));
  std::vector<float> floats;
  AppendFloats(fields.at(2), floats);
  AppendFloats(fields.at(3), floats);
  EXPECT_THAT(floats, ElementsAre(0.5F, 2.0F, -1.0F));
}

struct DamagedCase {
  const char* name;
  std::string bytes;
  const char* error;

  friend std::ostream& operator<<(std::ostream& out, const DamagedCase& one) {
    return out << one.name;
  }
};

class DamagedMessage : public testing::TestWithParam<DamagedCase> {};

TEST_P(DamagedMessage, IsRefused) {
  try {
    (void)FieldsOf(GetParam().bytes);
    FAIL() << "it was read";
  } catch (const Refused& refused) {
    EXPECT_EQ(refused.error.code, ErrorCode::kCorrupt);
    EXPECT_THAT(refused.error.message, HasSubstr(GetParam().error));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, DamagedMessage,
    testing::Values(DamagedCase{"ThatEndsInANumber", "\x08\x80", "ends within a number"},
                    DamagedCase{"OfAnEndlessNumber", "\x08" + std::string(11, '\x80'),
                                "over ten bytes"},
                    DamagedCase{"ThatEndsInAFloat", "\x0D\x01", "ends within a field"},
                    DamagedCase{"ThatPromisesMore", "\x0A\x7F", "ends within a field"},
                    DamagedCase{"OfAGroup", "\x0B", "no type that protobuf has"},
                    DamagedCase{"OfFieldZero", std::string("\x00\x01", 2), "field 0"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace forkcast::model::onnx
