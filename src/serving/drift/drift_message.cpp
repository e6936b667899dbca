#include "serving/drift/drift_message.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace forkcast::serving {
namespace {

// Both ends run on one machine, so the order of bytes is checked here and never converted.
static_assert(std::endian::native == std::endian::little);

constexpr std::uint32_t kMagic = 0x52444B46;  // "FKDR" as bytes in the message
constexpr std::uint32_t kVersion = 1;

constexpr std::array kTexts{&DriftMessage::settings, &DriftMessage::deployment,
                            &DriftMessage::pipeline, &DriftMessage::version, &DriftMessage::folder};

void Put(const void* data, std::size_t size, std::vector<std::byte>& out) {
  const auto* const bytes = static_cast<const std::byte*>(data);
  out.insert(out.end(), bytes, bytes + size);
}
template <typename T>
void PutFixed(T value, std::vector<std::byte>& out) {
  Put(&value, sizeof value, out);
}

/// Takes parts off the front; what is not there is zero, and told at the end.
class Source {
 public:
  explicit Source(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <typename T>
  T Fixed() {
    T value{};
    const std::span<const std::byte> part = Take(sizeof value);
    if (!part.empty()) std::memcpy(&value, part.data(), sizeof value);
    return value;
  }
  std::string_view Text() {
    const std::span<const std::byte> part = Take(Fixed<std::uint32_t>());
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size(); }
  [[nodiscard]] bool ended_early() const noexcept { return ended_early_; }

 private:
  std::span<const std::byte> Take(std::size_t size) {
    if (size > bytes_.size()) {
      ended_early_ = true;
      bytes_ = {};
      return {};
    }
    const std::span<const std::byte> part = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return part;
  }

  std::span<const std::byte> bytes_;
  bool ended_early_ = false;
};

}  // namespace

bool IsDriftMessage(std::span<const std::byte> bytes) noexcept {
  std::uint32_t magic = 0;
  if (bytes.size() < sizeof magic) return false;
  std::memcpy(&magic, bytes.data(), sizeof magic);
  return magic == kMagic;
}

std::size_t DriftMessageSize(const DriftMessage& message) noexcept {
  std::size_t size = 3 * sizeof(std::uint32_t) + sizeof(std::int64_t);
  for (const auto text : kTexts) size += sizeof(std::uint32_t) + (message.*text).size();
  return size + message.counts.size() * sizeof(std::uint32_t);
}

void EncodeDrift(const DriftMessage& message, std::vector<std::byte>& out) {
  out.clear();
  out.reserve(DriftMessageSize(message));
  PutFixed(kMagic, out);
  PutFixed(kVersion, out);
  PutFixed(ToMicros(message.sent), out);
  for (const auto text : kTexts) {
    PutFixed(static_cast<std::uint32_t>((message.*text).size()), out);
    Put((message.*text).data(), (message.*text).size(), out);
  }
  PutFixed(static_cast<std::uint32_t>(message.counts.size()), out);
  Put(message.counts.data(), message.counts.size() * sizeof(std::uint32_t), out);
}

Result<DriftMessage> DecodeDrift(std::span<const std::byte> bytes) {
  Source source(bytes);
  if (source.Fixed<std::uint32_t>() != kMagic || source.Fixed<std::uint32_t>() != kVersion) {
    return Error{ErrorCode::kCorrupt, "no message of drift of this version"};
  }
  DriftMessage message;
  message.sent = FromMicros(source.Fixed<std::int64_t>());
  for (const auto text : kTexts) message.*text = source.Text();
  const std::size_t counts = source.Fixed<std::uint32_t>();
  if (source.ended_early() || source.left() != counts * sizeof(std::uint32_t)) {
    return Error{ErrorCode::kCorrupt, "a message of drift is longer or shorter than it says"};
  }
  message.counts.resize(counts);
  for (std::uint32_t& count : message.counts) count = source.Fixed<std::uint32_t>();
  return message;
}

}  // namespace forkcast::serving
