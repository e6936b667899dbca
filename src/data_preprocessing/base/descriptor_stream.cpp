#include "data_preprocessing/base/descriptor_stream.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <system_error>

namespace forkcast {

int WriteAll(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

DescriptorBuffer::DescriptorBuffer(int fd) noexcept : fd_(fd) {
  setp(buffer_.data(), buffer_.data() + buffer_.size());
}

bool DescriptorBuffer::Flush() noexcept {
  const std::string_view waiting(pbase(), static_cast<std::size_t>(pptr() - pbase()));
  if (failure_ == 0) failure_ = WriteAll(fd_, waiting);
  setp(buffer_.data(), buffer_.data() + buffer_.size());
  return failure_ == 0;
}

DescriptorBuffer::int_type DescriptorBuffer::overflow(int_type c) {
  if (!Flush()) return traits_type::eof();
  if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
  return sputc(traits_type::to_char_type(c));
}

std::string WhyNotWritten(const std::ostream& standard_output) {
  const auto* const buffer = dynamic_cast<const DescriptorBuffer*>(standard_output.rdbuf());
  if (buffer == nullptr || buffer->failure() == 0) return "standard output cannot be written";
  return "standard output: " + std::generic_category().message(buffer->failure());
}

}  // namespace forkcast
