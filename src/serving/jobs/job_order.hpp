#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "serving/jobs/job.hpp"

namespace forkcast::serving {

/// Something that may be said of a job beside what every one has, as a row of a table.
struct JobOption {
  enum class Type : std::uint8_t { kText, kWhole, kSwitch };

  JobKind kind = JobKind::kTrain;
  std::string_view name;
  std::string_view flag;  ///< That of the command.
  Type type = Type::kText;
  bool is_required = false;
  std::string_view meaning;
};
/// All of them, by kind.
[[nodiscard]] std::span<const JobOption> JobOptions() noexcept;

/// Whether jobs of this kind can be of one key.
[[nodiscard]] constexpr bool HasKey(JobKind kind) noexcept { return kind == JobKind::kTrain; }

/// That a text may be the key of a request, by which the same one is known again; empty: none.
/// kInvalidArgument. Every kind of store tells such texts apart.
[[nodiscard]] Status CheckRequestKey(std::string_view key);

/// Reads `{"kind": ..., "deployment": ..., "key": {...}, OPTION: ...}`. kMalformed when it is no
/// JSON object, kInvalidArgument with the field that is wrong, missing or not known. Whether there
/// is such a deployment or key is not looked at.
[[nodiscard]] Result<JobOrder> ReadJobOrder(std::string_view body);

}  // namespace forkcast::serving
