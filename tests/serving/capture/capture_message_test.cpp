#include "serving/capture/capture_message.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <random>

#include "support/hook_testing.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::Value;

// Invocations of any shape: empty and long texts, any bytes, all kinds of values, no rows, no
// features.
class AnyInvocation {
 public:
  explicit AnyInvocation(std::mt19937_64& random) : random_(random) {
    for (std::string& text : texts_) text = Text(300);
    names_.resize(Below(5));
    for (std::string& name : names_) name = Text(20);
    rows_.resize(Below(6));
    for (std::size_t& row : rows_) row = random_();
    for (std::size_t i = 0; i < names_.size() * rows_.size(); ++i) values_.push_back(AnyValue());
    invocation_ = {
        .deployment = texts_[10],
        .pipeline = texts_[0],
        .model_version = texts_[1],
        .request = {.id = texts_[2],
                    .inference_id = texts_[3],
                    .custom_attributes = texts_[4],
                    .traceparent = texts_[9],
                    .content_type = texts_[5],
                    .body = texts_[6],
                    .received = FromMicros(static_cast<std::int64_t>(Below(253402300800000000)))},
        .features = {.names = names_, .values = values_, .row_numbers = rows_},
        .answer = {.status = static_cast<int>(random_()),
                   .content_type = texts_[7],
                   .body = texts_[8],
                   .latency = std::chrono::nanoseconds(static_cast<std::int64_t>(random_()))}};
  }
  [[nodiscard]] const Invocation& view() const noexcept { return invocation_; }

 private:
  std::uint64_t Below(std::uint64_t limit) { return random_() % limit; }
  std::string Text(std::size_t longest) {
    std::string text(Below(longest + 1), '\0');
    std::ranges::generate(text, [this] { return static_cast<char>(random_()); });
    return text;
  }
  Value AnyValue() {
    switch (Below(6)) {
      case 1:
        return std::string_view(texts_[Below(texts_.size())]);
      case 2:
        return static_cast<std::int64_t>(random_());
      case 3:
        return std::bit_cast<double>(random_());
      case 4:
        return Below(2) == 0;
      case 5:
        return FromMicros(static_cast<std::int64_t>(random_()));
      default:
        return {};
    }
  }

  std::mt19937_64& random_;
  std::array<std::string, 11> texts_;
  std::vector<std::string> names_;
  std::vector<std::size_t> rows_;
  std::vector<Value> values_;
  Invocation invocation_;
};

// Doubles by their bits, so that a NaN equals itself.
bool Same(const Value& a, const Value& b) {
  const auto* x = std::get_if<double>(&a);
  const auto* y = std::get_if<double>(&b);
  if (x == nullptr || y == nullptr) return a == b;
  return std::bit_cast<std::uint64_t>(*x) == std::bit_cast<std::uint64_t>(*y);
}

void ExpectSame(const CaptureMessage& message, const Invocation& invocation) {
  EXPECT_EQ(message.target, kTarget);
  EXPECT_EQ(message.deployment, invocation.deployment);
  EXPECT_EQ(message.pipeline, invocation.pipeline);
  EXPECT_EQ(message.model_version, invocation.model_version);
  EXPECT_EQ(message.request.id, invocation.request.id);
  EXPECT_EQ(message.request.inference_id, invocation.request.inference_id);
  EXPECT_EQ(message.request.custom_attributes, invocation.request.custom_attributes);
  EXPECT_EQ(message.request.traceparent, invocation.request.traceparent);
  EXPECT_EQ(message.request.content_type, invocation.request.content_type);
  EXPECT_EQ(message.request.body, invocation.request.body);
  EXPECT_EQ(message.request.received, invocation.request.received);
  EXPECT_EQ(message.answer.status, invocation.answer.status);
  EXPECT_EQ(message.answer.content_type, invocation.answer.content_type);
  EXPECT_EQ(message.answer.body, invocation.answer.body);
  EXPECT_EQ(message.answer.latency, invocation.answer.latency);
  EXPECT_TRUE(std::ranges::equal(message.feature_names, invocation.features.names));
  EXPECT_TRUE(std::ranges::equal(message.row_numbers, invocation.features.row_numbers));
  EXPECT_TRUE(std::ranges::equal(message.values, invocation.features.values, Same));
}

TEST(CaptureMessage, IsReadAsItWasWritten) {
  std::mt19937_64 random(20240131);
  for (int i = 0; i < 500; ++i) {
    SCOPED_TRACE(i);
    const AnyInvocation any(random);
    const std::vector<std::byte> bytes = Encoded(kTarget, any.view());
    const Result<CaptureMessage> message = DecodeCapture(bytes);
    ASSERT_TRUE(message.ok()) << message.error().message;
    ExpectSame(*message, any.view());
  }
}

