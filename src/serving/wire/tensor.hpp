#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/schema.hpp"

namespace forkcast::wire {

// Tensors as the Open Inference Protocol (KServe's v2) and its extension for binary data have them.

/// What the elements of a tensor are.
enum class Datatype : std::uint8_t {
  kBool,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kFp16,
  kBf16,
  kFp32,
  kFp64,
  kBytes,  ///< Texts, each of its own length.
};

/// "FP64"
[[nodiscard]] std::string_view NameOf(Datatype type) noexcept;
/// The one of this name; none for what the protocol does not have.
[[nodiscard]] std::optional<Datatype> DatatypeNamed(std::string_view name) noexcept;
/// "BOOL, UINT8, ..."
[[nodiscard]] std::string DatatypeNames();
/// Bytes of an element in binary; 0 of BYTES.
[[nodiscard]] std::size_t SizeOf(Datatype type) noexcept;
[[nodiscard]] bool IsInteger(Datatype type) noexcept;
/// FP16, BF16, FP32 or FP64.
[[nodiscard]] bool IsReal(Datatype type) noexcept;

/// How a column's values are written: INT64, FP64, BOOL, and of texts and times BYTES.
[[nodiscard]] Datatype DatatypeOf(preprocessing::ColumnType type) noexcept;
/// Whether a tensor of this type can hold values of the field: numbers for doubles, integers for
/// integers, BYTES for texts and times; where times are declared as epochs, also integers.
[[nodiscard]] bool Fits(Datatype type, const preprocessing::ColumnSpec& field) noexcept;

/// An element as JSON has it, or one of BYTES: 16 bytes.
struct TensorElement {
  enum class Kind : std::uint8_t { kMissing, kNumber, kNoNumber, kTrue, kFalse, kText };

  const char* data = nullptr;  ///< A number as it is written, or a text without quotes.
  std::uint32_t size = 0;
  Kind kind = Kind::kMissing;

  [[nodiscard]] std::string_view text() const noexcept { return {data, size}; }
};

/// A tensor of a request, in views of its body. Elements are counted row by row (row-major). One
/// that is missing is null in JSON; of FP16 to FP64 also NaN, which is all that binary data have
/// for it. What JSON says of such a type is what is nearest to it, so that binary data say the
/// same.
class Tensor {
 public:
  std::string_view name{};
  Datatype datatype = Datatype::kFp64;
  std::vector<std::size_t> shape{};
  std::size_t size = 0;  ///< Elements.
  /// Of binary data of a fixed size, little-endian; else empty, and there are elements.
  std::string_view bytes{};
  std::span<const TensorElement> elements{};

  // Each of one element, or none where it is missing. kInvalidArgument for what is none of that
  // type. Precondition: the datatype is one that can give it.

  /// Of an integer type.
  [[nodiscard]] Result<std::optional<std::int64_t>> IntegerAt(std::size_t i) const;
  /// Of an integer or real type; always finite.
  [[nodiscard]] Result<std::optional<double>> NumberAt(std::size_t i) const;
  /// Of BOOL.
  [[nodiscard]] Result<std::optional<bool>> TruthAt(std::size_t i) const;
  /// Of BYTES, as valid UTF-8.
  [[nodiscard]] Result<std::optional<std::string_view>> TextAt(std::size_t i) const;

 private:
  /// Of an integer that was sent in binary.
  template <typename T>
  [[nodiscard]] T BytesAt(std::size_t i) const noexcept;
  [[nodiscard]] Result<std::optional<std::uint64_t>> Unsigned(std::size_t i) const;
  [[nodiscard]] Result<std::optional<std::int64_t>> Signed(std::size_t i) const;
  [[nodiscard]] Result<std::optional<double>> Real(std::size_t i) const;
  [[nodiscard]] double RealOfBytes(std::size_t i) const noexcept;
  [[nodiscard]] Error Unfit(const TensorElement& element) const;
};

}  // namespace forkcast::wire
