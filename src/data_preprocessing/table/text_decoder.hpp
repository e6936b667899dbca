#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/csv_dialect.hpp"

namespace forkcast::preprocessing {

/// Makes UTF-8 of a text in another encoding, given in pieces that may end anywhere. Strict: bytes
/// that are no character are an error, since whatever stood in for them would be stored. The tables
/// are here and not those of iconv, which a small image lacks (they are modules of their own).
class TextDecoder {
 public:
  explicit TextDecoder(CsvEncoding encoding) noexcept : encoding_(encoding) {}

  /// Appends the characters that end within `bytes`. kInvalidArgument, "line L: ...", for bytes
  /// that are no character; the object is of no more use then.
  Status Decode(std::string_view bytes, std::string& out);
  /// To be called behind the last piece. kInvalidArgument when it ended within a character.
  Status Finish();

 private:
  Status DecodeSingleBytes(std::string_view bytes, std::string& out);
  Status DecodeUtf16(std::string_view bytes, std::string& out);
  Status AppendUnit(char16_t unit, std::string& out);
  void Append(char32_t character, std::string& out);
  [[nodiscard]] Error Refused(std::string_view what) const;

  CsvEncoding encoding_;
  std::size_t line_ = 1;
  bool has_half_unit_ = false;
  unsigned char half_unit_ = 0;  // the first byte of a UTF-16 unit
  char16_t high_surrogate_ = 0;  // the first unit of a pair
};

}  // namespace forkcast::preprocessing
