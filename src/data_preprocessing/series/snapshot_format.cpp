#include "data_preprocessing/series/snapshot_format.hpp"

#include <xxhash.h>

#include <cstring>

namespace forkcast::preprocessing::snapshot_format {

std::uint64_t ComputeChecksum(std::span<const std::byte> file) noexcept {
  Header header;
  std::memcpy(&header, file.data(), sizeof header);
  header.checksum = 0;
  // The header's hash seeds the hash of the rest, so that no streaming state has to be allocated.
  const std::uint64_t seed = XXH3_64bits(&header, sizeof header);
  return XXH3_64bits_withSeed(file.data() + sizeof header, file.size() - sizeof header, seed);
}

}  // namespace forkcast::preprocessing::snapshot_format
