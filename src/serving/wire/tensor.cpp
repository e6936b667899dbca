#include "serving/wire/tensor.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "data_preprocessing/table/parse_value.hpp"
#include "serving/wire/quote.hpp"

namespace forkcast::wire {

using preprocessing::ColumnSpec;
using preprocessing::ColumnType;

namespace {

static_assert(std::endian::native == std::endian::little, "binary tensors are little-endian");

enum class Family : std::uint8_t { kTruth, kUnsigned, kSigned, kReal, kText };

struct TypeRow {
  std::string_view name;
  std::size_t size = 0;
  Family family = Family::kText;
};

/// In the order of Datatype.
constexpr std::array<TypeRow, 14> kTypes{{{"BOOL", 1, Family::kTruth},
                                          {"UINT8", 1, Family::kUnsigned},
                                          {"UINT16", 2, Family::kUnsigned},
                                          {"UINT32", 4, Family::kUnsigned},
                                          {"UINT64", 8, Family::kUnsigned},
                                          {"INT8", 1, Family::kSigned},
                                          {"INT16", 2, Family::kSigned},
                                          {"INT32", 4, Family::kSigned},
                                          {"INT64", 8, Family::kSigned},
                                          {"FP16", 2, Family::kReal},
                                          {"BF16", 2, Family::kReal},
                                          {"FP32", 4, Family::kReal},
                                          {"FP64", 8, Family::kReal},
                                          {"BYTES", 0, Family::kText}}};

const TypeRow& RowOf(Datatype type) noexcept { return kTypes[static_cast<std::size_t>(type)]; }

/// A binary floating-point format below a double: digits behind the point, and exponents (IEEE
/// 754).
struct RealFormat {
  int fraction_bits = 0;
  int least_exponent = 0;
  int most_exponent = 0;
};
constexpr RealFormat kHalf{.fraction_bits = 10, .least_exponent = -14, .most_exponent = 15};
constexpr RealFormat kBrain{.fraction_bits = 7, .least_exponent = -126, .most_exponent = 127};
constexpr RealFormat kSingle{.fraction_bits = 23, .least_exponent = -126, .most_exponent = 127};

/// The number of the format that is nearest, of two the even one; an infinity where it is too
/// large.
double Round(double number, const RealFormat& format) noexcept {
  if (number == 0 || !std::isfinite(number)) return number;
  const int exponent = std::max(std::ilogb(number), format.least_exponent);
  const double rounded =
      std::ldexp(std::nearbyint(std::ldexp(number, format.fraction_bits - exponent)),
                 exponent - format.fraction_bits);
  const bool is_too_large = std::ilogb(rounded) > format.most_exponent && rounded != 0;
  return is_too_large ? std::copysign(std::numeric_limits<double>::infinity(), number) : rounded;
}

double HalfOf(std::uint16_t bits) noexcept {
  constexpr unsigned kExponents = 0x1F;
  const double sign = (bits >> 15U) != 0 ? -1 : 1;
  const unsigned exponent = bits >> 10U & kExponents;
  const unsigned fraction = bits & 0x3FFU;
  if (exponent == kExponents) {
    return fraction != 0 ? std::numeric_limits<double>::quiet_NaN()
                         : sign * std::numeric_limits<double>::infinity();
  }
  const bool is_normal = exponent != 0;
  return sign * std::ldexp(fraction + (is_normal ? 1024.0 : 0.0),
                           static_cast<int>(is_normal ? exponent : 1) - 25);
}

/// All of `token` as a number of type T; none where it is none, or does not fit.
template <typename T>
std::optional<T> Parse(std::string_view token) noexcept {
  T number{};
  const auto [end, failed] = std::from_chars(token.data(), token.data() + token.size(), number);
  if (failed != std::errc{} || end != token.data() + token.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string_view NameOf(Datatype type) noexcept { return RowOf(type).name; }

std::optional<Datatype> DatatypeNamed(std::string_view name) noexcept {
  const auto found = std::ranges::find(kTypes, name, &TypeRow::name);
  if (found == kTypes.end()) return std::nullopt;
  return static_cast<Datatype>(found - kTypes.begin());
}

std::string DatatypeNames() {
  std::string names;
  for (const TypeRow& type : kTypes) names.append(names.empty() ? "" : ", ").append(type.name);
  return names;
}

std::size_t SizeOf(Datatype type) noexcept { return RowOf(type).size; }

bool IsInteger(Datatype type) noexcept {
  return RowOf(type).family == Family::kUnsigned || RowOf(type).family == Family::kSigned;
}

bool IsReal(Datatype type) noexcept { return RowOf(type).family == Family::kReal; }

Datatype DatatypeOf(ColumnType type) noexcept {
  switch (type) {
    case ColumnType::kInt64:
      return Datatype::kInt64;
    case ColumnType::kDouble:
      return Datatype::kFp64;
    case ColumnType::kBool:
      return Datatype::kBool;
    case ColumnType::kText:
    case ColumnType::kTimestamp:
      break;
  }
  return Datatype::kBytes;
}

bool Fits(Datatype type, const ColumnSpec& field) noexcept {
  switch (field.type) {
    case ColumnType::kInt64:
      return IsInteger(type);
    case ColumnType::kDouble:
      return IsInteger(type) || IsReal(type);
    case ColumnType::kBool:
      return type == Datatype::kBool;
    case ColumnType::kTimestamp:
      return type == Datatype::kBytes || (field.format.time && IsInteger(type));
    case ColumnType::kText:
      break;
  }
  return type == Datatype::kBytes;
}

Error Tensor::Unfit(const TensorElement& element) const {
  const bool is_text = element.kind == TensorElement::Kind::kText;
  return {ErrorCode::kInvalidArgument,
          fmt::format("expected {}, got {}", NameOf(datatype),
                      is_text ? Quote(element.text()) : std::string(element.text()))};
}

template <typename T>
T Tensor::BytesAt(std::size_t i) const noexcept {
  T value{};
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

Result<std::optional<std::uint64_t>> Tensor::Unsigned(std::size_t i) const {
  if (bytes.empty()) {
    const TensorElement& element = elements[i];
    if (element.kind == TensorElement::Kind::kMissing) return std::optional<std::uint64_t>();
    const auto number = Parse<std::uint64_t>(element.text());
    const auto unused_bits = 8 * (sizeof(std::uint64_t) - SizeOf(datatype));
    if (element.kind != TensorElement::Kind::kNumber || !number ||
        *number > std::numeric_limits<std::uint64_t>::max() >> unused_bits) {
      return Unfit(element);
    }
    return number;
  }
  std::uint64_t value = 0;
  const std::size_t width = SizeOf(datatype);
  std::memcpy(&value, bytes.data() + i * width, width);
  return std::optional(value);
}

Result<std::optional<std::int64_t>> Tensor::Signed(std::size_t i) const {
  const auto unused_bits = 8 * (sizeof(std::int64_t) - SizeOf(datatype));
  if (bytes.empty()) {
    const TensorElement& element = elements[i];
    if (element.kind == TensorElement::Kind::kMissing) return std::optional<std::int64_t>();
    const auto number = Parse<std::int64_t>(element.text());
    if (element.kind != TensorElement::Kind::kNumber || !number ||
        *number > std::numeric_limits<std::int64_t>::max() >> unused_bits ||
        *number < std::numeric_limits<std::int64_t>::min() >> unused_bits) {
      return Unfit(element);
    }
    return number;
  }
  switch (datatype) {
    case Datatype::kInt8:
      return std::optional<std::int64_t>(BytesAt<std::int8_t>(i));
    case Datatype::kInt16:
      return std::optional<std::int64_t>(BytesAt<std::int16_t>(i));
    case Datatype::kInt32:
      return std::optional<std::int64_t>(BytesAt<std::int32_t>(i));
    default:
      return std::optional<std::int64_t>(BytesAt<std::int64_t>(i));
  }
}

double Tensor::RealOfBytes(std::size_t i) const noexcept {
  switch (datatype) {
    case Datatype::kFp16:
      return HalfOf(BytesAt<std::uint16_t>(i));
    case Datatype::kBf16:
      return std::bit_cast<float>(static_cast<std::uint32_t>(BytesAt<std::uint16_t>(i)) << 16U);
    case Datatype::kFp32:
      return BytesAt<float>(i);
    default:
      return BytesAt<double>(i);
  }
}

Result<std::optional<double>> Tensor::Real(std::size_t i) const {
  using Kind = TensorElement::Kind;
  double number = 0;
  if (!bytes.empty()) {
    number = RealOfBytes(i);
  } else {
    const TensorElement& element = elements[i];
    const bool is_missing = element.kind == Kind::kMissing ||
                            (element.kind == Kind::kNoNumber && element.text().ends_with("NaN"));
    if (is_missing) return std::optional<double>();
    const Result<double> parsed = element.kind == Kind::kNumber
                                      ? preprocessing::ParseDouble(element.text())
                                      : Result<double>(Unfit(element));
    if (!parsed) return Unfit(element);
    number = *parsed;
    if (datatype == Datatype::kFp16) number = Round(number, kHalf);
    if (datatype == Datatype::kBf16) number = Round(number, kBrain);
    if (datatype == Datatype::kFp32) number = Round(number, kSingle);
  }
  if (std::isnan(number)) return std::optional<double>();
  if (std::isinf(number)) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("expected a number that {} can hold, got an infinity", NameOf(datatype))};
  }
  return std::optional(number);
}

Result<std::optional<std::int64_t>> Tensor::IntegerAt(std::size_t i) const {
  if (RowOf(datatype).family == Family::kSigned) return Signed(i);
  const auto number = Unsigned(i);
  if (!number) return number.error();
  if (!*number) return std::optional<std::int64_t>();
  if (**number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("expected an integer of 64 bits with a sign, got {}", **number)};
  }
  return std::optional(static_cast<std::int64_t>(**number));
}

Result<std::optional<double>> Tensor::NumberAt(std::size_t i) const {
  const auto widened = [](const auto& number) -> Result<std::optional<double>> {
    if (!number) return number.error();
    if (!*number) return std::optional<double>();
    return std::optional(static_cast<double>(**number));
  };
  switch (RowOf(datatype).family) {
    case Family::kUnsigned:
      return widened(Unsigned(i));
    case Family::kSigned:
      return widened(Signed(i));
    default:
      return Real(i);
  }
}

Result<std::optional<bool>> Tensor::TruthAt(std::size_t i) const {
  using Kind = TensorElement::Kind;
  if (bytes.empty()) {
    const TensorElement& element = elements[i];
    if (element.kind == Kind::kMissing) return std::optional<bool>();
    if (element.kind != Kind::kTrue && element.kind != Kind::kFalse) return Unfit(element);
    return std::optional(element.kind == Kind::kTrue);
  }
  const auto byte = BytesAt<std::uint8_t>(i);
  if (byte > 1) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("expected BOOL: 0 or 1, got {}", byte)};
  }
  return std::optional(byte == 1);
}

Result<std::optional<std::string_view>> Tensor::TextAt(std::size_t i) const {
  const TensorElement& element = elements[i];
  if (element.kind == TensorElement::Kind::kMissing) return std::optional<std::string_view>();
  if (element.kind != TensorElement::Kind::kText) return Unfit(element);
  const std::string_view text = element.text();
  if (!simdjson::validate_utf8(text.data(), text.size())) {
    return Error{ErrorCode::kInvalidArgument, "the text is not UTF-8"};
  }
  return std::optional(text);
}

}  // namespace forkcast::wire
