#include "serving/capture/capture_message.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <variant>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "data_preprocessing/table/table.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::Value;

// Both ends run on one machine, so the order of bytes is checked here and never converted.
static_assert(std::endian::native == std::endian::little);

constexpr std::uint32_t kMagic = 0x50434B46;  // "FKCP" as bytes in the message
constexpr std::uint32_t kVersion = 3;
constexpr std::size_t kMaxNameLength = 63;  // as SageMaker has it for endpoints and variants
constexpr Instant kEndOfYears = FromMicros(253'402'300'800'000'000);  // 10000-01-01T00:00:00Z

// A value's kind in a message is its index in the variant.
enum class Kind : std::uint8_t { kMissing, kText, kInt64, kDouble, kBool, kInstant };
template <Kind kKind>
using AlternativeOf = std::variant_alternative_t<static_cast<std::size_t>(kKind), Value>;
static_assert(std::is_same_v<AlternativeOf<Kind::kText>, std::string_view>);
static_assert(std::is_same_v<AlternativeOf<Kind::kInt64>, std::int64_t>);
static_assert(std::is_same_v<AlternativeOf<Kind::kDouble>, double>);
static_assert(std::is_same_v<AlternativeOf<Kind::kBool>, bool>);
static_assert(std::is_same_v<AlternativeOf<Kind::kInstant>, Instant>);

class SizeSink {
 public:
  void Bytes(const void* /*data*/, std::size_t size) noexcept { size_ += size; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  std::size_t size_ = 0;
};

class CopySink {
 public:
  explicit CopySink(std::span<std::byte> out) noexcept : out_(out) {}
  void Bytes(const void* data, std::size_t size) noexcept {
    assert(size <= out_.size());
    if (size != 0) std::memcpy(out_.data(), data, size);  // an empty view may be null
    out_ = out_.subspan(size);
  }
  [[nodiscard]] bool full() const noexcept { return out_.empty(); }

 private:
  std::span<std::byte> out_;
};

// Appends to a text what lies behind the first `skip` bytes, at most `room` of them.
class WindowSink {
 public:
  WindowSink(std::size_t skip, std::size_t room, std::string& out) noexcept
      : skip_(skip), room_(room), out_(out) {}
  void Bytes(const void* data, std::size_t size) {
    const std::size_t skipped = std::min(skip_, size);
    const std::size_t taken = std::min(size - skipped, room_);
    skip_ -= skipped;
    room_ -= taken;
    is_whole_ = is_whole_ && skipped + taken == size;
    out_.append(static_cast<const char*>(data) + skipped, taken);
  }
  /// Whether nothing was left out behind.
  [[nodiscard]] bool is_whole() const noexcept { return is_whole_; }

 private:
  std::size_t skip_;
  std::size_t room_;
  bool is_whole_ = true;
  std::string& out_;
};

template <typename Sink, typename T>
void PutFixed(Sink& sink, T value) {
  static_assert(std::is_arithmetic_v<T>);
  sink.Bytes(&value, sizeof(value));
}

template <typename Sink>
void PutText(Sink& sink, std::string_view text) {
  PutFixed(sink, static_cast<std::uint32_t>(text.size()));
  sink.Bytes(text.data(), text.size());
}

template <typename Sink>
void PutValue(Sink& sink, const Value& value) {
  PutFixed(sink, static_cast<std::uint8_t>(value.index()));
  if (const auto* text = std::get_if<std::string_view>(&value)) PutText(sink, *text);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) PutFixed(sink, *integer);
  if (const auto* number = std::get_if<double>(&value)) PutFixed(sink, *number);
  if (const auto* truth = std::get_if<bool>(&value)) PutFixed(sink, std::uint8_t{*truth});
  if (const auto* instant = std::get_if<Instant>(&value)) PutFixed(sink, ToMicros(*instant));
}

// Rules may be about fields, which rows without names have by the declaration's order.
std::span<const preprocessing::ColumnSpec> DeclaredFields(const CaptureTarget& target,
                                                          const Invocation& invocation) noexcept {
  if (!target.with_fields || invocation.rows.fields == nullptr) return {};
  return invocation.rows.fields->schema().columns;
}

// The layout of FORMAT.md, said once for measuring and for writing, at once or in pieces: what is
// before rows and values,
template <typename Sink>
void PutHead(const CaptureTarget& target, const Invocation& invocation, std::size_t total,
             Sink& sink) {
  const auto& [id, inference_id, custom_attributes, traceparent, content_type, body, received,
               csv_delimiter] = invocation.request;
  const std::span<const preprocessing::ColumnSpec> declared = DeclaredFields(target, invocation);
  const Invocation::Values& features = invocation.features;
  const Invocation::Answer& answer = invocation.answer;
  assert(features.values.size() == features.names.size() * features.row_numbers.size());
  PutFixed(sink, kMagic);
  PutFixed(sink, kVersion);
  PutFixed(sink, std::uint64_t{total});
  PutFixed(sink, ToMicros(received));
  PutFixed(sink, std::int64_t{answer.latency.count()});
  PutFixed(sink, std::int32_t{answer.status});
  PutFixed(sink, static_cast<std::uint32_t>(features.names.size()));
  PutFixed(sink, std::uint64_t{features.row_numbers.size()});
  PutFixed(sink, static_cast<std::uint32_t>(declared.size()));
  PutFixed(sink, csv_delimiter);
  for (const std::string_view text :
       {target.folder, target.endpoint, target.variant, target.rules, invocation.deployment,
        invocation.pipeline, invocation.model_version, id, inference_id, custom_attributes,
        traceparent, content_type, body, answer.content_type, answer.body}) {
    PutText(sink, text);
  }
  for (const preprocessing::ColumnSpec& field : declared) {
    PutText(sink, field.name);
    PutText(sink, field.header());
  }
  for (const std::string& name : features.names) PutText(sink, name);
}

// and all of it.
template <typename Sink>
void Put(const CaptureTarget& target, const Invocation& invocation, std::size_t total, Sink& sink) {
  const Invocation::Values& features = invocation.features;
  PutHead(target, invocation, total, sink);
  for (const std::size_t row : features.row_numbers) PutFixed(sink, std::uint64_t{row});
  for (const Value& value : features.values) PutValue(sink, value);
}

// Reads on after a failure yield zeros and empty texts, so that callers check once per section.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) noexcept : rest_(bytes) {}

  template <typename T>
  T Fixed() noexcept {
    T value{};
    if (const auto bytes = Take(sizeof(T)); !bytes.empty()) {
      std::memcpy(&value, bytes.data(), sizeof(T));
    }
    return value;
  }

  std::string_view Text() noexcept {
    const auto bytes = Take(Fixed<std::uint32_t>());
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  Value OneValue() noexcept {
    switch (static_cast<Kind>(Fixed<std::uint8_t>())) {
      case Kind::kMissing:
        return {};
      case Kind::kText:
        return Text();
      case Kind::kInt64:
        return Fixed<std::int64_t>();
      case Kind::kDouble:
        return Fixed<double>();
      case Kind::kBool: {
        const auto truth = Fixed<std::uint8_t>();
        if (truth > 1) ok_ = false;
        return truth == 1;
      }
      case Kind::kInstant:
        return FromMicros(Fixed<std::int64_t>());
    }
    ok_ = false;
    return {};
  }

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] std::size_t left() const noexcept { return rest_.size(); }

 private:
  std::span<const std::byte> Take(std::size_t size) noexcept {
    if (!ok_ || size > rest_.size()) {
      ok_ = false;
      return {};
    }
    const auto taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

  std::span<const std::byte> rest_;
  bool ok_ = true;
};

Error Corrupt(const char* what) { return {ErrorCode::kCorrupt, what, "capture message"}; }

void ReadTexts(Reader& reader, CaptureMessage& message) {
  for (std::string_view* text :
       {&message.target.folder, &message.target.endpoint, &message.target.variant,
        &message.target.rules, &message.deployment, &message.pipeline, &message.model_version,
        &message.request.id, &message.request.inference_id, &message.request.custom_attributes,
        &message.request.traceparent, &message.request.content_type, &message.request.body,
        &message.answer.content_type, &message.answer.body}) {
    *text = reader.Text();
  }
}

}  // namespace

