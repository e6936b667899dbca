#include "model/onnx/protobuf.hpp"

#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "model/refused.hpp"

namespace forkcast::model::onnx {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they are");

constexpr std::uint64_t kMoreBytes = 0x80;
constexpr unsigned kVarintBits = 7;
constexpr unsigned kLongestVarint = 10;

void AppendVarint(std::uint64_t value, std::string& bytes) {
  for (; value >= kMoreBytes; value >>= kVarintBits) {
    bytes += static_cast<char>((value & (kMoreBytes - 1)) | kMoreBytes);
  }
  bytes += static_cast<char>(value);
}

std::uint64_t TakeVarint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < kLongestVarint; ++i) {
    if (i >= bytes.size()) RefuseCorrupt("the file ends within a number");
    const auto byte = static_cast<unsigned char>(bytes[i]);
    value |= std::uint64_t{byte & (kMoreBytes - 1)} << (kVarintBits * i);
    if (byte < kMoreBytes) {
      bytes.remove_prefix(i + 1);
      return value;
    }
  }
  RefuseCorrupt("a number of over ten bytes");
}

/// Numbers of a fixed size: one, whose bits are the field's value, or a packed list.
template <typename Number>
void AppendFixed(const Field& field, WireType type, std::vector<Number>& numbers) {
  Number number{};
  if (field.type == type) {
    std::memcpy(&number, &field.value, sizeof number);
    numbers.push_back(number);
    return;
  }
  const std::string_view bytes = BytesOf(field);
  if (bytes.size() % sizeof number != 0) {
    RefuseCorrupt(fmt::format("field {}: {} bytes are no list of numbers of {}", field.number,
                              bytes.size(), sizeof number));
  }
  const std::size_t before = numbers.size();
  numbers.resize(before + bytes.size() / sizeof number);
  if (!bytes.empty()) std::memcpy(numbers.data() + before, bytes.data(), bytes.size());
}

}  // namespace

std::uint64_t MessageReader::Varint() { return TakeVarint(bytes_); }

std::string_view MessageReader::Take(std::uint64_t size) {
  if (size > bytes_.size()) {
    RefuseCorrupt(
        fmt::format("the file ends within a field: {} bytes, expected {}", bytes_.size(), size));
  }
  const std::string_view taken = bytes_.substr(0, size);
  bytes_.remove_prefix(size);
  return taken;
}

bool MessageReader::Next(Field& field) {
  if (bytes_.empty()) return false;
  constexpr unsigned kTypeBits = 3;
  constexpr std::uint64_t kMostNumber = (1U << 29U) - 1;
  const std::uint64_t key = Varint();
  const std::uint64_t number = key >> kTypeBits;
  if (number == 0 || number > kMostNumber) RefuseCorrupt(fmt::format("field {}", number));
  field = {.number = static_cast<std::uint32_t>(number),
           .type = static_cast<WireType>(key & ((1U << kTypeBits) - 1))};
  const auto take_fixed = [&](std::size_t size) {
    std::memcpy(&field.value, Take(size).data(), size);
  };
  switch (field.type) {
    case WireType::kVarint:
      field.value = Varint();
      return true;
    case WireType::kFixed64:
      take_fixed(sizeof(std::uint64_t));
      return true;
    case WireType::kFixed32:
      take_fixed(sizeof(std::uint32_t));
      return true;
    case WireType::kBytes:
      field.bytes = Take(Varint());
      return true;
  }
  RefuseCorrupt(fmt::format("field {}: no type that protobuf has", number));
}

std::int64_t IntegerOf(const Field& field) {
  if (field.type == WireType::kVarint) return static_cast<std::int64_t>(field.value);
  RefuseCorrupt(fmt::format("field {}: expected a whole number", field.number));
}

float FloatOf(const Field& field) {
  if (field.type == WireType::kFixed32) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(field.value));
  }
  RefuseCorrupt(fmt::format("field {}: expected a float", field.number));
}

std::string_view BytesOf(const Field& field) {
  if (field.type == WireType::kBytes) return field.bytes;
  RefuseCorrupt(fmt::format("field {}: expected bytes", field.number));
}

void AppendIntegers(const Field& field, std::vector<std::int64_t>& numbers) {
  if (field.type == WireType::kVarint) {
    numbers.push_back(IntegerOf(field));
    return;
  }
  std::string_view bytes = BytesOf(field);
  while (!bytes.empty()) numbers.push_back(static_cast<std::int64_t>(TakeVarint(bytes)));
}

void AppendFloats(const Field& field, std::vector<float>& numbers) {
  AppendFixed(field, WireType::kFixed32, numbers);
}

void AppendDoubles(const Field& field, std::vector<double>& numbers) {
  AppendFixed(field, WireType::kFixed64, numbers);
}

void MessageWriter::Key(std::uint32_t field, WireType type) {
  AppendVarint((std::uint64_t{field} << 3U) | static_cast<std::uint64_t>(type), bytes_);
}

void MessageWriter::Integer(std::uint32_t field, std::int64_t value) {
  Key(field, WireType::kVarint);
  AppendVarint(static_cast<std::uint64_t>(value), bytes_);
}

void MessageWriter::Float(std::uint32_t field, float value) {
  Key(field, WireType::kFixed32);
  bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void MessageWriter::Bytes(std::uint32_t field, std::string_view bytes) {
  Key(field, WireType::kBytes);
  AppendVarint(bytes.size(), bytes_);
  bytes_ += bytes;
}

void MessageWriter::Integers(std::uint32_t field, std::span<const std::int64_t> values) {
  std::string packed;
  for (const std::int64_t value : values) AppendVarint(static_cast<std::uint64_t>(value), packed);
  Bytes(field, packed);
}

void MessageWriter::Floats(std::uint32_t field, std::span<const float> values) {
  Bytes(field, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

}  // namespace forkcast::model::onnx
