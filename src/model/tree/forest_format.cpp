#include "model/tree/forest_format.hpp"

#include <xxhash.h>

#include <algorithm>

namespace forkcast::model::forest_format {

std::array<std::uint8_t, 16> ComputeChecksum(std::span<const std::byte> file) noexcept {
  // What comes before is compared byte by byte, or is the checksum.
  constexpr std::size_t kBegin = offsetof(Header, file_size);
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(file.data() + kBegin, file.size() - kBegin));
  std::array<std::uint8_t, 16> checksum{};
  std::ranges::copy(canonical.digest, checksum.begin());
  return checksum;
}

}  // namespace forkcast::model::forest_format
