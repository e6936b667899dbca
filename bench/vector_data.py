"""A pipeline of 250 features of one key, its rows, and requests for them: what bench/vectors and bench/request_cost ask for."""

import csv
import json
import random

import servers

SERIES, VALUES = 5, 50  # 250 features
NAME = "vectors"
AT = "2026-01-01 00:00:00"
# A pipeline is served with a model, which nobody asks here.
MODEL = """{
  "format": "forkcast.decision_tree",
  "format_version": 1,
  "checksum": "xxh3-128:50a3a0e317231ba0d35fbab157b8b211",
  "name": "vectors",
  "version": "1",
  "features": [{"name": "s0_v00", "type": "number"}],
  "classes": ["low", "high"],
  "nodes": [{"if": "s0_v00", "<": 500, "yes": 1, "no": 2}, {"class": "low"}, {"class": "high"}]
}
"""


def names():
    return [[f"s{series}_v{value:02}" for value in range(VALUES)] for series in range(SERIES)]


def driver(number):
    return f"D{number:06}"


def pipeline():
    tables, series, features = {}, {}, []
    for number, columns in enumerate(names()):
        table = f"stats_{number}"
        tables[table] = {"columns": {"driver": "text", "at": "timestamp", **{name: "double" for name in columns}}}
        series[table] = {"table": table, "key": ["driver"], "time": "at", "values": columns, "max_staleness": "3650d",
                         "when_stale": "flag"}
        features += [{"op": "as_of", "series": table, "value": name, "missing": "keep"} for name in columns]
    return {"name": NAME, "version": "1", "tables": tables, "series": series,
            "request": {"fields": {"driver": "text", "at": "timestamp"}, "time": "at"}, "features": features,
            "serving": {"model": "model.json", "answer": [{"name": "driver", "field": "driver"},
                                                          {"name": "level", "output": "class"}]}}


class Vectors:
    """Such a pipeline in `folder`, with rows of so many keys in a store of its own."""

    def __init__(self, site, keys):
        self.folder, self.keys = site.folder / NAME, keys
        data = self.folder / "data"
        data.mkdir(parents=True)
        self.pipeline, self.store = self.folder / "pipeline.json", f"sqlite:{self.folder}/v.db"
        self.pipeline.write_text(json.dumps(pipeline()))
        (self.folder / "model.json").write_text(MODEL)
        self.chance = random.Random(servers.SEED)
        for number, columns in enumerate(names()):
            with open(data / f"stats_{number}.csv", "w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(["driver", "at", *columns])
                for key in range(keys):
                    writer.writerow([driver(key), AT, *(round(self.chance.uniform(0, 1000), 2) for _ in columns)])
        site.run("forkcast", "ingest", "--quiet", "--pipeline", self.pipeline, "--store", self.store, "--from", data)

    def flags(self, workers):
        """Of `forkcast serve`."""
        return ["--pipeline", self.pipeline, "--store", self.store, "--workers", workers]

    def requests(self, rows, named):
        """A file of requests for all features of so many keys each: as a service, or each by its name."""
        asked = {"features": [f"{NAME}:{name}" for columns in names() for name in columns]} if named else {"feature_service": NAME}
        path = self.folder / f"requests-{rows}-{named}.jsonl"
        with open(path, "w", encoding="utf-8") as out:
            for _ in range(servers.BODIES if rows == 1 else 50):
                keys = [driver(self.chance.randrange(self.keys)) for _ in range(rows)]
                out.write(json.dumps({**asked, "entities": {"driver": keys}}) + "\n")
        return path
