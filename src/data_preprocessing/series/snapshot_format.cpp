#include "data_preprocessing/series/snapshot_format.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

namespace forkcast::preprocessing::snapshot_format {

namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 24;

/// `is_read(piece)` is called behind each piece of the file.
template <typename IsRead>
std::uint64_t Checksum(std::span<const std::byte> file, const IsRead& is_read) {
  Header header;
  std::memcpy(&header, file.data(), sizeof header);
  header.checksum = 0;
  // The header's hash seeds the hash of the rest, so that it is not copied to be hashed with it.
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> hash(XXH3_createState(),
                                                                      &XXH3_freeState);
  if (hash == nullptr) throw std::bad_alloc();
  XXH3_64bits_reset_withSeed(hash.get(), XXH3_64bits(&header, sizeof header));
  for (std::size_t at = sizeof header; at < file.size(); at += kPieceBytes) {
    const auto piece = file.subspan(at, std::min(kPieceBytes, file.size() - at));
    XXH3_64bits_update(hash.get(), piece.data(), piece.size());
    is_read(piece);
  }
  return XXH3_64bits_digest(hash.get());
}

}  // namespace

std::uint64_t ComputeChecksum(std::span<const std::byte> file) {
  return Checksum(file, [](std::span<const std::byte> /*piece*/) {});
}

std::uint64_t ChecksumOf(const MappedFile& file) {
  return Checksum(file.bytes(), [&](std::span<const std::byte> piece) { file.DropPages(piece); });
}

}  // namespace forkcast::preprocessing::snapshot_format
