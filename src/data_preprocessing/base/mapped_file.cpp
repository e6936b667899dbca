#include "data_preprocessing/base/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <system_error>
#include <utility>

#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/base/system_error.hpp"

namespace forkcast {
namespace {

void Unmap(std::span<const std::byte> bytes) noexcept {
  if (!bytes.empty()) ::munmap(const_cast<std::byte*>(bytes.data()), bytes.size());
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) ThrowErrno(path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) ThrowErrno(path);
  if (!S_ISREG(info.st_mode)) {
    throw std::system_error(EINVAL, std::generic_category(), path.string() + ": not a file");
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size == 0) return;
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (address == MAP_FAILED) ThrowErrno(path);
  bytes_ = {static_cast<const std::byte*>(address), size};
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    Unmap(bytes_);
    bytes_ = std::exchange(other.bytes_, {});
  }
  return *this;
}

MappedFile::~MappedFile() { Unmap(bytes_); }

void MappedFile::DropPages(std::span<const std::byte> part) const noexcept {
  if (part.empty()) return;
  static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto from_page = static_cast<std::size_t>(part.data() - bytes_.data()) % page;
  ::madvise(const_cast<std::byte*>(part.data()) - from_page, part.size() + from_page,
            MADV_DONTNEED);
}

}  // namespace forkcast
