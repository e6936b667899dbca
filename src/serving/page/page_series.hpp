#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "serving/service/served_pipeline.hpp"

// What the page shows of deployments and of the data that they answer from: JSON, made of what
// workers have in memory anyway. Anything here may be called on any thread.
namespace forkcast::serving {

/// A deployment as whoever describes it needs it.
struct PageDeployment {
  std::string name;
  std::shared_ptr<const ServedPipeline> pipeline;
};

/// Who answers: members of every description.
struct PageServer {
  std::size_t worker = 0;
  std::string host;  ///< The machine's or container's name.
};

/// `{"version", "host", "worker", "deployments": [...]}`: what each is asked and answers, and of a
/// forecast its key, its period, its newest period and its bands.
[[nodiscard]] std::string DescribeDeployments(const std::vector<PageDeployment>& deployments,
                                              const PageServer& server);

/// Which keys are asked for.
struct KeyQuestion {
  static constexpr std::size_t kMost = 20'000;

  std::string field{};   ///< Of the request; empty: the key of the forecast.
  std::string search{};  ///< Within any of its values, whatever its case.
  std::size_t limit = 2000;
};
/// `{"fields", "keys": [[...]], "matching", "total"}`, in the order of their values, numbers by
/// size. kNotFound: no series has keys of that field alone, or there is no forecast.
[[nodiscard]] Result<std::string> ListKeys(const ServedPipeline& pipeline,
                                           const KeyQuestion& question);

/// Which part of a key's past is asked for.
struct HistoryQuestion {
  static constexpr std::size_t kMostPoints = 8000;

  std::string key{};    ///< A JSON array: a value for each field of the forecast's key.
  std::string value{};  ///< A value of its series; empty: what is forecast.
  /// Milliseconds since 1970 of the instants as which answers write periods; those that begin
  /// within. None: from the first one on, to the last.
  std::optional<double> from{};
  std::optional<double> to{};
  std::size_t points = 2000;  ///< At most so many are answered.
};
/// `{"value", "values", "period", "first", "last", "periods", "decimated", "t": [...], "y":
/// [...]}`: where there are more periods than points, the least and the greatest of each of as many
/// parts of equal length, so that no peak is lost. `t` is as in the question. kNotFound for a key
/// that is not there, kInvalidArgument for what is none.
[[nodiscard]] Result<std::string> DescribeHistory(const ServedPipeline& pipeline,
                                                  const HistoryQuestion& question);

}  // namespace forkcast::serving