bool IsCaptureName(std::string_view name) noexcept { return IsPlainName(name, kMaxNameLength); }

std::size_t CaptureSize(const CaptureTarget& target, const Invocation& invocation) noexcept {
  SizeSink sink;
  Put(target, invocation, 0, sink);
  return sink.size();
}

void EncodeCapture(const CaptureTarget& target, const Invocation& invocation,
                   std::span<std::byte> out) noexcept {
  assert(out.size() <= kMaxCaptureBytes);
  CopySink sink(out);
  Put(target, invocation, out.size(), sink);
  assert(sink.full());
}

bool CaptureEncoder::Append(std::size_t bytes, std::string& out) {
  const Invocation::Values& features = invocation_.features;
  const std::size_t before = out.size();
  if (!head_is_done_) {
    WindowSink head(head_bytes_, bytes, out);
    PutHead(target_, invocation_, 0, head);
    head_bytes_ += out.size() - before;
    head_is_done_ = head.is_whole();
  }
  const auto has_room = [&] { return head_is_done_ && out.size() - before < bytes; };
  WindowSink sink(0, std::numeric_limits<std::size_t>::max(), out);
  for (; has_room() && rows_ < features.row_numbers.size(); ++rows_) {
    PutFixed(sink, std::uint64_t{features.row_numbers[rows_]});
  }
  for (; has_room() && values_ < features.values.size(); ++values_) {
    PutValue(sink, features.values[values_]);
  }
  return !head_is_done_ || rows_ < features.row_numbers.size() || values_ < features.values.size();
}

