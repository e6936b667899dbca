"""Forkcast by Airflow's clock: new rows each night, training and forecasts each week, and training when something has drifted.

Put this file into Airflow's folder of DAGs. What differs from place to place are environment variables of its workers:

  FORKCAST_DEPLOYMENTS     names of what is served, with commas between; required
  FORKCAST_PIPELINES       the folder with NAME.json of each; /etc/forkcast/pipelines by default
  FORKCAST_INCOMING        the folder with a folder NAME of new files for each; /var/lib/forkcast/incoming by default
  FORKCAST_FROM            where the new rows of each come from instead, with {name} for its name, as `ingest --from` takes it:
                           kafka://broker:9092/{name}?group=airflow
  FORKCAST_RAY             the Ray cluster that trains, as `train --on` takes it: ray://head:8265; the worker itself by default
  FORKCAST_SHARDS          with it, the folder that all its machines share; required then
  FORKCAST_SHARD_COUNT     with it, in how many shards a training is cut; 4 by default
  FORKCAST_MLFLOW          an MLflow server that is told of trainings, as `train --mlflow` takes it; none by default
  FORKCAST_DRIFT           the folder of the hook "drift"; /var/lib/forkcast/drift by default
  FORKCAST_FORECASTS       where forecasts go, as `predict --out` takes it; table:forecast_results by default

and those of the programs: FORKCAST_STORE, FORKCAST_MODELS, FORKCAST_CONFIG, and what the store's password is found by (PGPASSWORD,
PGPASSFILE, MYSQL_PWD). A task is one command, whose exit code says what came of it: 4 is shown as skipped (a version was trained,
and the one that is served is as good), 2 and 3 fail at once since the same again changes nothing, 5 is tried again.
"""

import os
from datetime import datetime, timedelta
from functools import cached_property

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import DAG, BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

DEPLOYMENTS = [name for name in os.environ.get("FORKCAST_DEPLOYMENTS", "").split(",") if name]
PIPELINES = os.environ.get("FORKCAST_PIPELINES", "/etc/forkcast/pipelines")
INCOMING = os.environ.get("FORKCAST_INCOMING", "/var/lib/forkcast/incoming")
FROM = os.environ.get("FORKCAST_FROM", f"{INCOMING}/{{name}}")
RAY = os.environ.get("FORKCAST_RAY")
HOW = ["--on", RAY, "--shards", os.environ["FORKCAST_SHARDS"], "--shard-count", os.environ.get("FORKCAST_SHARD_COUNT", "4")] if RAY else []
if "FORKCAST_MLFLOW" in os.environ:
    HOW += ["--mlflow", os.environ["FORKCAST_MLFLOW"]]
DRIFT = os.environ.get("FORKCAST_DRIFT", "/var/lib/forkcast/drift")
FORECASTS = os.environ.get("FORKCAST_FORECASTS", "table:forecast_results")
# The programs refuse a variable FORKCAST_... that none of them knows.
OF_THIS_FILE = ["FORKCAST_DEPLOYMENTS", "FORKCAST_PIPELINES", "FORKCAST_INCOMING", "FORKCAST_FROM", "FORKCAST_RAY", "FORKCAST_SHARDS",
                "FORKCAST_SHARD_COUNT", "FORKCAST_MLFLOW", "FORKCAST_DRIFT", "FORKCAST_FORECASTS"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in OF_THIS_FILE}
ALWAYS = {"start_date": datetime(2024, 1, 1), "catchup": False, "max_active_runs": 1, "tags": ["forkcast"],
          "default_args": {"retries": 2, "retry_delay": timedelta(minutes=5)}}


class ForkcastOperator(BaseOperator):
    """A command of forkcast, whose exit code decides: done, skipped, failed, or failed and not to be tried again."""

    def __init__(self, *, words, done_on=(0,), skipped_on=(4,), hopeless_on=(1, 2, 3), **options):
        super().__init__(**options)
        self.words = words
        self.done_on, self.skipped_on, self.hopeless_on = done_on, skipped_on, hopeless_on

    @cached_property
    def process(self):
        return SubprocessHook()

    def execute(self, context):
        code = self.process.run_command(["forkcast", *self.words], env=ENVIRONMENT).exit_code
        said = f"forkcast {' '.join(self.words)} ended with {code}"
        self.log.info(said)
        if code in self.done_on:
            return
        if code in self.skipped_on:
            raise AirflowSkipException(said)
        raise (AirflowFailException if code in self.hopeless_on else AirflowException)(said)

    def on_kill(self):
        self.process.send_sigterm()


def ingest(name):
    return ForkcastOperator(task_id=f"ingest_{name}",
                            words=["ingest", "--pipeline", f"{PIPELINES}/{name}.json", "--from", FROM.replace("{name}", name), "--quiet"])


def retrain(name):
    return ForkcastOperator(task_id=f"retrain_{name}", words=["retrain", "--deploy", name, "--quiet", "--require-promotion", *HOW])


def forecast(name):
    """Also behind a training that was skipped: by the version that is served."""
    return ForkcastOperator(task_id=f"forecast_{name}", trigger_rule="none_failed",
                            words=["predict", "--deploy", name, "--skip-refused", "--quiet", "--out", FORECASTS])


def has_drifted():
    """Ends with 1 when the newest reports say that something has; 3: there is none yet."""
    return ForkcastOperator(task_id="has_drifted", words=["drift", "report", DRIFT], done_on=(1,), skipped_on=(0, 3), hopeless_on=(2,))


# The store is one for all, so rows are taken in one after the other.
with DAG("forkcast_daily", schedule="0 2 * * *", **ALWAYS) as daily:
    before = None
    for deployment in DEPLOYMENTS:
        task = ingest(deployment)
        if before:
            before >> task
        before = task

with DAG("forkcast_weekly", schedule="0 3 * * 1", **ALWAYS) as weekly:
    for deployment in DEPLOYMENTS:
        retrain(deployment) >> forecast(deployment)

with DAG("forkcast_drift", schedule="0 5 * * *", **ALWAYS) as drift:
    first = has_drifted()
    for deployment in DEPLOYMENTS:
        first >> retrain(deployment)
