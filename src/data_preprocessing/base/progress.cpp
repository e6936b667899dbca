#include "data_preprocessing/base/progress.hpp"

#include <algorithm>

#include "data_preprocessing/base/text_table.hpp"

namespace forkcast {
namespace {

std::string TwoDigits(std::size_t number) {
  return (number < 10 ? "0" : "") + std::to_string(number);
}

/// "0:07", "12:30", "1:02:03".
std::string ClockText(std::size_t seconds) {
  std::string text;
  const std::size_t minutes = seconds / 60;
  if (minutes >= 60) text = std::to_string(minutes / 60) + ":" + TwoDigits(minutes % 60);
  if (minutes < 60) text = std::to_string(minutes);
  return text + ":" + TwoDigits(seconds % 60);
}

}  // namespace

std::string DescribeProgress(std::size_t done, std::optional<std::size_t> total,
                             std::chrono::nanoseconds elapsed, std::string_view unit) {
  const double seconds = std::chrono::duration<double>(elapsed).count();
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  const std::string named = " " + std::string(unit);
  const std::string speed =
      "  " + std::to_string(static_cast<std::size_t>(rate + 0.5)) + named + "/s";
  if (!total) return std::to_string(done) + named + speed;
  const std::size_t percent = *total == 0 ? 100 : done * 100 / *total;
  std::string text = std::to_string(percent) + " %  " + std::to_string(done) + " of " +
                     std::to_string(*total) + named + speed;
  if (rate > 0 && done < *total) {
    const double left = static_cast<double>(*total - done) / rate;
    text += "  " + ClockText(static_cast<std::size_t>(left + 0.5)) + " left";
  }
  return text;
}

bool Progress::IsDue(std::size_t done, std::chrono::nanoseconds elapsed) {
  constexpr std::chrono::milliseconds kRedraw{100};
  constexpr std::chrono::seconds kBetweenLines{1};
  constexpr std::size_t kUnitsAStep = 100'000;
  switch (style_) {
    case Style::kNone:
      return false;
    case Style::kBar:
      return !bar_visible_ || elapsed - shown_at_ >= kRedraw;
    case Style::kLines: {
      const std::size_t step =
          !total_ ? done / kUnitsAStep : (*total_ == 0 ? 0 : done * 10 / *total_);
      const bool at_end = total_ && done >= *total_;
      if (step <= steps_shown_ || (elapsed - shown_at_ < kBetweenLines && !at_end)) return false;
      steps_shown_ = step;
      return true;
    }
  }
  return false;
}

void Progress::Update(std::size_t done, std::chrono::nanoseconds elapsed) {
  if (!IsDue(done, elapsed)) return;
  shown_at_ = elapsed;
  const std::string text = DescribeProgress(done, total_, elapsed, unit_);
  bar_visible_ = style_ == Style::kBar;
  if (bar_visible_) {
    out_ << "\r\x1b[K" << BarLine(done, text) << std::flush;
  } else {
    out_ << (label_.empty() ? "" : label_ + ": ") << text << '\n' << std::flush;
  }
}

std::string Progress::BarLine(std::size_t done, const std::string& text) const {
  constexpr std::size_t kBarWidth = 24;
  // A terminal goes on to the next line behind its last column, and "\r" leads back to that alone.
  const std::size_t room = width_ == 0 ? std::string::npos : width_ - 1;
  const std::string label = label_.empty() ? "" : label_ + ": ";
  std::string bar;
  if (total_ && *total_ > 0) {
    const std::size_t filled = std::min(kBarWidth, done * kBarWidth / *total_);
    bar = "[" + std::string(filled, '#') + std::string(kBarWidth - filled, '.') + "] ";
  }
  if (DisplayWidth(label) + bar.size() + text.size() > room) bar.clear();
  if (DisplayWidth(label) + text.size() <= room) return label + bar + text;
  const std::size_t left = room - std::min(room, text.size() + 2);
  return Shortened(left == 0 ? text : Shortened(label_, left) + ": " + text, room);
}

void Progress::Finish() {
  if (bar_visible_) out_ << "\r\x1b[K" << std::flush;
  bar_visible_ = false;
}

}  // namespace forkcast