Result<CaptureMessage> DecodeCapture(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  if (reader.Fixed<std::uint32_t>() != kMagic) return Corrupt("does not begin as one");
  if (reader.Fixed<std::uint32_t>() != kVersion) return Corrupt("of an unknown version");
  if (reader.Fixed<std::uint64_t>() != bytes.size()) return Corrupt("cut short or padded");

  CaptureMessage message;
  message.request.received = FromMicros(reader.Fixed<std::int64_t>());
  message.answer.latency = std::chrono::nanoseconds(reader.Fixed<std::int64_t>());
  message.answer.status = reader.Fixed<std::int32_t>();
  const std::size_t names = reader.Fixed<std::uint32_t>();
  const std::size_t rows = reader.Fixed<std::uint64_t>();
  const std::size_t declared = reader.Fixed<std::uint32_t>();
  message.request.csv_delimiter = reader.Fixed<char>();
  ReadTexts(reader, message);
  if (!reader.ok()) return Corrupt("cut short");
  if (message.request.received < Instant{} || message.request.received >= kEndOfYears) {
    return Corrupt("received outside the years 1970 to 9999");
  }
  if (message.target.folder.empty() || message.target.folder.find('\0') != std::string_view::npos) {
    return Corrupt("without a folder that can exist");
  }
  if (!IsCaptureName(message.target.endpoint) || !IsCaptureName(message.target.variant)) {
    return Corrupt("for an endpoint or variant whose name cannot be a folder's");
  }

  // What is left bounds the counts before anything is reserved: 8 bytes a declared field, 4 a name,
  // 8 a row, 1 a value.
  message.target.with_fields = declared != 0;
  if (declared > reader.left() / 8) {
    return Corrupt("with more declared fields than it has room for");
  }
  message.declared_fields.reserve(declared);
  for (std::size_t i = 0; i < declared; ++i) {
    const std::string_view name = reader.Text();
    const std::string_view header = reader.Text();
    if (header.empty()) return Corrupt("with a declared field that has no name");
    message.declared_fields.push_back({.name = name, .header = header});
  }
  if (names > reader.left() / 4 || rows > reader.left() / 8 ||
      (names != 0 && rows > reader.left() / names)) {
    return Corrupt("with more features or rows than it has room for");
  }
  message.feature_names.reserve(names);
  for (std::size_t i = 0; i < names; ++i) message.feature_names.push_back(reader.Text());
  message.row_numbers.reserve(rows);
  for (std::size_t i = 0; i < rows; ++i)
    message.row_numbers.push_back(reader.Fixed<std::uint64_t>());
  message.values.reserve(names * rows);
  for (std::size_t i = 0; i < names * rows && reader.ok(); ++i) {
    message.values.push_back(reader.OneValue());
  }
  if (!reader.ok() || reader.left() != 0) return Corrupt("with damaged features");
  return message;
}

}  // namespace forkcast::serving
