#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/atomic_file.hpp"
#include "data_preprocessing/series/snapshot_format.hpp"

namespace forkcast::preprocessing {

/// Writes the sections of a snapshot one behind the other, aligned, and remembers where they are.
/// Throws std::system_error as AtomicFile does.
class SectionWriter {
 public:
  SectionWriter(AtomicFile& file, std::size_t section_count);

  /// A whole section.
  template <typename T>
  void Add(std::span<const T> elements) {
    Begin();
    Write(std::as_bytes(elements));
    End();
  }
  void Add(std::string_view text) { Add(std::span<const char>(text)); }
  void AddEmpty() { Add(std::string_view()); }
  /// A section of `count` elements, the i-th of which is `element(i)`; never in memory as a whole.
  template <typename Element>
  void AddEach(std::size_t count, const Element& element) {
    std::array<decltype(element(std::size_t{})), 512> some;
    Begin();
    for (std::size_t i = 0; i < count;) {
      std::size_t filled = 0;
      while (i < count && filled < some.size()) some[filled++] = element(i++);
      Write(std::as_bytes(std::span(some).first(filled)));
    }
    End();
  }

  /// A section in parts.
  void Begin();
  void Write(std::span<const std::byte> bytes);
  void End();

  /// Writes header and section table, then the checksum over all.
  void Finish(snapshot_format::Header header);

 private:
  void Flush();

  AtomicFile& file_;
  std::vector<snapshot_format::Section> sections_;
  std::vector<std::byte> buffer_;
  std::uint64_t end_ = 0;  // of what was written, buffered or not
};

}  // namespace forkcast::preprocessing
