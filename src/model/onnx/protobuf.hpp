#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The part of protobuf's wire format that ONNX files use
/// (https://protobuf.dev/programming-guides/encoding). A message is a view of bytes: those within
/// it are messages of their own, read by whoever knows what they are, so that nothing calls itself.
namespace forkcast::model::onnx {

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

/// A field of a message.
struct Field {
  std::uint32_t number = 0;
  WireType type = WireType::kVarint;
  std::uint64_t value = 0;   ///< Of a number, its bits.
  std::string_view bytes{};  ///< Of kBytes.
};

/// The fields of a message, in their order. Functions throw Refused for bytes that are none.
class MessageReader {
 public:
  explicit MessageReader(std::string_view bytes) noexcept : bytes_(bytes) {}

  /// The next field; false at the end.
  bool Next(Field& field);

 private:
  std::uint64_t Varint();
  std::string_view Take(std::uint64_t size);

  std::string_view bytes_;
};

/// What a field of a known type says; refuses one of another.
[[nodiscard]] std::int64_t IntegerOf(const Field& field);
[[nodiscard]] float FloatOf(const Field& field);
[[nodiscard]] std::string_view BytesOf(const Field& field);

/// Adds what a field of a list says: one element, or a packed list of them.
void AppendIntegers(const Field& field, std::vector<std::int64_t>& numbers);
void AppendFloats(const Field& field, std::vector<float>& numbers);
void AppendDoubles(const Field& field, std::vector<double>& numbers);

/// Writes a message, field by field.
class MessageWriter {
 public:
  void Integer(std::uint32_t field, std::int64_t value);
  void Float(std::uint32_t field, float value);
  void Bytes(std::uint32_t field, std::string_view bytes);
  void Message(std::uint32_t field, const MessageWriter& message) { Bytes(field, message.bytes_); }
  /// Packed.
  void Integers(std::uint32_t field, std::span<const std::int64_t> values);
  void Floats(std::uint32_t field, std::span<const float> values);

  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

 private:
  void Key(std::uint32_t field, WireType type);

  std::string bytes_;
};

}  // namespace forkcast::model::onnx
