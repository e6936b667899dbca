#!/usr/bin/env python3
"""Reads capture files as strictly as SageMaker's Model Monitor would want them, and prints how many records there are.

    read_captures.py FOLDER         FOLDER/{endpoint}/{variant}/yyyy/mm/dd/hh/*.jsonl[.gz]

Says what is wrong with the first file or record that is not as it should be, and ends with 1 then. Knows nothing of Forkcast
but the member that it adds.
"""
import base64
import datetime
import gzip
import json
import pathlib
import re
import sys
import uuid

PLACE = re.compile(r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,62}/[A-Za-z0-9_-][A-Za-z0-9_.-]{0,62}/(\d{4})/(\d\d)/(\d\d)/(\d\d)/[^/]+$")


def require(holds, what):
    if not holds:
        raise ValueError(what)


def object_of_unique_members(pairs):
    require(len({name for name, _ in pairs}) == len(pairs), "a member is given twice")
    return dict(pairs)


def check_body(body, mode, withheld):
    require(set(body) == {"observedContentType", "mode", "data", "encoding"}, f"members of a body: {sorted(body)}")
    require(body["mode"] == mode, f"mode {body['mode']}, expected {mode}")
    require(body["encoding"] in ("CSV", "JSON", "BASE64"), f"encoding {body['encoding']}")
    require(isinstance(body["data"], str) and isinstance(body["observedContentType"], str), "a body is no text")
    require(body["observedContentType"] != "", "no content type")
    if body["encoding"] == "BASE64":
        base64.b64decode(body["data"], validate=True)
    if body["encoding"] == "JSON" and not withheld:
        for document in [body["data"]] if "lines" not in body["observedContentType"] else body["data"].splitlines():
            json.loads(document)
    require(not withheld or body["data"] == "", "a withheld body has data")


def check_record(record, hour):
    require(set(record) == {"captureData", "eventMetadata", "eventVersion", "forkcast"}, f"members: {sorted(record)}")
    require(record["eventVersion"] == "0", f"eventVersion {record['eventVersion']}")
    require(set(record["captureData"]) == {"endpointInput", "endpointOutput"}, "captureData")
    withheld = record["forkcast"].get("withheld", [])
    check_body(record["captureData"]["endpointInput"], "INPUT", "request" in withheld)
    check_body(record["captureData"]["endpointOutput"], "OUTPUT", "answer" in withheld)
    metadata = record["eventMetadata"]
    require({"eventId", "inferenceTime"} <= set(metadata) <= {"eventId", "inferenceTime", "inferenceId", "customAttributes"},
            f"members of eventMetadata: {sorted(metadata)}")
    require(str(uuid.UUID(metadata["eventId"])) == metadata["eventId"], "eventId is no UUID")
    time = datetime.datetime.strptime(metadata["inferenceTime"], "%Y-%m-%dT%H:%M:%SZ")
    require((time.year, time.month, time.day, time.hour) == hour, f"{metadata['inferenceTime']} is in another hour's folder")
    attributes = metadata.get("customAttributes", [])
    require(isinstance(attributes, list) and all(isinstance(one, str) for one in attributes), "customAttributes")
    return metadata["eventId"]


def lines_of(path):
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
        text = file.read()
    require(text == b"" or text.endswith(b"\n"), "the last line has no end")
    return text.decode("utf-8").split("\n")[:-1]


def main():
    top = pathlib.Path(sys.argv[1])
    seen = set()
    for path in sorted(one for one in top.rglob("*") if one.is_file()):
        number = 0
        try:
            place = PLACE.match(str(path.relative_to(top)))
            require(place and (path.name.endswith(".jsonl") or path.name.endswith(".jsonl.gz")), "is not where or called as it should")
            for number, line in enumerate(lines_of(path), 1):
                event = check_record(json.loads(line, object_pairs_hook=object_of_unique_members), tuple(map(int, place.groups())))
                require(event not in seen, f"eventId {event} is there twice")
                seen.add(event)
        except (ValueError, KeyError, TypeError, OSError, EOFError) as error:
            sys.exit(f"{path}:{number}: {error!r}")
    print(len(seen))


if __name__ == "__main__":
    main()
