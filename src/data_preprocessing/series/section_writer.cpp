#include "data_preprocessing/series/section_writer.hpp"

#include "data_preprocessing/base/mapped_file.hpp"

namespace forkcast::preprocessing {
namespace {

using snapshot_format::Header;
using snapshot_format::Section;

constexpr std::size_t kBufferBytes = std::size_t{1} << 18;

}  // namespace

SectionWriter::SectionWriter(AtomicFile& file, std::size_t section_count) : file_(file) {
  sections_.reserve(section_count);
  buffer_.reserve(kBufferBytes);
  end_ = sizeof(Header) + section_count * sizeof(Section);
  buffer_.resize(end_);  // filled in by Finish()
}

void SectionWriter::Begin() {
  const std::uint64_t aligned = (end_ + snapshot_format::kAlignment - 1) /
                                snapshot_format::kAlignment * snapshot_format::kAlignment;
  buffer_.resize(buffer_.size() + (aligned - end_));
  end_ = aligned;
  sections_.push_back({.offset = aligned, .size = 0});
}

void SectionWriter::Write(std::span<const std::byte> bytes) {
  end_ += bytes.size();
  if (bytes.size() > kBufferBytes) {
    Flush();
    file_.Write(bytes);
    return;
  }
  if (buffer_.size() + bytes.size() > kBufferBytes) Flush();
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

void SectionWriter::End() { sections_.back().size = end_ - sections_.back().offset; }

void SectionWriter::Flush() {
  file_.Write(buffer_);
  buffer_.clear();
}

void SectionWriter::Finish(Header header) {
  Flush();
  header.file_size = end_;
  file_.WriteAt(0, std::as_bytes(std::span(&header, 1)));
  file_.WriteAt(sizeof header, std::as_bytes(std::span(sections_)));
  header.checksum = snapshot_format::ChecksumOf(MappedFile(file_.temporary_path()));
  file_.WriteAt(0, std::as_bytes(std::span(&header, 1)));
}

}  // namespace forkcast::preprocessing
