#include "client/progress.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace forkcast::client {

std::string DescribeProgress(std::size_t done, std::optional<std::size_t> total,
                             std::chrono::nanoseconds elapsed) {
  const double seconds = std::chrono::duration<double>(elapsed).count();
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  if (!total) return fmt::format("{} rows  {:.0f} rows/s", done, rate);
  const std::size_t percent = *total == 0 ? 100 : done * 100 / *total;
  std::string text = fmt::format("{} %  {} of {} rows  {:.0f} rows/s", percent, done, *total, rate);
  if (rate > 0 && done < *total) {
    const auto left = static_cast<std::size_t>(static_cast<double>(*total - done) / rate + 0.5);
    if (left >= 3600) {
      text += fmt::format("  {}:{:02}:{:02} left", left / 3600, left / 60 % 60, left % 60);
    } else {
      text += fmt::format("  {}:{:02} left", left / 60, left % 60);
    }
  }
  return text;
}

void Progress::Update(std::size_t done, std::chrono::nanoseconds elapsed) {
  switch (style_) {
    case Style::kNone:
      return;
    case Style::kBar: {
      constexpr std::chrono::milliseconds kRedraw{100};
      if (drawn_at_ && elapsed - *drawn_at_ < kRedraw) return;
      drawn_at_ = elapsed;
      constexpr std::size_t kWidth = 24;
      std::string bar;
      if (total_ && *total_ > 0) {
        const std::size_t filled = std::min(kWidth, done * kWidth / *total_);
        bar = "[" + std::string(filled, '#') + std::string(kWidth - filled, '.') + "] ";
      }
      out_ << "\r\x1b[K" << bar << DescribeProgress(done, total_, elapsed) << std::flush;
      return;
    }
    case Style::kLines: {
      constexpr std::size_t kRowsAStep = 100'000;
      const std::size_t step =
          !total_ ? done / kRowsAStep : (*total_ == 0 ? 0 : done * 10 / *total_);
      if (step <= steps_shown_) return;
      steps_shown_ = step;
      out_ << DescribeProgress(done, total_, elapsed) << '\n' << std::flush;
      return;
    }
  }
}

void Progress::Finish() {
  if (drawn_at_) out_ << "\r\x1b[K" << std::flush;
  drawn_at_.reset();
}

}  // namespace forkcast::client
