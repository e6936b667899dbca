#include "data_preprocessing/source/rejects.hpp"

#include <fmt/format.h>

#include <iterator>
#include <system_error>
#include <utility>

#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

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
  std::error_code ignored;  // what cannot be looked at cannot be written either
  const auto status = std::filesystem::status(path, ignored);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} is no ordinary file: rejected rows are written to one, which is "
                             "put in place when all are there",
                             path.string())};
  }
  try {
    return Rejects(path, limit);
  } catch (const std::system_error& error) {
    return CannotWrite(error);
  }
}

Rejects::Rejects(std::filesystem::path path, const RejectLimit& limit)
    : limit_(limit),
      out_(std::make_unique<AtomicFile>(std::move(path))),
      buffer_("file,line,reason,text\n") {}

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

Status Rejects::Commit() {
  try {
    WriteBuffer();
    out_->Commit();
    return {};
  } catch (const std::system_error& error) {
    return CannotWrite(error);
  }
}

}  // namespace forkcast::preprocessing
