"""Asks a Forkcast server through boto3, as a user of SageMaker does.

  invoke_with_boto3.py URL answers ORDERS BATCH OUT [MOST]    every order, BATCH a request; answers as JSON lines
  invoke_with_boto3.py URL refused BODY                       the SDK's error as JSON; BODY of N bytes for @N
  invoke_with_boto3.py URL streamed BODY                      the same of invoke_endpoint_with_response_stream
  invoke_with_boto3.py URL headers BODY ID ATTRIBUTES         the SDK's answer as JSON
"""

import csv
import gzip
import itertools
import json
import sys

import boto3
import botocore.config
import botocore.exceptions


def connect(url):
    return boto3.client(
        "sagemaker-runtime", endpoint_url=url, region_name="eu-central-1",
        aws_access_key_id="unused", aws_secret_access_key="unused",
        config=botocore.config.Config(retries={"total_max_attempts": 1}, proxies={}))


def batches(orders, size, most):
    with (gzip.open if orders.endswith(".gz") else open)(orders, "rt", newline="", encoding="utf-8") as file:
        rows = itertools.islice(csv.DictReader(file), most)
        while batch := list(itertools.islice(rows, size)):
            yield batch


def answers(client, orders, size, out, most=None):
    with open(out, "w", encoding="utf-8") as file:
        for batch in batches(orders, int(size), most and int(most)):
            # The columns that the server does not ask for stay in: it has to ignore them.
            body = json.dumps(batch if int(size) > 1 else batch[0])
            answer = client.invoke_endpoint(EndpointName="order-triage", ContentType="application/json", Body=body)
            decided = json.load(answer["Body"])
            for row in decided if int(size) > 1 else [decided]:
                file.write(json.dumps(row, separators=(",", ":")) + "\n")


def refused(client, body):
    if body.startswith("@"):
        body = "x" * int(body[1:])
    try:
        client.invoke_endpoint(EndpointName="order-triage", ContentType="application/json", Body=body)
    except botocore.exceptions.ClientError as error:
        json.dump(error.response, sys.stdout)
        return
    sys.exit("was not refused")


def headers(client, body, inference_id, attributes):
    answer = client.invoke_endpoint(EndpointName="order-triage", ContentType="application/json", Body=body,
                                    InferenceId=inference_id, CustomAttributes=attributes)
    json.dump({"CustomAttributes": answer["CustomAttributes"], "ContentType": answer["ContentType"],
               "headers": answer["ResponseMetadata"]["HTTPHeaders"]}, sys.stdout)


def main(url, command, *arguments):
    {"answers": answers, "refused": refused, "headers": headers}[command](connect(url), *arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
