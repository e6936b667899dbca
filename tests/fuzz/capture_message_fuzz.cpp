// The input is changes (byte_changes.hpp) to the message below, which then gets the length that it
// has.
//
// A message that is taken, written anew, is the same byte for byte, and all its texts are inside
// it; any other is refused as kCorrupt, with its reason.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/byte_changes.hpp"
#include "fuzz/require.hpp"
#include "serving/capture/capture_message.hpp"

namespace {

using forkcast::ErrorCode;
using forkcast::Result;
using forkcast::fuzz::Require;
using forkcast::preprocessing::Schema;
using forkcast::preprocessing::Table;
using forkcast::preprocessing::Value;
using namespace forkcast::serving;

std::string Encoded(const CaptureTarget& target, const Invocation& invocation) {
  std::string bytes(CaptureSize(target, invocation), '\0');
  EncodeCapture(target, invocation, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

/// Two rows of a feature of every type.
std::string GoodMessage() {
  using namespace std::chrono_literals;
  const std::vector<std::string> names{"note", "n", "x", "b", "t"};
  const forkcast::Instant instant = forkcast::FromMicros(1'700'000'000'000'000);
  const std::vector<Value> values{"blue", std::int64_t{-5}, 0.5,     true,   instant, {},
                                  {},     Value(),          Value(), Value()};
  const std::vector<std::size_t> row_numbers{0, 2};
  const Table fields(Schema{{{.name = "a"}, {.name = "b", .format = {.header = "B"}}}});
  return Encoded(
      {.folder = "capture",
       .endpoint = "orders",
       .variant = "v1",
       .rules = "{}",
       .with_fields = true},
      {.deployment = "d",
       .pipeline = "p",
       .model_version = "1",
       .request = {.id = "r-1",
                   .inference_id = "i-1",
                   .custom_attributes = "a",
                   .traceparent = "00-1-1-00",
                   .content_type = "application/json",
                   .body = "[{},{},{}]",
                   .received = instant,
                   .csv_delimiter = ';'},
       .rows = {.fields = &fields},
       .features = {.names = names, .values = values, .row_numbers = row_numbers},
       .answer = {
           .status = 200, .content_type = "application/json", .body = "[]", .latency = 1ms}});
}

std::string WrittenAnew(const CaptureMessage& message) {
  const std::vector<std::string> names(message.feature_names.begin(), message.feature_names.end());
  Schema schema;
  for (const CapturedField& field : message.declared_fields) {
    schema.columns.push_back({.name = std::string(field.name)});
    if (field.name != field.header) schema.columns.back().format.header = field.header;
  }
  const Table fields(schema);
  return Encoded(
      message.target,
      {.deployment = message.deployment,
       .pipeline = message.pipeline,
       .model_version = message.model_version,
       .request = message.request,
       .rows = {.fields = &fields},
       .features = {.names = names, .values = message.values, .row_numbers = message.row_numbers},
       .answer = message.answer});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string kGood = GoodMessage();
  constexpr std::uint64_t kLengthOffset = 8;
  std::string bytes = kGood;
  forkcast::fuzz::ApplyChanges({reinterpret_cast<const char*>(data), size}, bytes);
  forkcast::fuzz::Overwrite<std::uint64_t>(kLengthOffset, bytes.size(), bytes);

  // A copy of its own length, so that ASan sees a read beyond.
  const std::vector<char> exact(bytes.begin(), bytes.end());
  const Result<CaptureMessage> message = DecodeCapture(std::as_bytes(std::span(exact)));
  Require(message.ok() || bytes != kGood);
  if (message.ok()) {
    Require(WrittenAnew(*message) == bytes);
  } else {
    Require(message.error().code == ErrorCode::kCorrupt && !message.error().message.empty());
  }
  return 0;
}
