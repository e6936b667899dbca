"""The order triage as a bare WSGI application: the least that a Python server can do for it. For bench/run, which starts it under
granian, whose HTTP is written in Rust.
"""

import lookups

HEADERS = [("Content-Type", "application/json")]


def application(environ, start_response):
    body = b""
    if environ["PATH_INFO"] == "/invocations":
        body = lookups.answer(environ["wsgi.input"].read()).encode()
    start_response("200 OK", [*HEADERS, ("Content-Length", str(len(body)))])
    return [body]
