#!/usr/bin/env bash
# A whole application on this machine, without containers: everything that stands around Forkcast is started for real, and used as a team
# would, from the first row to a model that is trained anew since its data have changed. Then everything is stopped. Ends with 0 only
# when each step did what it should. What is started, asked and seen: docs/full_stack.md.
#
#   scripts/full_stack.sh                          sales of 12 invented stores: Kafka, PostgreSQL, Ray, MLflow, Airflow, Prometheus, nginx
#   scripts/full_stack.sh --data DIR [--stores N]  the same of the files of Kaggle's "Rossmann Store Sales" in DIR
#   scripts/full_stack.sh --application a          or b (on MariaDB), c: docs/full_stack.md#the-others
#   scripts/full_stack.sh --help                   all flags
#
# With --bin DIR the programs there are taken, and nothing is installed or built. What comes from PyPI is put into build/full-stack, or is in
# the virtual environments that MLFLOW_VENV, RAY_VENV, AIRFLOW_VENV and MLSERVER_VENV name; what cannot be had is left out, which is said.
set -euo pipefail
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

if [[ " $* " != *" --bin"* && " $* " != *" --help "* && " $* " != *" -h "* ]]; then
  scripts/setup.sh build run test kafka bench
  . scripts/build.sh
  Build release bin/forkcast bin/forkcast-train bin/forkcast-client bin/generate-demand
fi
# In place of this shell, so that Ctrl-C and signals have one receiver, which stops what was started.
exec /usr/bin/python3 -B scripts/full_stack "$@"
