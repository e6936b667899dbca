#include "data_preprocessing/document/json_place.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::preprocessing {
namespace {

/// An object or array around the place where the search is. Only those that lie on the path of the
/// message are told apart, so that the search takes no more memory than the text is deep.
struct Around {
  bool is_object = false;
  bool is_on_path = false;
  std::size_t matched = 0;  ///< So many characters of the message are the path to it.
  std::size_t element = 0;  ///< Of an array: the number of the one that comes.
  bool awaits_name = false;
};

class PlaceSearch {
 public:
  PlaceSearch(std::string_view text, std::string_view message) : text_(text), message_(message) {}

  std::size_t Run() {
    if (!message_.starts_with('$')) return 0;
    next_matched_ = 1;
    next_is_on_path_ = true;
    while (at_ < text_.size()) Step();
    return found_;
  }

 private:
  void Step() {
    const char c = text_[at_];
    if (c == '{' || c == '[') {
      BeginValue();
      around_.push_back({.is_object = c == '{',
                         .is_on_path = next_is_on_path_,
                         .matched = next_matched_,
                         .awaits_name = c == '{'});
      ++at_;
    } else if (c == '}' || c == ']') {
      if (!around_.empty()) around_.pop_back();
      ++at_;
    } else if (c == ',') {
      if (!around_.empty()) {
        ++around_.back().element;
        around_.back().awaits_name = around_.back().is_object;
      }
      ++at_;
    } else if (c == '"') {
      ReadText();
    } else if (c == ':' || c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      ++at_;
    } else {
      BeginValue();
      at_ = std::min(text_.find_first_of(",]} \t\r\n", at_), text_.size());
    }
  }

  void ReadText() {
    const std::size_t begin = at_++;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    at_ = std::min(at_ + 1, text_.size());
    if (around_.empty() || !around_.back().awaits_name) {
      BeginValue(begin);
      return;
    }
    around_.back().awaits_name = false;
    const auto name = nlohmann::json::parse(text_.substr(begin, at_ - begin), nullptr,
                                            /*allow_exceptions=*/false);
    Enter(name.is_string() ? "." + name.get<std::string>() : std::string(), begin);
  }

  /// An element of an array is found here; a member was by its name.
  void BeginValue() { BeginValue(at_); }
  void BeginValue(std::size_t begin) {
    if (around_.empty() || around_.back().is_object) return;
    Enter("[" + std::to_string(around_.back().element) + "]", begin);
  }

  /// What comes next is the value at `segment` of what is around.
  void Enter(const std::string& segment, std::size_t begin) {
    const Around& around = around_.back();
    const std::string_view rest = message_.substr(std::min(around.matched, message_.size()));
    next_matched_ = around.matched + segment.size();
    const char behind = next_matched_ < message_.size() ? message_[next_matched_] : ':';
    next_is_on_path_ = around.is_on_path && !segment.empty() && rest.starts_with(segment) &&
                       (behind == ':' || behind == '.' || behind == '[');
    if (!next_is_on_path_ || next_matched_ <= longest_) return;
    longest_ = next_matched_;
    found_ = begin;
  }

  std::string_view text_;
  std::string_view message_;
  std::size_t at_ = 0;
  std::vector<Around> around_;
  std::size_t next_matched_ = 0;  ///< Of the value that comes next.
  bool next_is_on_path_ = false;
  std::size_t longest_ = 0;
  std::size_t found_ = 0;
};

}  // namespace

TextPlace PlaceOf(std::string_view text, std::string_view message) {
  const std::string_view before = text.substr(0, PlaceSearch(text, message).Run());
  const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return {.line = static_cast<std::size_t>(std::ranges::count(before, '\n')) + 1,
          .column = before.size() - line_begin + 1};
}

}  // namespace forkcast::preprocessing
