#include "serving/access/random_bytes.hpp"

#include <sys/random.h>

#include <cerrno>
#include <system_error>

namespace forkcast::serving {

void FillRandom(std::span<std::uint8_t> bytes) {
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw std::system_error(errno, std::generic_category(), "no random bytes");
  }
}

}  // namespace forkcast::serving
