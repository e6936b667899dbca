#!/usr/bin/env python3
"""Brings a pipeline, or the rows that came, to a running server, if what is learned of them is better: checked, trained, judged,
tried beside the version that answers, promoted, watched, and taken back when it does not do. Needs Python and the programs alone.

  release.py --deployment NAME --pipeline FILE --store URL --models PLACE --control SOCKET [flags; --help has them]

It runs on the machine of the server, or on one that sees the same store, models and control socket: by hand, by cron, or as a job of
a self-hosted runner (release.yml beside it). A step is a command of forkcast; the server goes on through all of them.

  check     the pipeline file, and the rows of --from, without touching anything
  train     a version by this pipeline on all rows, judged beside its baselines and beside the champion: who is not better ends here
  shadow    the version scores a copy of --shadow of the requests, behind their answers: nobody sees its answers
  canary    it answers --canary of the requests
  promote   it becomes the champion, and answers all
  watch     for --watch seconds: answers with errors and their time are compared with those before (--url)

Exit codes: 0 promoted, or nothing is new       4 not better, or not as good on today's requests: the champion goes on
            1 rows are wrong                    2 wrong usage or pipeline file
            3 data, model or server do not allow it    5 store, models or server cannot be reached
"""

import argparse
import contextlib
import fcntl
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import urllib.request

CANDIDATE = "candidate"  # the alias that a new version has until it is the champion
CHAMPION = "champion"
LOOK_S = 1.0
UNHEARD = 5  # looks in a row after which a server that says nothing is taken for one that has died of the new version
A_MOMENT_S = 0.001  # is added to times that are compared, as in an experiment: what nobody feels does not count


class End(Exception):
    """The release is over: with what code, and why."""

    def __init__(self, code, why):
        super().__init__(why)
        self.code, self.why = code, why


def read_arguments(words):
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("--deployment", required=True, metavar="NAME", help="of the server")
    add("--pipeline", required=True, metavar="FILE", help="by which is trained")
    add("--store", required=True, metavar="URL", help="where the rows are")
    add("--models", required=True, metavar="PLACE", help="the registry of models, a folder or s3://...")
    add("--control", metavar="SOCKET", help="control socket of the server; without it what is better is promoted untried")
    add("--model", metavar="NAME", help="the model's name (default: that of the pipeline)")
    add("--from", dest="rows", metavar="DIR", help="new rows, which are taken into the store first")
    add("--shadow", default="100%", metavar="SHARE", help="share of requests that the version scores behind their answers (default: %(default)s; 0: no shadow)".replace("100%)", "100%%)"))
    add("--canary", default="10%", metavar="SHARE", help="share of requests that it answers before all (default: 10%%; 0: no canary)")
    add("--requests", type=int, default=500, metavar="N", help="requests that each of both is to be tried on (default: %(default)s)")
    add("--wait", type=float, default=3600, metavar="SECONDS", help="for so many requests, at most; then the champion goes on (default: %(default)s)")
    add("--max-failures", default="1%", metavar="SHARE", help="most requests that may fail more than the champion's (default: 1%%)")
    add("--max-slowdown", type=float, default=5, metavar="TIMES", help="as long as it may take, of the champion's time (default: %(default)s)")
    add("--max-difference", metavar="NUMBER", help="by which its output may differ in the mean (default: any)")
    add("--watch", type=float, default=300, metavar="SECONDS", help="after the promotion (default: %(default)s; needs --url)")
    add("--url", metavar="URL", help="where /metrics is answered: the admin address, if there is one")
    add("--least-gain", metavar="SHARE", help="by which its error has to be smaller than the champion's, as retrain says")
    add("--again", action="store_true", help="also when nothing is new: for a version that could not be tried, for want of requests say")
    add("--check-only", action="store_true", help="check, and no more: for a pull request")
    arguments = parser.parse_args(words)
    if arguments.watch and not arguments.url:
        arguments.watch = 0
    if not arguments.check_only and not arguments.control:
        arguments.shadow = arguments.canary = "0"
    return arguments


