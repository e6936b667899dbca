#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "serving/hooks/forkcast_hook.h"
#include "serving/hooks/hook.hpp"
#include "serving/hooks/hook_chain.hpp"

namespace forkcast::serving {

/// Values of many lines by column, as libraries see them. Kept from call to call, so that its
/// memory is.
class ForkcastColumns {
 public:
  /// Takes a table, or values in rows. Texts are views of what is given.
  void Take(const Invocation::Rows& rows);
  void Take(const Invocation::Values& values);
  /// Until the next Take().
  [[nodiscard]] forkcast_table table() const noexcept { return table_; }

 private:
  void Start(std::size_t columns, std::span<const std::size_t> row_numbers);
  void Put(std::size_t column, std::size_t line, const preprocessing::Value& value) noexcept;
  void Name(std::size_t column, std::string_view name) noexcept;

  std::vector<double> numbers_;       // by column, then line
  std::vector<forkcast_text> texts_;  // likewise
  std::vector<std::uint8_t> missing_;
  std::vector<forkcast_column> columns_;
  forkcast_table table_{};
};

/// `"type": "library"`: a hook of the user's own, in a shared library (forkcast_hook.h). Loaded by
/// the worker, behind the fork; before that a child of its own tries whether it can be.
class LibraryHook final : public Hook {
 public:
  struct Settings {
    std::filesystem::path path;
    std::map<std::string, std::string, std::less<>> settings;  ///< As texts.
  };
  /// Throws preprocessing::SpecError naming the JSON path.
  [[nodiscard]] static Settings ReadSettings(const preprocessing::JsonNode& node);
  /// Loads it in a child, so that one that crashes then is told like one that cannot be loaded.
  [[nodiscard]] static Status TryOut(const Settings& settings);

  /// Throws std::runtime_error naming the library and what is wrong.
  LibraryHook(Settings settings, const HookContext& context);
  LibraryHook(const LibraryHook&) = delete;
  LibraryHook& operator=(const LibraryHook&) = delete;
  ~LibraryHook() override;

  Verdict OnRows(const Invocation& invocation, Remarks& remarks) override;
  Verdict OnFeatures(const Invocation& invocation, Remarks& remarks) override;
  Verdict OnOutputs(const Invocation& invocation, Remarks& remarks) override;
  void OnAnswer(const Invocation& invocation) override;
  void OnTick(MonotonicTime now) override;
  void OnDrain() override;

 private:
  using Call = int (*)(void* state, const forkcast_invocation* invocation);
  static constexpr std::size_t kMaxCounters = 64;
  static constexpr std::size_t kMaxFlags = 256;

  /// What a library may say while it is called.
  static forkcast_host HostOf(LibraryHook* self) noexcept;
  /// Runs what a library asked for; nothing may throw through it.
  template <typename Action>
  static void Serve(void* self, const Action& action) noexcept;

  Verdict Ask(Call call, const Invocation& invocation, Remarks* remarks);
  [[nodiscard]] forkcast_invocation View(const Invocation& invocation);
  void Flag(std::size_t row, std::string_view flag);
  void RejectRow(std::size_t row, std::string_view field, std::string_view message);
  void CheckRow(std::size_t row) const;
  /// What went wrong in a call ends it here.
  void ThrowIfFailed(int code);
  void ReportCounters();

  Settings settings_;
  HookContext context_;
  forkcast_host host_;
  const forkcast_hook* library_ = nullptr;
  void* state_ = nullptr;
  ForkcastColumns fields_;
  ForkcastColumns features_;
  ForkcastColumns outputs_;
  // Of the call at hand.
  const Invocation* invocation_ = nullptr;
  Remarks* remarks_ = nullptr;
  Verdict verdict_ = Verdict::kGoOn;
  std::string fault_;

  std::set<std::string, std::less<>> flags_;  // all that it ever said, which remarks view
  struct Counter {
    std::uint64_t value = 0;  // in this process
    SeriesCounter series{};   // when there is a writer of series
  };
  Counter& CounterOf(std::string_view name);
  std::map<std::string, Counter, std::less<>> counters_;
  bool has_counted_ = false;
  LogLimiter limiter_;
  LogLimiter says_;
};

}  // namespace forkcast::serving
