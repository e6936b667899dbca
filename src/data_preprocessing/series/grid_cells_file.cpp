#include "data_preprocessing/series/grid_cells_file.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <new>
#include <span>
#include <string>
#include <system_error>
#include <type_traits>

#include "data_preprocessing/base/mapped_file.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr std::array<char, 8> kMagic{'F', 'K', 'C', 'E', 'L', 'L', '\r', '\n'};
constexpr std::uint64_t kVersion = 1;

struct Header {
  std::array<char, 8> magic = kMagic;
  std::uint64_t version = kVersion;
  std::uint64_t checksum = 0;  // of all behind the header
  std::uint64_t row_count = 0;
  RowsBehind behind;
};
static_assert(sizeof(Header) == 64);
static_assert(sizeof(PeriodRows) == 72);

/// Bytes to the next multiple of 8.
constexpr std::size_t PaddingOf(std::size_t bytes) noexcept { return (8 - bytes % 8) % 8; }

/// Writes arrays, each behind its size in bytes, and hashes them.
class ArrayWriter {
 public:
  explicit ArrayWriter(AtomicFile& file) : file_(file), hash_(XXH3_createState()) {
    if (hash_ == nullptr) throw std::bad_alloc();
    XXH3_64bits_reset(hash_.get());
  }

  template <typename Array>
  void operator()(const Array& array) {
    const std::span<const std::byte> bytes = std::as_bytes(std::span(array.data(), array.size()));
    const std::uint64_t size = bytes.size();
    constexpr std::array<std::byte, 8> kZeros{};
    Write(std::as_bytes(std::span(&size, 1)));
    Write(bytes);
    Write(std::span(kZeros).first(PaddingOf(bytes.size())));
  }
  [[nodiscard]] std::uint64_t checksum() const { return XXH3_64bits_digest(hash_.get()); }

 private:
  struct Free {
    void operator()(XXH3_state_t* state) const noexcept { XXH3_freeState(state); }
  };

  void Write(std::span<const std::byte> bytes) {
    if (bytes.empty()) return;
    XXH3_64bits_update(hash_.get(), bytes.data(), bytes.size());
    file_.Write(bytes);
  }

  AtomicFile& file_;
  std::unique_ptr<XXH3_state_t, Free> hash_;
};

/// Reads them back, as long as they fit.
class ArrayReader {
 public:
  explicit ArrayReader(std::span<const std::byte> bytes) : left_(bytes) {}

  template <typename Array>
  void operator()(Array& array) {
    using Element = typename Array::value_type;
    static_assert(std::is_trivially_copyable_v<Element>);
    std::uint64_t size = 0;
    if (left_.size() < sizeof size) return Fail();
    std::memcpy(&size, left_.data(), sizeof size);
    left_ = left_.subspan(sizeof size);
    if (size > left_.size() || size % sizeof(Element) != 0) return Fail();
    array.resize(size / sizeof(Element));
    if (size > 0) std::memcpy(array.data(), left_.data(), size);
    left_ = left_.subspan(size);
    if (PaddingOf(size) > left_.size()) return Fail();
    left_ = left_.subspan(PaddingOf(size));
  }
  /// All was read, and there was enough.
  [[nodiscard]] bool is_done() const noexcept { return fits_ && left_.empty(); }

 private:
  void Fail() noexcept {
    fits_ = false;
    left_ = {};
  }

  std::span<const std::byte> left_;
  bool fits_ = true;
};

}  // namespace

WrittenCells WriteCells(const std::filesystem::path& path, std::string_view definition,
                        const GridCells& cells) {
  auto file = std::make_unique<AtomicFile>(path);
  Header header{.row_count = cells.row_count, .behind = cells.behind};
  file->Write(std::as_bytes(std::span(&header, 1)));
  ArrayWriter writer(*file);
  writer(definition);
  GridCells::VisitArrays(cells, [&writer](const auto& array) { writer(array); });
  header.checksum = writer.checksum();
  file->WriteAt(0, std::as_bytes(std::span(&header, 1)));
  return {.file = std::move(file), .checksum = header.checksum};
}

Result<GridCells> ReadCells(const std::filesystem::path& path, std::string_view definition,
                            const SeriesSpec& spec, std::uint64_t checksum) {
  const auto corrupt = [&path](std::string_view what) {
    return Error{ErrorCode::kCorrupt, fmt::format("{}: {}", path.string(), what)};
  };
  try {
    const MappedFile file(path);
    Header header;
    if (file.bytes().size() < sizeof header) return corrupt("not a file of cells");
    std::memcpy(&header, file.bytes().data(), sizeof header);
    if (header.magic != kMagic || header.version != kVersion) {
      return corrupt("not a file of cells of this version");
    }
    const std::span<const std::byte> arrays = file.bytes().subspan(sizeof header);
    if (header.checksum != checksum ||
        XXH3_64bits(arrays.data(), arrays.size()) != header.checksum) {
      return corrupt("checksum mismatch: the file is damaged, or another one");
    }
    std::string written_for;
    GridCells cells(spec);
    cells.row_count = header.row_count;
    cells.behind = header.behind;
    ArrayReader reader(arrays);
    reader(written_for);
    GridCells::VisitArrays(cells, [&reader](auto& array) { reader(array); });
    if (!reader.is_done() || written_for != definition || !cells.IsConsistent()) {
      return corrupt("damaged, or of another definition");
    }
    return cells;
  } catch (const std::system_error& error) {
    return Error{ErrorCode::kIo, error.what()};
  }
}

}  // namespace forkcast::preprocessing
