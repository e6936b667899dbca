#include "model/tree/ubjson_reader.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

namespace forkcast::model {
namespace {

constexpr std::size_t kMostDepth = 64;

/// Thrown and caught in this file alone: a document may end at any of its bytes.
struct Malformed {
  std::string what;
};
/// The visitor has enough.
struct Stopped {};

class UbjsonReader {
 public:
  UbjsonReader(std::string_view bytes, nlohmann::json_sax<nlohmann::json>& visitor)
      : bytes_(bytes), visitor_(visitor) {}

  [[nodiscard]] std::size_t position() const noexcept { return at_; }

  void Read() {
    Value(Take());
    while (!open_.empty()) Next();
    if (at_ != bytes_.size()) throw Malformed{"expected the end"};
  }

 private:
  /// An array or object that has not ended.
  struct Container {
    bool is_object = false;
    bool has_count = false;  ///< Else a mark ends it.
    std::uint64_t left = 0;  ///< Elements to come, where they are counted.
  };

  static void Tell(bool goes_on) {
    if (!goes_on) throw Stopped{};
  }

  void Need(std::uint64_t count) const {
    if (count > bytes_.size() - at_) throw Malformed{"ends too soon"};
  }

  char Take() {
    Need(1);
    return bytes_[at_++];
  }

  /// A number as it is written: the first byte is the greatest.
  template <typename Number>
  Number TakeNumber() {
    using Bits = std::conditional_t<
        sizeof(Number) == 1, std::uint8_t,
        std::conditional_t<sizeof(Number) == 2, std::uint16_t,
                           std::conditional_t<sizeof(Number) == 4, std::uint32_t, std::uint64_t>>>;
    Need(sizeof(Number));
    Bits bits = 0;
    for (std::size_t i = 0; i < sizeof(Number); ++i) {
      bits = static_cast<Bits>((std::uint64_t{bits} << 8U) |
                               static_cast<std::uint8_t>(bytes_[at_ + i]));
    }
    at_ += sizeof(Number);
    return std::bit_cast<Number>(bits);
  }

  std::int64_t TakeInteger(char type) {
    switch (type) {
      case 'i':
        return TakeNumber<std::int8_t>();
      case 'U':
        return TakeNumber<std::uint8_t>();
      case 'I':
        return TakeNumber<std::int16_t>();
      case 'l':
        return TakeNumber<std::int32_t>();
      case 'L':
        return TakeNumber<std::int64_t>();
      default:
        throw Malformed{"expected an integer"};
    }
  }

  std::uint64_t TakeCount() {
    const std::int64_t count = TakeInteger(Take());
    if (count < 0) throw Malformed{"a size is negative"};
    return static_cast<std::uint64_t>(count);
  }

  std::string TakeText() {
    const std::uint64_t size = TakeCount();
    Need(size);
    std::string text(bytes_.substr(at_, size));
    at_ += size;
    return text;
  }

  void Number(char type) {
    static const std::string kNoText;
    if (type == 'd') {
      Tell(visitor_.number_float(double{TakeNumber<float>()}, kNoText));
    } else if (type == 'D') {
      Tell(visitor_.number_float(TakeNumber<double>(), kNoText));
    } else {
      Tell(visitor_.number_integer(TakeInteger(type)));
    }
  }

  void Value(char type) {
    std::string text;
    switch (type) {
      case '{':
        Open({.is_object = true});
        Tell(visitor_.start_object(static_cast<std::size_t>(-1)));
        return;
      case '[':
        Array();
        return;
      case 'S':
        text = TakeText();
        Tell(visitor_.string(text));
        return;
      case 'T':
      case 'F':
        Tell(visitor_.boolean(type == 'T'));
        return;
      case 'Z':
        Tell(visitor_.null());
        return;
      default:
        Number(type);
    }
  }

  void Open(Container container) {
    if (open_.size() == kMostDepth) throw Malformed{"nested too deep"};
    open_.push_back(container);
  }

  void Array() {
    Container array;
    char type = 0;
    if (Peek() == '$') {
      ++at_;
      type = Take();
      if (Peek() != '#') throw Malformed{"expected the size of an array with a type"};
    }
    if (Peek() == '#') {
      ++at_;
      array = {.is_object = false, .has_count = true, .left = TakeCount()};
    }
    Open(array);
    Tell(visitor_.start_array(static_cast<std::size_t>(-1)));
    if (type == 0) return;
    // Every type that Number() takes has bytes, so that a wrong count ends with them.
    for (; open_.back().left > 0; --open_.back().left) Number(type);
  }

  [[nodiscard]] char Peek() const {
    Need(1);
    return bytes_[at_];
  }

  /// The next element of the innermost container, or its end.
  void Next() {
    Container& innermost = open_.back();
    if (innermost.has_count ? innermost.left == 0 : Peek() == (innermost.is_object ? '}' : ']')) {
      if (!innermost.has_count) ++at_;
      const bool was_object = innermost.is_object;
      open_.pop_back();
      Tell(was_object ? visitor_.end_object() : visitor_.end_array());
      return;
    }
    if (innermost.has_count) --innermost.left;
    if (innermost.is_object) {
      std::string name = TakeText();
      Tell(visitor_.key(name));
    }
    Value(Take());
  }

  std::string_view bytes_;
  nlohmann::json_sax<nlohmann::json>& visitor_;
  std::size_t at_ = 0;
  std::vector<Container> open_;
};

}  // namespace

Status ReadUbjson(std::string_view bytes, nlohmann::json_sax<nlohmann::json>& visitor) {
  UbjsonReader reader(bytes, visitor);
  try {
    reader.Read();
  } catch (const Malformed& malformed) {
    return Error{ErrorCode::kCorrupt,
                 fmt::format("byte {}: {}", reader.position(), malformed.what)};
  } catch (const Stopped&) {
    return {};
  }
  return {};
}

}  // namespace forkcast::model
