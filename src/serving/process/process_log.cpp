#include "serving/process/process_log.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <cstdint>
#include <mutex>
#include <string_view>

#include "serving/process/log_output.hpp"

namespace forkcast::serving {
namespace {

/// Formats lines for a LogOutput, and tells of lines lost before the next that is taken.
class OutputSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit OutputSink(LogOutput& output) : output_(output) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (lost_ > 0) {
      const std::string text = fmt::format("log_lines_lost lines={}", lost_);
      spdlog::details::log_msg gap(message);
      gap.level = spdlog::level::warn;
      gap.payload = text;
      if (!Write(gap)) return void(++lost_);  // nor would the line itself be taken
      lost_ = 0;
    }
    if (!Write(message)) ++lost_;
  }
  void flush_() override {}

 private:
  bool Write(const spdlog::details::log_msg& message) {
    constexpr std::string_view kCut = "...\n";
    line_.clear();
    formatter_->format(message, line_);
    if (line_.size() > LogOutput::kMostBytes) {
      line_.resize(LogOutput::kMostBytes - kCut.size());
      line_.append(kCut.data(), kCut.data() + kCut.size());
    }
    return output_.Write({line_.data(), line_.size()});
  }

  LogOutput& output_;
  spdlog::memory_buf_t line_;
  std::uint64_t lost_ = 0;
};

}  // namespace

std::shared_ptr<spdlog::logger> MakeProcessLog(const std::string& role, const std::string& level,
                                               LogOutput& output) {
  auto log = std::make_shared<spdlog::logger>(role, std::make_shared<OutputSink>(output));
  log->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %n pid=%P %v", spdlog::pattern_time_type::utc);
  log->set_level(spdlog::level::from_str(level));
  return log;
}

}  // namespace forkcast::serving
