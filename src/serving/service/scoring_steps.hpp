#pragma once

#include <memory>
#include <string>
#include <vector>

#include "serving/service/output_counters.hpp"
#include "serving/service/scorer.hpp"
#include "serving/service/served_pipeline.hpp"
#include "serving/wire/answer_writer.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::serving {

/// The steps that the rows of a request to one deployment go through, with the scratch memory of
/// each, for one request at a time. They refer to the pipeline, and keep it.
struct ScoringSteps {
  ScoringSteps(std::shared_ptr<const ServedPipeline> its_pipeline, wire::DecoderLimits limits)
      : pipeline(std::move(its_pipeline)),
        decoder(pipeline->fields(), pipeline->spec().zone, limits, pipeline->spec().request.csv),
        decoded(pipeline->fields()),
        scorer(pipeline->MakeScorer()),
        writer(pipeline->answer().schema),
        counters(pipeline->answer().metrics) {
    if (const auto field = pipeline->assume_field()) decoder.TakeObjects(*field);
    for (const AnswerOutput& output : pipeline->answer().outputs) {
      output_names.push_back(output.name);
    }
  }

  std::shared_ptr<const ServedPipeline> pipeline;
  wire::RequestDecoder decoder;
  wire::DecodedRequest decoded;
  std::unique_ptr<Scorer> scorer;
  Scores scores;
  std::vector<std::string> output_names;  // of the scores
  wire::AnswerWriter writer;
  OutputCounters counters;
};

}  // namespace forkcast::serving
