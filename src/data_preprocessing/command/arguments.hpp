#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/environment.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/command/flags.hpp"

namespace forkcast::preprocessing {

/// What a command was told: of each flag what the command line says, else its environment variable
/// (an empty one says nothing), else its default. Every value is one that the flag's row allows.
/// Asking for a flag that is not in the table is a programmer's error (std::out_of_range).
class Arguments {
 public:
  /// kInvalidArgument names the flag or the variable, the value, and what was expected; or which
  /// required flag is missing.
  static Result<Arguments> Read(const std::vector<Flag>& flags, GivenWords given,
                                const Environment& environment);

  /// Whether the command line or the environment says something of it; of a switch, whether it is
  /// on.
  [[nodiscard]] bool Has(std::string_view flag) const;
  /// Its value, the first of several; empty when it has none.
  [[nodiscard]] std::string Text(std::string_view flag) const;
  [[nodiscard]] const std::vector<std::string>& Texts(std::string_view flag) const;
  /// Of a flag whose values are numbers.
  [[nodiscard]] std::optional<std::uint64_t> Whole(std::string_view flag) const;
  [[nodiscard]] std::optional<double> Real(std::string_view flag) const;

  /// What belongs to no flag, in its order: as many as the command takes.
  [[nodiscard]] const std::vector<std::string>& operands() const noexcept {
    return given_.operands;
  }
  /// The command line alone, for a command that looks values up in its own way.
  [[nodiscard]] const FlagValues& given() const noexcept { return given_.flags; }

  /// That a value, fine by the table, will not do: "--url: ..." or "FORKCAST_URL: ...".
  [[nodiscard]] Error Refuse(std::string_view flag, const std::string& why) const;

 private:
  struct Value {
    std::vector<std::string> texts;
    std::string source{};  ///< "--url" or "FORKCAST_URL"; empty: the default, if there is one.
  };

  static Result<Value> Find(const Flag& flag, const FlagValues& given,
                            const Environment& environment);
  [[nodiscard]] const Value& ValueOf(std::string_view flag) const;

  GivenWords given_;
  std::map<std::string, Value, std::less<>> values_;
};

}  // namespace forkcast::preprocessing
