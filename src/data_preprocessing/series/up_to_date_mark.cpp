#include "data_preprocessing/series/up_to_date_mark.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <system_error>

#include "data_preprocessing/base/atomic_file.hpp"
#include "data_preprocessing/base/fd.hpp"

namespace forkcast::preprocessing {
namespace {

/// The instant in microseconds, and it xor the checksum: what two writers or a reader between two
/// writes make of that is the mark of no publication.
using Words = std::array<std::uint64_t, 2>;

Error ErrnoOf(const std::filesystem::path& path) {
  return {ErrorCode::kIo, fmt::format("{}: {}", path.string(), std::strerror(errno))};
}

}  // namespace

std::shared_ptr<const UpToDateMark> UpToDateMark::Open(const std::filesystem::path& path) {
  try {
    MappedFile file(path);
    if (file.bytes().size() != sizeof(Words)) return nullptr;
    return std::shared_ptr<const UpToDateMark>(new UpToDateMark(std::move(file)));
  } catch (const std::system_error&) {
    return nullptr;  // data are as old as their newest row then
  }
}

Status UpToDateMark::Create(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) return {};
  try {
    constexpr Words kNothing{};
    AtomicFile file(path);
    file.Write(std::as_bytes(std::span(kNothing)));
    file.Commit();
  } catch (const std::system_error& error) {
    return Error{ErrorCode::kIo, error.what()};
  }
  return {};
}

Status UpToDateMark::Write(const std::filesystem::path& path, std::uint64_t checksum,
                           Instant instant) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.get() < 0) return ErrnoOf(path);
  const auto micros = static_cast<std::uint64_t>(ToMicros(instant));
  const Words words{micros, micros ^ checksum};
  // Not synced: it is of no more worth than the machine's memory.
  if (::pwrite(file.get(), words.data(), sizeof words, 0) != sizeof words) return ErrnoOf(path);
  return {};
}

std::optional<Instant> UpToDateMark::Of(std::uint64_t checksum) const noexcept {
  constexpr int kTries = 3;  // a write is over within some nanoseconds
  const auto* const words = reinterpret_cast<const std::uint64_t*>(file_.bytes().data());
  for (int i = 0; i < kTries; ++i) {
    const std::uint64_t micros = __atomic_load_n(words, __ATOMIC_RELAXED);
    const std::uint64_t mixed = __atomic_load_n(words + 1, __ATOMIC_RELAXED);
    if ((micros ^ mixed) == checksum) return FromMicros(static_cast<std::int64_t>(micros));
  }
  return std::nullopt;
}

}  // namespace forkcast::preprocessing
