// The bytes are a body that came as gzip. In small steps and in one it must come to the same, never
// to more than is allowed, and what came out must survive being packed again.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.hpp"
#include "serving/wire/gzip.hpp"

namespace {

using forkcast::ErrorCode;
using forkcast::Result;
using forkcast::fuzz::Require;
using forkcast::wire::GzipReader;
using forkcast::wire::GzipWriter;

constexpr std::size_t kMost = 10'000;

Result<std::string> Unpacked(std::string_view packed, std::size_t step) {
  GzipReader reader;
  reader.Start(packed, kMost);
  while (true) {
    const Result<bool> whole = reader.Continue(step);
    if (!whole) return whole.error();
    if (*whole) return std::string(reader.text());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view packed(reinterpret_cast<const char*>(data), size);
  const Result<std::string> text = Unpacked(packed, 1'000'000);
  const Result<std::string> stepped = Unpacked(packed, 1);
  Require(text.ok() == stepped.ok());
  if (!text) {
    Require(text.error() == stepped.error());
    Require(text.error().code == ErrorCode::kInvalidArgument ||
            text.error().code == ErrorCode::kTooLarge);
    return 0;
  }
  Require(*text == *stepped && text->size() <= kMost);
  GzipWriter writer;
  writer.Start(*text);
  while (!writer.Continue(1000)) {
  }
  const Result<std::string> again = Unpacked(writer.packed(), 1000);
  Require(again.ok() && *again == *text);
  return 0;
}
