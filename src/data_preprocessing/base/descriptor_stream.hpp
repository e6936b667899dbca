#pragma once

#include <array>
#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

namespace forkcast {

/// Writes everything to a descriptor; 0, or the errno that prevented it.
[[nodiscard]] int WriteAll(int fd, std::string_view text) noexcept;

/// What a stream writes to a descriptor, through a buffer. Unlike std::cout's it remembers why
/// something could not be written.
class DescriptorBuffer final : public std::streambuf {
 public:
  /// The descriptor stays the caller's.
  explicit DescriptorBuffer(int fd) noexcept;
  DescriptorBuffer(const DescriptorBuffer&) = delete;
  DescriptorBuffer& operator=(const DescriptorBuffer&) = delete;
  ~DescriptorBuffer() override { Flush(); }

  /// The errno of the first write that failed; 0: none has.
  [[nodiscard]] int failure() const noexcept { return failure_; }

 protected:
  int_type overflow(int_type c) override;
  int sync() override { return Flush() ? 0 : -1; }

 private:
  bool Flush() noexcept;

  int fd_;
  int failure_ = 0;
  std::array<char, 8192> buffer_{};
};

/// "standard output: No space left on device", of a stream that failed; without the reason when the
/// stream does not know it.
[[nodiscard]] std::string WhyNotWritten(const std::ostream& standard_output);

}  // namespace forkcast
