"""The order triage as such services usually are: Flask, one process a worker. For bench/run and bench/reload, which start it under
gunicorn. Nothing is logged.
"""

import flask

import lookups

application = flask.Flask(__name__)


@application.get("/ping")
def ping():
    return b""


@application.post("/invocations")
def invocations():
    return flask.Response(lookups.answer(flask.request.get_data(cache=False)), mimetype="application/json")
