#include "serving/endpoints/response_stream.hpp"

#include "serving/web/api_operation.hpp"

namespace forkcast::serving {

void RefuseStream(Exchange& exchange, Service&) {
  exchange.Refuse(
      {ErrorCode::kNotImplemented,
       "answers are not streamed: call InvokeEndpoint (invoke_endpoint of boto3), which "
       "answers the same"});
}

void DescribeStream(ApiOperation& operation) {
  operation.AddAnswer("424", "Always, with the status 501 in it.");
}

}  // namespace forkcast::serving