TEST(CaptureMessage, HasDeclaredFieldsWhereRulesNeedThem) {
  const preprocessing::Table fields(preprocessing::Schema{
      {{.name = "zip", .format = {.header = "Postal Code"}}, {.name = "price"}}});
  SampleInvocation sample;
  sample.invocation.rows.fields = &fields;
  sample.invocation.request.csv_delimiter = ';';
  CaptureTarget target = kTarget;
  EXPECT_THAT(DecodeCapture(Encoded(target, sample.view()))->declared_fields, testing::IsEmpty());
  target.with_fields = true;
  const auto bytes = Encoded(target, sample.view());
  const Result<CaptureMessage> message = DecodeCapture(bytes);
  ASSERT_TRUE(message.ok()) << message.error().message;
  EXPECT_EQ(message->target, target);
  EXPECT_EQ(message->request.csv_delimiter, ';');
  EXPECT_THAT(message->declared_fields, testing::ElementsAre(CapturedField{"zip", "Postal Code"},
                                                             CapturedField{"price", "price"}));
}

TEST(CaptureMessage, CutShortAnywhereIsCorrupt) {
  SampleInvocation sample;
  const std::vector<std::byte> whole = Encoded(kTarget, sample.view());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // A copy of exactly this size, so that a sanitizer sees a read beyond.
    std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    ASSERT_FALSE(DecodeCapture(cut).ok()) << size;
    // Not even when the length agrees.
    constexpr std::size_t kLengthOffset = 8;
    if (size < kLengthOffset + sizeof(size)) continue;
    std::memcpy(cut.data() + kLengthOffset, &size, sizeof(size));
    const Result<CaptureMessage> message = DecodeCapture(cut);
    ASSERT_FALSE(message.ok()) << size;
    ASSERT_EQ(message.error().code, ErrorCode::kCorrupt);
  }
}

TEST(CaptureMessage, WithFlippedBytesIsCorruptOrStillWellFormed) {
  std::mt19937_64 random(7);
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    SampleInvocation sample;
    std::vector<std::byte> bytes = Encoded(kTarget, sample.view());
    const int flips = 1 + static_cast<int>(random() % 3);
    for (int flip = 0; flip < flips; ++flip) {
      bytes[random() % bytes.size()] ^= static_cast<std::byte>(1 + random() % 255);
    }
    const Result<CaptureMessage> message = DecodeCapture(bytes);
    if (!message.ok()) {
      ++refused;
      continue;
    }
    EXPECT_EQ(message->values.size(), message->feature_names.size() * message->row_numbers.size());
    EXPECT_TRUE(IsCaptureName(message->target.endpoint));
    EXPECT_TRUE(IsCaptureName(message->target.variant));
  }
  EXPECT_GT(refused, 5'000);
  EXPECT_LT(refused, 20'000);
}

TEST(CaptureMessage, WithBytesLeftOverIsCorrupt) {
  SampleInvocation sample;
  std::vector<std::byte> bytes = Encoded(kTarget, sample.view());
  bytes.push_back({});
  const std::size_t size = bytes.size();
  std::memcpy(bytes.data() + 8, &size, sizeof(size));
  EXPECT_FALSE(DecodeCapture(bytes).ok());
}

struct TargetCase {
  const char* name;
  CaptureTarget target;
  bool accepted;
};

class CaptureMessageFor : public testing::TestWithParam<TargetCase> {};

TEST_P(CaptureMessageFor, IsAcceptedOnlyIfItStaysBelowItsFolder) {
  SampleInvocation sample;
  EXPECT_EQ(DecodeCapture(Encoded(GetParam().target, sample.view())).ok(), GetParam().accepted);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, CaptureMessageFor,
    testing::Values(TargetCase{"PlainNames", {"/var/x y", "orders-2.b_C", "AllTraffic"}, true},
                    TargetCase{"NoFolder", {"", "e", "v"}, false},
                    TargetCase{"FolderWithNul", {{"a\0b", 3}, "e", "v"}, false},
                    TargetCase{"NoEndpoint", {"f", "", "v"}, false},
                    TargetCase{"EndpointThatIsTheParent", {"f", "..", "v"}, false},
                    TargetCase{"EndpointThatIsTheFolder", {"f", ".", "v"}, false},
                    TargetCase{"EndpointWithSlash", {"f", "a/b", "v"}, false},
                    TargetCase{"EndpointWithBackslash", {"f", "a\\b", "v"}, false},
                    TargetCase{"EndpointWithNul", {"f", {"a\0b", 3}, "v"}, false},
                    TargetCase{"NoVariant", {"f", "e", ""}, false},
                    TargetCase{"VariantThatIsTheParent", {"f", "e", ".."}, false},
                    TargetCase{"AbsoluteVariant", {"f", "e", "/tmp"}, false}),
    [](const auto& param) { return std::string(param.param.name); });

struct YearCase {
  const char* name;
  std::int64_t micros;
  bool accepted;
};

class CaptureMessageReceived : public testing::TestWithParam<YearCase> {};

TEST_P(CaptureMessageReceived, IsAcceptedOnlyInYearsOfFourDigitsFrom1970) {
  SampleInvocation sample;
  sample.invocation.request.received = FromMicros(GetParam().micros);
  EXPECT_EQ(DecodeCapture(Encoded(kTarget, sample.view())).ok(), GetParam().accepted);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, CaptureMessageReceived,
    testing::Values(YearCase{"AtTheFirstInstant", 0, true}, YearCase{"Before1970", -1, false},
                    YearCase{"AtTheLastInstantOf9999", 253'402'300'799'999'999, true},
                    YearCase{"InTheYear10000", 253'402'300'800'000'000, false},
                    YearCase{"AtTheEndOfTime", std::numeric_limits<std::int64_t>::max(), false}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::serving
