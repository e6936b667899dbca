// The first byte picks the format and the bytes behind the body; the rest is the body.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "serving/wire/request_decoder.hpp"

namespace {

using forkcast::preprocessing::ColumnType;

forkcast::preprocessing::Schema EveryType() {
  return {{{.name = "id", .type = ColumnType::kText},
           {.name = "n", .type = ColumnType::kInt64, .nullable = true},
           {.name = "x", .type = ColumnType::kDouble, .nullable = true},
           {.name = "b", .type = ColumnType::kBool, .nullable = true},
           {.name = "t", .type = ColumnType::kTimestamp, .nullable = true}}};
}

forkcast::wire::Format FormatOf(std::uint8_t choice) {
  using enum forkcast::wire::Format;
  constexpr forkcast::wire::Format kFormats[] = {kJson, kJsonLines, kCsv};
  return kFormats[choice % 3];
}

/// Stops the fuzzer: what was decoded contradicts itself.
void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr std::string_view kPaddings("\0}],:\"0{", 8);
  std::vector<char> body(size - 1 + forkcast::wire::kBodyPadding, kPaddings[data[0] / 3 % 8]);
  std::copy(data + 1, data + size, body.begin());

  forkcast::wire::RequestDecoder decoder(EveryType(), {}, {.max_depth = 8, .max_rows = 100});
  forkcast::wire::DecodedRequest request(decoder.schema());
  const forkcast::Status decoded =
      decoder.Decode(FormatOf(data[0]), {body.data(), size - 1}, request);
  Require(decoded.ok() || request.row_count == 0);
  Require(request.row_count == request.row_numbers.size() + request.errors.size());
  for (std::size_t i = 0; i < request.rows.column_count(); ++i) {
    Require(request.rows.column(i).size() == request.row_numbers.size());
  }
  return 0;
}
