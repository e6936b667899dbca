#include "data_preprocessing/source/rejects.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr std::string_view kHeader = "file,line,reason,text\n";
constexpr std::size_t kBufferBytes = std::size_t{1} << 16;

Error CannotWrite(const std::system_error& error) {
  return {ErrorCode::kIo, fmt::format("rejects: {}", error.what())};
}

void AppendQuoted(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) out.append(c == '"' ? 2 : 1, c);
  out += '"';
}

}  // namespace

Result<RejectLimit> RejectLimit::Parse(std::string_view text) {
  const bool is_share = text.ends_with('%');
  const std::string_view number = is_share ? text.substr(0, text.size() - 1) : text;
  if (is_share) {
    const Result<double> percent = ParseDouble(number);
    if (percent && *percent >= 0 && *percent <= 100) return RejectLimit{.share = *percent / 100};
  } else {
    const Result<std::int64_t> rows = ParseInt64(number);
    if (rows && *rows >= 0) return RejectLimit{.rows = static_cast<std::size_t>(*rows)};
  }
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("expected a number of rows such as 100, or a share of them such as "
                           "0.5%, got \"{}\"",
                           text)};
}

Result<Rejects> Rejects::Open(const std::filesystem::path& path, const RejectLimit& limit) {
  return Make(path, limit, Kind::kFile);
}

Result<Rejects> Rejects::OpenLog(const std::filesystem::path& path, const RejectLimit& limit) {
  return Make(path, limit, Kind::kLog);
}

Result<Rejects> Rejects::Make(const std::filesystem::path& path, const RejectLimit& limit,
                              Kind kind) {
  std::error_code ignored;  // what cannot be looked at cannot be written either
  const auto status = std::filesystem::status(path, ignored);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} is no ordinary file: rejected rows are written to one, which is "
                             "put in place when all are there",
                             path.string())};
  }
  try {
    return Rejects(path, limit, kind);
  } catch (const std::system_error& error) {
    return CannotWrite(error);
  }
}

Rejects::Rejects(std::filesystem::path path, const RejectLimit& limit, Kind kind)
    : path_(std::move(path)),
      limit_(limit),
      kind_(kind),
      out_(std::make_unique<AtomicFile>(path_)),
      buffer_(kind == Kind::kFile ? kHeader : "") {}

Status Rejects::Add(std::string_view file, const RejectedRecord& row) {
  if (count_++ == 0) first_ = fmt::format("{}: {}", file, row.reason);
  if (limit_.rows && count_ > *limit_.rows) return TooMany(fmt::format("{}", *limit_.rows));
  AppendQuoted(file, buffer_);
  fmt::format_to(std::back_inserter(buffer_), ",{},", row.line);
  AppendQuoted(row.reason, buffer_);
  buffer_ += ',';
  AppendQuoted(row.text, buffer_);
  buffer_ += '\n';
  if (buffer_.size() < kBufferBytes) return {};
  try {
    WriteBuffer();
    return {};
  } catch (const std::system_error& error) {
    return CannotWrite(error);
  }
}

Status Rejects::CheckShare(std::size_t rows) const {
  if (limit_.rows || static_cast<double>(count_) <= limit_.share * static_cast<double>(rows)) {
    return {};
  }
  return TooMany(fmt::format("{}% of {}", limit_.share * 100, rows));
}

Error Rejects::TooMany(std::string_view limit) const {
  return {ErrorCode::kRefusedData,
          fmt::format("{} rows were rejected, more than {} (--max-rejects); nothing was taken. The "
                      "first: {}",
                      count_, limit, first_)};
}

void Rejects::WriteBuffer() {
  out_->Write(buffer_);
  buffer_.clear();
}

void Rejects::AppendToLog() {
  const auto check = [this](bool good) {
    if (!good) throw std::system_error(errno, std::generic_category(), path_.string());
  };
  const auto open = [&] {
    Fd log(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    check(static_cast<bool>(log) && ::flock(log.get(), LOCK_EX) == 0);
    return log;
  };
  const std::uintmax_t added = std::filesystem::file_size(out_->temporary_path());
  Fd log = open();
  std::uintmax_t size = std::filesystem::file_size(path_);
  if (size > 0 && size + added > kMaxLogBytes) {
    std::filesystem::rename(path_, path_.string() + ".1");
    log = open();
    size = 0;
  }
  std::ifstream rows(out_->temporary_path(), std::ios::binary);
  std::string piece(size == 0 ? kHeader : "");
  while (true) {
    for (std::string_view rest = piece; !rest.empty();) {
      const ssize_t written = ::write(log.get(), rest.data(), rest.size());
      check(written >= 0 || errno == EINTR);
      rest.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    }
    piece.resize(kBufferBytes);
    rows.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    piece.resize(static_cast<std::size_t>(rows.gcount()));
    if (piece.empty()) break;
  }
  check(::fsync(log.get()) == 0);
}

Status Rejects::Commit() {
  try {
    WriteBuffer();
    if (kind_ == Kind::kFile) {
      out_->Commit();
    } else if (count_ > 0) {
      AppendToLog();
    }
    return {};
  } catch (const std::system_error& error) {
    return CannotWrite(error);
  }
}

}  // namespace forkcast::preprocessing
