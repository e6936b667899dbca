#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "model/learn/data_window.hpp"
#include "model/learn/parameter_search.hpp"

namespace forkcast::model {

/// The folder that the platform and a container share, as SageMaker lays it out:
///   input/config/*.json   what is asked for
///   input/data/CHANNEL/   the data
///   model/                where the model is to be put
///   output/failure        why there is none; output/data/: what else was made
struct ContainerFolder {
  std::filesystem::path base;

  [[nodiscard]] std::filesystem::path hyperparameters() const {
    return base / "input/config/hyperparameters.json";
  }
  [[nodiscard]] std::filesystem::path channels() const {
    return base / "input/config/inputdataconfig.json";
  }
  [[nodiscard]] std::filesystem::path resources() const {
    return base / "input/config/resourceconfig.json";
  }
  [[nodiscard]] std::filesystem::path data() const { return base / "input/data"; }
  [[nodiscard]] std::filesystem::path model() const { return base / "model"; }
  [[nodiscard]] std::filesystem::path output_data() const { return base / "output/data"; }
  [[nodiscard]] std::filesystem::path failure() const { return base / "output/failure"; }
};

/// The containers that were started for one job.
struct Hosts {
  std::string current;
  std::string first;
  std::size_t count = 1;

  /// Each would train the same model, so one of them is enough.
  [[nodiscard]] bool trains() const noexcept { return current == first; }
};

/// A folder of the data, which the platform filled.
struct Channel {
  std::string name;
  std::filesystem::path folder;
};

/// What is to be trained, and from what.
struct ContainerRequest {
  std::string pipeline;     ///< As it was given; empty: not.
  Assignment parameters{};  ///< For WithParameters(), by name.
  DataWindow window{};
  std::optional<std::uint32_t> seed{};  ///< In place of the pipeline's, as the next.
  std::optional<unsigned> threads{};
  bool force_promote = false;
  std::vector<Channel> channels;  ///< By name; at least one.
};

/// Whether it is called so that a listing hides it (".ipynb_checkpoints", "._part-0.csv"): what
/// tools leave beside files that people put there.
[[nodiscard]] bool IsHidden(const std::filesystem::path& path);

/// resourceconfig.json; one host where there is no such file. Throws SpecError naming file and
/// path.
[[nodiscard]] Hosts ReadHosts(const ContainerFolder& folder);

/// hyperparameters.json and inputdataconfig.json (without it every folder of the data is a
/// channel, unless it is hidden). Hyperparameters that begin with "sagemaker_" or, of a tuning job,
/// with "_tuning_" are the platform's own and left out. A number without a fraction is an integer.
/// Throws SpecError naming file and path: also for a channel that is not there, that is piped, that
/// holds no plain files, or of which each of several hosts has a part only.
[[nodiscard]] ContainerRequest ReadContainerRequest(const ContainerFolder& folder,
                                                    const Hosts& hosts);

}  // namespace forkcast::model
