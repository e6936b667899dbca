#include "client/expectation.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::client {
namespace {

constexpr std::size_t kShownBytes = 300;

bool AreEqualJson(std::string_view a, std::string_view b) {
  if (a == b) return true;
  constexpr bool kNoExceptions = false;
  const nlohmann::json left = nlohmann::json::parse(a, nullptr, kNoExceptions);
  const nlohmann::json right = nlohmann::json::parse(b, nullptr, kNoExceptions);
  return !left.is_discarded() && !right.is_discarded() && left == right;
}

std::string Shortened(std::string_view text) {
  if (text.size() <= kShownBytes) return std::string(text);
  std::size_t end = kShownBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;  // not in UTF-8
  return std::string(text.substr(0, end)) + "...";
}

}  // namespace

Result<Expectation> Expectation::Open(const std::filesystem::path& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  // A directory opens well and then reads as an empty file.
  const bool is_directory = std::filesystem::is_directory(path);
  if (!file || is_directory) {
    return Error{ErrorCode::kIo,
                 fmt::format("{}: cannot be opened: {}", path.string(),
                             std::strerror(is_directory ? EISDIR : errno)),
                 path.string()};
  }
  return Expectation(std::move(file));
}

void Expectation::Compare(std::string_view result) {
  if (!std::getline(file_, line_)) {
    AddDifference("no such row", result);
  } else if (!AreEqualJson(line_, result)) {
    AddDifference(line_, result);
  }
  ++compared_;
  ++row_;
}

void Expectation::Finish() {
  while (std::getline(file_, line_)) {
    AddDifference(line_, "no such row");
    ++row_;
  }
}

void Expectation::AddDifference(std::string_view expected, std::string_view got) {
  if (++different_ > kMaxKeptMessages) return;
  first_differences_.push_back(
      fmt::format("row {}: expected {}, got {}", row_, Shortened(expected), Shortened(got)));
}

}  // namespace forkcast::client
