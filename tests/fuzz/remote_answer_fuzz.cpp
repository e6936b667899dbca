// The first byte says how many bytes come at a time; the rest is what another server sends as the
// answer to a request of two rows.
//
// However it comes, it is read alike or refused alike; nothing beyond the limits is kept; and what
// is taken for an answer has a value of the declared type for each row.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fuzz/require.hpp"
#include "serving/upstream/inference_message.hpp"
#include "serving/upstream/remote_binding.hpp"
#include "serving/upstream/response_reader.hpp"

namespace {

using namespace forkcast::serving;  // NOLINT(google-build-using-namespace): all of it
using forkcast::Result;
using forkcast::fuzz::Require;
using forkcast::preprocessing::Value;

constexpr ResponseReader::Limits kLimits{.max_head_bytes = 1000, .max_body_bytes = 4000};
constexpr std::size_t kRows = 2;

RemotePlan ThePlan() {
  return {.spec = {.model = "m",
                   .outputs = {{.name = "value"},
                               {.name = "class", .type = RemoteOutput::Type::kText}}},
          .features = {{.name = "price"}}};
}

Result<bool> Feed(ResponseReader& reader, std::string_view bytes, std::size_t at_a_time) {
  Result<bool> whole = false;
  while (!bytes.empty() && whole && !*whole) {
    const std::size_t some = std::min(at_a_time, bytes.size());
    std::memcpy(reader.Room(some), bytes.data(), some);
    bytes.remove_prefix(some);
    whole = reader.Filled(some);
  }
  return whole;
}

void RequireGood(const RemotePlan& plan, const InferenceAnswer& answer) {
  std::deque<std::string> texts;
  std::vector<Value> values(kRows * plan.spec.outputs.size());
  answer.Take(0, values, texts);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Value& value = values[i];
    if (forkcast::preprocessing::IsMissing(value)) continue;
    if (i % 2 == 0) {
      const auto* const number = std::get_if<double>(&value);
      Require(number != nullptr && std::isfinite(*number));
    } else {
      Require(std::holds_alternative<std::string_view>(value));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t at_a_time = 1 + data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  ResponseReader whole(kLimits);
  ResponseReader parts(kLimits);
  const Result<bool> at_once = Feed(whole, bytes, bytes.size());
  const Result<bool> stepped = Feed(parts, bytes, at_a_time);
  // Bytes behind an answer are seen where they come with it.
  if (at_once) Require(stepped.ok() && *stepped == *at_once);
  if (!at_once) Require(!at_once.error().message.empty());
  if (!stepped || !*stepped) return 0;
  Require(parts.body().size() <= kLimits.max_body_bytes);
  Require(parts.status() >= 200 && parts.status() <= 599);
  if (at_once) Require(whole.body() == parts.body() && whole.status() == parts.status());

  const RemotePlan plan = ThePlan();
  const RemoteBinding binding{.inputs = {}, .outputs = {"value", "class"}};
  InferenceAnswer answer;
  const auto read = answer.Read(plan, binding, "0-1", kRows, parts.body(), parts.json_size());
  if (read) RequireGood(plan, answer);
  static_cast<void>(ErrorTextIn(parts.body()));
  RemoteMetadata metadata;
  if (ReadModelMetadata(parts.body(), metadata)) static_cast<void>(Bind(plan, metadata));
  static_cast<void>(ReadTakesBinary(parts.body()));
  return 0;
}
