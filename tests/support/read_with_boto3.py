"""Prints every object below a prefix, its key and what it holds: read_with_boto3.py BUCKET PREFIX"""

import os
import sys

import boto3
import botocore.config

bucket, prefix = sys.argv[1:]
client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"],
                      config=botocore.config.Config(proxies={}, s3={"addressing_style": "path"}))
for entry in client.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
    text = client.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read().decode()
    print(entry["Key"], text.rstrip("\n"))
