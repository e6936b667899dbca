#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "data_preprocessing/command/arguments.hpp"
#include "data_preprocessing/command/flags.hpp"
#include "data_preprocessing/kafka/kafka_url.hpp"
#include "data_preprocessing/pipeline/publish_series.hpp"
#include "data_preprocessing/source/ingest.hpp"
#include "data_preprocessing/source/rejects.hpp"

namespace forkcast::preprocessing {

/// `--file TABLE=PATH`.
struct GivenFile {
  std::string table;
  std::filesystem::path path;
};

struct IngestOptions {
  std::string pipeline;
  std::string store;
  std::string from;
  std::vector<GivenFile> files;     ///< Instead of what `from` has of their tables.
  std::vector<std::string> tables;  ///< Of `from`; empty: all of the pipeline.
  std::filesystem::path rejects;    ///< Empty: a wrong row is the end.
  RejectLimit max_rejects;
  std::filesystem::path constraints;  ///< Empty: none but the declared types.
  std::filesystem::path originals;    ///< To which pushed tables can be put back; empty: none.
  std::filesystem::path snapshots;
  IngestRules rules;
  Publishing publishing = Publishing::kNewRows;
  bool dry_run = false;
  bool follow = false;
  bool is_pushed_to = false;              ///< Whoever started it hands rows on.
  std::chrono::milliseconds every{1000};  ///< Between two looks, and two publications.

  [[nodiscard]] bool is_from_kafka() const noexcept { return from.starts_with(kKafkaScheme); }
};

/// Every flag of `forkcast ingest`.
[[nodiscard]] std::vector<Flag> IngestFlags();

enum class TakesPushes { kNo, kYes };

/// What they say, checked as far as it goes without opening anything. Throws Failure.
[[nodiscard]] IngestOptions ReadIngestOptions(const Arguments& arguments,
                                              TakesPushes pushes = TakesPushes::kNo);

}  // namespace forkcast::preprocessing