def share_in(text):
    return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)


def say(text):
    print(f"release: {text}", flush=True)


class Release:
    def __init__(self, arguments):
        self.arguments = arguments
        self.model = arguments.model
        self.steps = []
        self.is_trying = False  # whether a challenger is there that we put there

    def forkcast(self, *words, may_end=(0,), shows=True):
        """Runs a command; its code and standard output. One that ends otherwise ends the release, with its code."""
        done = subprocess.run(["forkcast", *map(str, words)], stdout=subprocess.PIPE, text=True)
        if shows and done.stdout:
            print(done.stdout, end="", flush=True)
        if done.returncode not in may_end:
            raise End(done.returncode if done.returncode in (1, 2, 3, 4, 5) else 3, f"forkcast {words[0]} ended with {done.returncode}")
        return done.returncode, done.stdout

    def told(self, step, what):
        self.steps.append((step, what))
        say(f"{step}: {what}")

    # ---- check

    def check(self):
        code, out = self.forkcast("check", "--json", "--pipeline", self.arguments.pipeline, may_end=(0, 2), shows=False)
        found = json.loads(out or "{}")
        if code:
            place = ":".join(str(found[part]) for part in ("file", "line", "column") if part in found)
            if os.environ.get("GITHUB_ACTIONS") == "true":  # which shows it beside the line of the file
                print(f"::error file={found.get('file')},line={found.get('line', 1)},col={found.get('column', 1)}::{found.get('message')}")
            raise End(2, f"{place}: {found.get('message')}")
        self.model = self.model or json.loads(pathlib.Path(self.arguments.pipeline).read_text(encoding="utf-8"))["name"]
        if self.arguments.rows:
            self.forkcast("ingest", "--dry-run", "--quiet", "--pipeline", self.arguments.pipeline, "--store", self.arguments.store,
                          "--from", self.arguments.rows)
        self.told("check", "pipeline" + (" and rows are" if self.arguments.rows else " is") + " fine")

    # ---- train

    def number_of(self, alias):
        """The version that has the alias; none where there is none."""
        code, out = self.forkcast("models", "list", self.model, "--models", self.arguments.models, "--json", may_end=(0, 3), shows=False)
        versions = json.loads(out) if code == 0 else []
        return next((one["version"] for one in versions if alias in one["aliases"]), None)

    def set_alias(self, alias, version):
        self.forkcast("models", "promote", self.model, version, "--alias", alias, "--models", self.arguments.models, "--force-promote")

    def of_all(self):
        return ["--pipeline", self.arguments.pipeline, "--store", self.arguments.store, "--models", self.arguments.models, "--name", self.model, "--quiet"]

    def train_first(self):
        """There is nothing to be better than but the baselines, and nothing that answers yet."""
        rows = ["--from", self.arguments.rows] if self.arguments.rows else []
        code, _ = self.forkcast("train", *self.of_all(), *rows, may_end=(0, 4))
        if code:
            raise End(4, "the first version does not beat its baselines")
        self.told("train", f"version {self.number_of(CHAMPION)} is the first, and beats its baselines")

    def train(self, champion):
        """The number of a version that is better than the champion. Ends the release where there is none."""
        # It is compared with what has the alias, which may be one of a release that was taken back.
        self.set_alias(CANDIDATE, champion)
        verdict_file = pathlib.Path(os.environ.get("RUNNER_TEMP") or "/tmp") / f"release-{self.model}-{os.getpid()}.json"
        words = [*self.of_all(), "--alias", CANDIDATE, "--verdict", verdict_file, "--require-promotion"]
        words += ["--from", self.arguments.rows] if self.arguments.rows else []
        words += ["--again"] if self.arguments.again else []
        words += ["--least-gain", self.arguments.least_gain] if self.arguments.least_gain else []
        try:
            code, _ = self.forkcast("retrain", *words, may_end=(0, 4))
            verdict = json.loads(verdict_file.read_text(encoding="utf-8"))
        finally:
            verdict_file.unlink(missing_ok=True)
        if code:
            raise End(0 if verdict["result"] == "nothing_new" else 4, verdict["why"])
        self.told("train", f"version {verdict['version']} is better than {champion}")
        return verdict["version"]

    # ---- shadow and canary

    def deploy(self, *words, **how):
        return self.forkcast("deploy", self.arguments.deployment, "--control", self.arguments.control, "--json", *words, shows=False, **how)

    def guards(self):
        words = ["--max-failures", self.arguments.max_failures, "--max-slowdown", self.arguments.max_slowdown]
        return words + (["--max-difference", self.arguments.max_difference] if self.arguments.max_difference else [])

    def begin(self, mode, version):
        share = getattr(self.arguments, mode)
        code, out = self.deploy("--challenger", version, f"--{mode}", share, *self.guards(), may_end=(0, 1, 3))
        if code == 3:
            raise End(3, f"version {version} cannot be tried: the server refuses it")
        self.is_trying = True
        return json.loads(out)

    def try_out(self, mode, version):
        """Beside the champion, until it was asked often enough. Ends the release when it is not as good."""
        status = self.begin(mode, version)
        until = time.monotonic() + self.arguments.wait
        while status["state"] in ("starting", "running") and status["challenger_requests"] < self.arguments.requests:
            if time.monotonic() > until:
                raise End(4, f"{mode}: {status['challenger_requests']} requests in {self.arguments.wait:g} s, {self.arguments.requests} are needed to tell")
            time.sleep(LOOK_S)
            status = json.loads(self.deploy("--status")[1])
        if status["challenger"] != str(version):
            self.is_trying = False
            raise End(4, f"{mode}: another challenger, {status['challenger']}, has taken its place")
        if status["state"] != "running":
            self.is_trying = False
            raise End(4, f"{mode}: {status['state']}: {status['reason']}")
        failures, asked = status["challenger_failures"], status["challenger_requests"]
        # What is certain ends by itself; so few that nothing is certain may still be too many.
        own = status["champion_failures"] / max(1, status["champion_requests"]) if mode == "canary" else 0
        if failures / max(1, asked) > own + share_in(self.arguments.max_failures):
            raise End(4, f"{mode}: {failures} of {asked} requests failed")
        difference = status.get("difference", {}).get("value")
        self.told(mode, f"{asked} requests, {failures} failed" + (f", mean difference {difference:.6g}" if difference is not None else ""))

    # ---- promote and watch

    def promote(self, version):
        if self.is_running_challenger(version):
            self.deploy("--promote", "--models", self.arguments.models)
        else:
            self.set_alias(CHAMPION, version)
        self.is_trying = False
        self.told("promote", f"version {version} is the champion")

    def is_running_challenger(self, version):
        if not self.arguments.control:
            return False
        code, out = self.deploy("--status", may_end=(0, 3))
        status = json.loads(out) if code == 0 else {}
        return status.get("state") == "running" and status.get("challenger") == str(version)

    def metrics(self):
        url = f"{self.arguments.url}/metrics"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return answer.read().decode()
        except OSError as error:  # of which urllib's are
            raise OSError(f"{url}: {error}") from None

    def counts(self):
        """Answers of the deployment so far: all, failed, and seconds that they took."""
        text = self.metrics()

        def total(name, wanted=lambda labels: True):
            found = re.findall(rf"^{name}\{{(.*)\}} (\S+)$", text, re.MULTILINE)
            return sum(float(value) for labels, value in found if f'deployment="{self.arguments.deployment}"' in labels and wanted(labels))

        return (total("forkcast_requests_total"), total("forkcast_requests_total", lambda labels: re.search(r'code="[45]', labels)),
                total("forkcast_request_duration_seconds_sum"))

    def is_served(self, version):
        return re.search(rf'^forkcast_deployment_info\{{.*deployment="{re.escape(self.arguments.deployment)}".*version="{version}"', self.metrics(), re.MULTILINE)

    @staticmethod
    def rates(before, after):
        asked, failed, seconds = (b - a for a, b in zip(before, after))
        return asked, failed / max(1, asked), seconds / max(1, asked)

    def watch(self, version, champion, usual):
        """Compares answers from now on with the usual ones. Takes the promotion back when they are worse."""
        until = time.monotonic() + self.arguments.watch
        begin, asked, failures, unheard = None, 0, 0, 0
        while time.monotonic() < until:
            time.sleep(LOOK_S)
            try:
                if begin is None:
                    begin = self.counts() if self.is_served(version) else None
                    continue
                asked, failures, seconds = self.rates(begin, self.counts())
                unheard = 0
            except OSError as error:
                unheard += 1
                if unheard == UNHEARD:
                    self.take_back(champion, f"no answer: {error}")
                continue
            if asked < self.arguments.requests:
                continue
            if failures > usual[1] + share_in(self.arguments.max_failures):
                self.take_back(champion, f"{failures:.1%} of {asked:.0f} answers are errors, before it were {usual[1]:.1%}")
            if seconds + A_MOMENT_S > self.arguments.max_slowdown * (usual[2] + A_MOMENT_S):
                self.take_back(champion, f"an answer takes {seconds * 1e3:.1f} ms, before it were {usual[2] * 1e3:.1f} ms")
        if begin is None:
            self.take_back(champion, f"the server does not serve version {version} after {self.arguments.watch:g} s")
        self.told("watch", f"{asked:.0f} answers, {failures:.1%} errors")

    def take_back(self, champion, why):
        self.set_alias(CHAMPION, champion)
        raise End(4, f"watch: {why}; version {champion} is the champion again")

    # ---- all of it

    def run(self):
        self.check()
        if self.arguments.check_only:
            return
        champion = self.number_of(CHAMPION)
        if champion is None:
            self.train_first()
            return
        version = self.train(champion)
        begin = self.counts() if self.arguments.watch else None
        for mode in ("shadow", "canary"):
            if share_in(getattr(self.arguments, mode)):
                self.try_out(mode, version)
        usual = self.rates(begin, self.counts()) if self.arguments.watch else None
        self.promote(version)
        if self.arguments.watch:
            self.watch(version, champion, usual)

    def stop_trying(self):
        """Whatever ended the release: the champion answers alone."""
        if self.is_trying:
            subprocess.run(["forkcast", "deploy", self.arguments.deployment, "--control", self.arguments.control, "--stop"], capture_output=True)

    def summarize(self, code, why):
        """For the page of a run, as GitHub shows it."""
        file = os.environ.get("GITHUB_STEP_SUMMARY")
        if not file:
            return
        rows = "".join(f"| {step} | {what} |\n" for step, what in self.steps)
        done = "checked" if self.arguments.check_only else "released"
        result = {0: done if not why else "nothing is new", 4: "not released, the champion goes on"}.get(code, "failed")
        with open(file, "a", encoding="utf-8") as page:
            page.write(f"### {self.arguments.deployment}: {result}\n\n{why}\n\n| step | |\n| --- | --- |\n{rows}\n")


@contextlib.contextmanager
def alone(arguments):
    """One release of a deployment at a time: two would take each other's place beside the champion."""
    if not arguments.control:
        yield
        return
    with open(f"{arguments.control}.{arguments.deployment}.release", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise End(3, f"another release of {arguments.deployment} is at work") from None
        yield


def main(words):
    arguments = read_arguments(words)
    release = Release(arguments)

    def interrupted(number, frame):
        raise End(3, f"stopped by signal {number}")

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, interrupted)
    code, why = 0, ""
    try:
        with alone(arguments):
            try:
                release.run()
            finally:
                release.stop_trying()
    except End as end:
        code, why = end.code, end.why
    except OSError as error:
        code, why = 5, str(error)
    if why:
        say(why)
    release.summarize(code, why)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
