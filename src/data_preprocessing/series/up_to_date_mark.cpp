#include "data_preprocessing/series/up_to_date_mark.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <span>
#include <system_error>

#include "data_preprocessing/base/atomic_file.hpp"
#include "data_preprocessing/base/fd.hpp"

namespace forkcast::preprocessing {
namespace {

/// The instant in microseconds, and it xor the checksum: what two writers or a reader between two
/// writes make of that is the mark of no publication.
struct Words {
  std::uint64_t micros = 0;
  std::uint64_t mixed = 0;

  [[nodiscard]] bool AreOf(std::uint64_t checksum) const noexcept {
    return (micros ^ mixed) == checksum;
  }
  [[nodiscard]] bool AreNone() const noexcept { return (micros | mixed) == 0; }
};

/// Of the newest publication first. A reader has loaded a new one a moment after it was marked, and
/// goes on by what was found of its own until then.
using Marks = std::array<Words, 4>;

Error ErrnoOf(const std::filesystem::path& path) {
  return {ErrorCode::kIo, fmt::format("{}: {}", path.string(), std::strerror(errno))};
}

}  // namespace

std::shared_ptr<const UpToDateMark> UpToDateMark::Open(const std::filesystem::path& path) {
  try {
    MappedFile file(path);
    // An earlier release has made it for one.
    if (file.bytes().size() != sizeof(Marks) && file.bytes().size() != sizeof(Words)) {
      return nullptr;
    }
    return std::shared_ptr<const UpToDateMark>(new UpToDateMark(std::move(file)));
  } catch (const std::system_error&) {
    return nullptr;  // data are as old as their newest row then
  }
}

Status UpToDateMark::Create(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) return {};
  try {
    constexpr Marks kNothing{};
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
  const Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (file.get() < 0) return ErrnoOf(path);
  Marks marks{};
  if (::pread(file.get(), marks.data(), sizeof marks, 0) < 0) return ErrnoOf(path);
  // Not synced: it is of no more worth than the machine's memory.
  if (!marks.front().AreOf(checksum)) {
    constexpr std::size_t kBehind = sizeof(Marks) - sizeof(Words);
    if (::pwrite(file.get(), marks.data(), kBehind, sizeof(Words)) != ssize_t{kBehind}) {
      return ErrnoOf(path);
    }
  }
  const auto micros = static_cast<std::uint64_t>(ToMicros(instant));
  const Words words{.micros = micros, .mixed = micros ^ checksum};
  if (::pwrite(file.get(), &words, sizeof words, 0) != ssize_t{sizeof words}) return ErrnoOf(path);
  return {};
}

std::optional<Instant> UpToDateMark::Of(std::uint64_t checksum) const noexcept {
  constexpr int kTries = 3;  // a write is over within some nanoseconds
  const auto* const marks = reinterpret_cast<const Words*>(file_.bytes().data());
  const std::size_t count = file_.bytes().size() / sizeof(Words);
  for (int i = 0; i < kTries; ++i) {
    for (std::size_t mark = 0; mark < count; ++mark) {
      const Words words{.micros = __atomic_load_n(&marks[mark].micros, __ATOMIC_RELAXED),
                        .mixed = __atomic_load_n(&marks[mark].mixed, __ATOMIC_RELAXED)};
      if (words.AreNone()) break;  // nor are there any behind it
      if (words.AreOf(checksum)) return FromMicros(static_cast<std::int64_t>(words.micros));
    }
  }
  return std::nullopt;
}

}  // namespace forkcast::preprocessing
