#include "data_preprocessing/document/content_hash.hpp"

#include <xxhash.h>

#include <array>
#include <cstdio>

namespace forkcast::preprocessing {

std::string ContentHash(std::string_view bytes) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  std::string hash = "xxh3-128:";
  for (const unsigned char byte : canonical.digest) {
    std::array<char, 3> digits{};
    std::snprintf(digits.data(), digits.size(), "%02x", byte);
    hash.append(digits.data(), 2);
  }
  return hash;
}

}  // namespace forkcast::preprocessing
