#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/environment.hpp"
#include "data_preprocessing/base/result.hpp"
#include "serving/capture/capture_message.hpp"
#include "serving/capture/capture_rules.hpp"

namespace forkcast::serving {

/// Takes fields out of what was captured, or puts hashes in their place, before anything is kept.
/// Names are found without regard to the case of letters, wherever a body has them: members of
/// JSON at any depth, columns of CSV, columns of a `dataframe_split`; and, where rows are arrays or
/// CSV has no header, by the order of the declared fields. A hash is HMAC-SHA256 (RFC 2104) of the
/// value's text in hexadecimal, so that equal values stay equal, also between JSON and CSV; what is
/// below a hashed member is hashed value by value, and a missing value stays missing.
/// Not thread-safe.
class FieldRedactor {
 public:
  /// Reads the key, if there is one. kInvalidArgument or kIo says why it will not do, without it.
  static Result<FieldRedactor> Make(const CaptureFieldRules& rules, const Environment& environment);
  FieldRedactor(FieldRedactor&&) noexcept;
  FieldRedactor& operator=(FieldRedactor&&) noexcept;
  ~FieldRedactor();

  /// Whether there is nothing to take out.
  [[nodiscard]] bool is_idle() const noexcept;

  /// Bodies without the fields, features likewise. A body that cannot be read to its end, so that
  /// nobody knows what is in it, becomes empty, and `withheld` says so; also an answer that is an
  /// error, whose text may quote what was sent, and whose rows' errors lose theirs. Texts of the
  /// result live until the next call, or as long as those of `message`.
  [[nodiscard]] CaptureMessage Redact(const CaptureMessage& message);

 private:
  struct State;
  explicit FieldRedactor(std::unique_ptr<State> state) noexcept;

  std::unique_ptr<State> state_;
};

}  // namespace forkcast::serving
