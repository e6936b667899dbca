#include "serving/endpoints/open_api.hpp"

#include <string>
#include <utility>
#include <vector>

#include "serving/service/example_row.hpp"
#include "serving/service/route_subject.hpp"
#include "serving/web/documentation.hpp"
#include "serving/web/open_api.hpp"
#include "serving/wire/answer_writer.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using preprocessing::ColumnSpec;
using preprocessing::ColumnType;

constexpr std::string_view kHtml = "text/html; charset=utf-8";

/// The members of answered rows by the plan, whose parts stand in the order of fields and lines.
ColumnSpec MemberOf(const ServedPipeline& pipeline, std::size_t part, const std::string& name) {
  const AnswerPart& from = pipeline.answer().parts[part];
  ColumnSpec member{.name = name, .type = ColumnType::kText, .nullable = true};
  if (from.from == AnswerPart::From::kRequest) {
    member.type = pipeline.fields().columns[from.column].type;
  } else if (from.from == AnswerPart::From::kModel) {
    member.type = pipeline.answer().outputs[from.column].type;
  }
  return member;
}

JsonSchema PartSchema(const wire::PredictedPart& part, const preprocessing::Schema& answer) {
  const preprocessing::ColumnType type = part.is_integer ? preprocessing::ColumnType::kInt64
                                                         : answer.columns[part.fields.front()].type;
  JsonSchema value = SchemaOf(type, Nullable::kYes);
  if (part.form == wire::PredictedPart::Form::kValue) return value;
  if (part.form == wire::PredictedPart::Form::kList) return ArrayOf(std::move(value));
  return {{"type", "object"}, {"additionalProperties", std::move(value)}};
}

/// Null where rows are objects of the answer's fields.
JsonSchema PredictionSchema(const std::vector<wire::PredictedPart>& parts,
                            const preprocessing::Schema& answer) {
  if (parts.empty()) return {};
  if (parts.front().name.empty()) return PartSchema(parts.front(), answer);
  JsonSchema row{{"type", "object"}};
  for (const wire::PredictedPart& part : parts) {
    row["properties"][part.name] = PartSchema(part, answer);
  }
  return row;
}

ApiDeployment Described(const ServedDeployment& deployment) {
  const ServedPipeline& pipeline = *deployment.pipeline;
  const wire::AnswerSchema& schema = pipeline.answer().schema;
  ApiDeployment described{
      .name = deployment.name, .subject = SubjectOf(pipeline), .steps_member = schema.list};
  if (const auto field = pipeline.assume_field()) {
    described.assume_field = pipeline.fields().columns[*field].name;
    described.assumable = pipeline.assumable();
  }
  std::size_t part = 0;
  for (const std::string& name : schema.fields) {
    described.answer.columns.push_back(MemberOf(pipeline, part++, name));
  }
  described.prediction = PredictionSchema(schema.predictions, described.answer);
  for (const auto* names : {&schema.line_fields, &schema.actuals}) {
    for (const std::string& name : *names) {
      described.steps.columns.push_back(MemberOf(pipeline, part++, name));
    }
  }
  for (const ExampleField& example : ExampleRow(pipeline.spec(), pipeline.snapshots())) {
    std::string json;
    wire::AppendJsonValue(preprocessing::ViewOf(example.value), json);
    described.example[example.field] = ordered_json::parse(json);
  }
  return described;
}

}  // namespace

void AnswerOpenApi(Exchange& exchange, Service& service) {
  const std::vector<Catalogue::Entry>& entries = service.catalogue.entries();
  if (!service.catalogue.is_ready()) return exchange.Refuse(Catalogue::NotReady());
  std::vector<ApiDeployment> deployments;
  deployments.reserve(entries.size());
  std::vector<ApiRoute> routes;
  for (const Catalogue::Entry& entry : entries) {
    deployments.push_back(Described(entry.deployment));
    for (const std::shared_ptr<const Route>& route : entry.deployment.routes) {
      routes.push_back({.route = route.get(), .deployment = &deployments.back()});
    }
  }
  exchange.response().content_type = wire::MediaType(wire::Format::kJson);
  exchange.response().body = DescribeApi(service.endpoints, routes, deployments, service.proofs);
}

void DescribeOpenApi(ApiOperation& operation) {
  operation.AddAnswer("200", "This document.", wire::MediaType(wire::Format::kJson),
                      {{"type", "object"}});
}

void AnswerDocumentation(Exchange& exchange, Service& /*service*/) {
  exchange.response().content_type = kHtml;
  exchange.response().body = DocumentationPage();
}

void DescribeDocumentation(ApiOperation& operation) {
  operation.AddAnswer("200", "The page.", "text/html", {{"type", "string"}});
}

}  // namespace forkcast::serving
