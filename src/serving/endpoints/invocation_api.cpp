#include <string_view>
#include <utility>

#include "serving/endpoints/invocation_job.hpp"
#include "serving/web/api_operation.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;

/// Any of them; anything, where there are none.
JsonSchema OneOf(JsonSchema::array_t alternatives) {
  if (alternatives.empty()) return JsonSchema::object();
  return {{"anyOf", JsonSchema(std::move(alternatives))}};
}

/// `{"NAME": ...}`
JsonSchema Within(std::string_view name, JsonSchema what) {
  JsonSchema wrapped{{"type", "object"}, {"required", JsonSchema::array({name})}};
  wrapped["properties"][name] = std::move(what);
  return wrapped;
}

JsonSchema AskedRows(const JsonSchema& row) {
  const JsonSchema values = ArrayOf(JsonSchema::object());
  const JsonSchema rows = ArrayOf(OneOf({row, values}));
  JsonSchema split{{"type", "object"}, {"required", JsonSchema::array({"data"})}};
  split["properties"]["columns"] = ArrayOf({{"type", "string"}});
  split["properties"]["data"] = ArrayOf(values);
  JsonSchema by_columns{{"type", "object"}};
  by_columns["additionalProperties"] = values;
  return OneOf({row, ArrayOf(row), Within("instances", rows),
                Within("inputs", OneOf({rows, std::move(by_columns)})),
                Within("dataframe_records", ArrayOf(row)),
                Within("dataframe_split", std::move(split))});
}

/// `prediction`: how a row reads in a body that wraps rows; null: as elsewhere.
JsonSchema AnsweredRows(const JsonSchema& row, const JsonSchema& prediction) {
  const JsonSchema wrapped = prediction.is_null() ? row : OneOf({prediction, row});
  return OneOf({row, ArrayOf(row), Within("predictions", ArrayOf(wrapped))});
}

/// What a row supposes: a value for all periods, or one for each of some.
JsonSchema Assumptions(const ApiDeployment& deployment) {
  JsonSchema schema = ObjectSchema(deployment.assumable.columns);
  for (auto& value : schema["properties"]) {
    value = OneOf({value, JsonSchema{{"type", "object"}, {"additionalProperties", value}}});
  }
  schema["additionalProperties"] = false;
  schema["description"] =
      "Values known in advance that are supposed in place of the plan's, for all periods or by "
      "period.";
  return schema;
}

JsonSchema AskedRow(const ApiDeployment& deployment) {
  JsonSchema row = ObjectSchema(deployment.subject.question.columns);
  row["title"] = deployment.name;
  if (deployment.assume_field.empty()) return row;
  if (deployment.assumable.columns.empty()) {
    row["properties"].erase(deployment.assume_field);
  } else {
    row["properties"][deployment.assume_field] = Assumptions(deployment);
  }
  return row;
}

JsonSchema AnsweredRow(const ApiDeployment& deployment) {
  JsonSchema row = ObjectSchema(deployment.answer.columns);
  if (deployment.steps_member.empty()) return row;
  JsonSchema step = ObjectSchema(deployment.steps.columns);
  if (!deployment.assumable.columns.empty()) {
    step["properties"]["assumed"] = {{"type", "number"},
                                     {"description", "What is forecast as supposed."}};
    step["properties"]["change"] = {{"type", "number"}, {"description", "`assumed` less `value`."}};
  }
  row["properties"][deployment.steps_member] = ArrayOf(std::move(step));
  return row;
}

void AddFlag(std::string_view name, std::string_view description, ApiOperation& operation) {
  operation.Add({.in = ApiOperation::In::kQuery,
                 .name = name,
                 .description = description,
                 .schema = {{"type", "boolean"}}});
}

}  // namespace

void DescribeRows(ApiOperation& operation) {
  AddFlag("partial", "Bad rows are told in their place instead of failing all.", operation);
  AddFlag("features", "The features of each row, too.", operation);
  AddFlag("timing", "The header Server-Timing says what the stages of the request took.",
          operation);
  AddFlag("freshness",
          "How old the data of each series are, also in the header X-Forkcast-Data-Age.",
          operation);
  operation.Add({.in = ApiOperation::In::kQuery,
                 .name = "explain",
                 .description = "What each answer is made of: true, or how many of the largest "
                                "contributions are listed.",
                 .schema = OneOf({JsonSchema{{"type", "boolean"}},
                                  JsonSchema{{"type", "integer"}, {"minimum", 1}}})});
  const JsonSchema time{{"type", "string"}, {"format", "date-time"}};
  operation.Add({.in = ApiOperation::In::kQuery,
                 .name = "as_of",
                 .description = "The answer that would have been given at this time.",
                 .schema = time});
  operation.Add({.in = ApiOperation::In::kQuery,
                 .name = "model_as_of",
                 .description = "By the version that the deployment's alias meant at this time.",
                 .schema = time});
  AddFlag("actuals", "Of forecasts also what happened, where that is known.", operation);
  JsonSchema::array_t asked;
  JsonSchema::array_t answered;
  for (const ApiDeployment& deployment : operation.deployments()) {
    asked.push_back(AskedRows(AskedRow(deployment)));
    answered.push_back(AnsweredRows(AnsweredRow(deployment), deployment.prediction));
  }
  const ordered_json example =
      operation.deployments().empty() ? ordered_json() : operation.deployments().front().example;
  const JsonSchema text{{"type", "string"}};
  operation.AddBody(wire::MediaType(wire::Format::kJson), OneOf(std::move(asked)), example);
  operation.AddBody(wire::MediaType(wire::Format::kJsonLines), text,
                    example.is_null() ? ordered_json() : ordered_json(example.dump()));
  operation.AddBody(wire::MediaType(wire::Format::kCsv), text);
  constexpr std::string_view kAnswered = "The rows, in the order and the wrapping of the request.";
  operation.AddAnswer("200", kAnswered, wire::MediaType(wire::Format::kJson),
                      OneOf(std::move(answered)));
  operation.AddAnswer("200", kAnswered, wire::MediaType(wire::Format::kJsonLines), text);
  operation.AddAnswer("200", kAnswered, wire::MediaType(wire::Format::kCsv), text);
}

void DescribeInvocation(ApiOperation& operation) {
  JsonSchema name{{"type", "string"}};
  for (const ApiDeployment& deployment : operation.deployments()) {
    name["enum"].push_back(deployment.name);
  }
  operation.Add({.in = ApiOperation::In::kHeader,
                 .name = "X-Amzn-SageMaker-Target-Model",
                 .description = "The deployment that is asked, if it is not the default.",
                 .schema = std::move(name)});
  DescribeRows(operation);
}

}  // namespace forkcast::serving
