"""Asks a Forkcast server: dicts or a DataFrame in, answers of the same kind out. Needs nothing but Python's own library."""

from __future__ import annotations

import asyncio
import concurrent.futures
import datetime
import functools
import http.client
import json
import math
import os
import socket
import threading
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Union, overload

if TYPE_CHECKING:
    import pandas

Row = Mapping[str, Any]
Answer = dict[str, Any]
Rows = Union[Row, Sequence[Row], "pandas.DataFrame"]

LONGEST_PAUSE_S = 5.0
TRY_AGAIN = (429, 503)


class ForkcastError(Exception):
    """What the server refuses, in its own words; `rows` has each bad row of a request of many."""

    def __init__(self, status: int, error: Mapping[str, Any]) -> None:
        self.status = status
        self.code = error.get("code", "")
        self.field = error.get("field")
        self.row = error.get("row")
        self.rows = error.get("rows", [])
        self.request_id = error.get("request_id")
        where = "".join(f", {name} {value}" for name, value in [("field", self.field), ("row", self.row)] if value is not None)
        super().__init__(f"{status} {self.code}{where}: {error.get('message', '')}")


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _plain(value: Any) -> Any:
    """What JSON has for a value of numpy, pandas or datetime; null for what is missing."""
    if isinstance(value, (datetime.date, datetime.datetime)):
        return None if value != value else value.isoformat()  # NaT is not itself
    if hasattr(value, "item"):
        value = value.item()
    if value is None or type(value).__name__ == "NAType" or isinstance(value, float) and math.isnan(value):
        return None
    return value


def _json_rows(rows: Any) -> Any:
    if isinstance(rows, list):
        return [_json_rows(row) for row in rows]
    return {name: _plain(value) for name, value in rows.items()}


def _is_frame(rows: Any) -> bool:
    return hasattr(rows, "to_dict") and hasattr(rows, "columns")


def _lines(answer: Answer) -> list[Answer]:
    """An answer as lines of a table: one a step of a forecast; what is nested has names with dots, as in CSV."""
    answer = dict(answer)
    steps = answer.pop("forecast", [{}])
    lines = []
    for step in steps:
        line: Answer = {}
        for name, value in {**answer, **step}.items():
            if isinstance(value, dict):
                line.update({f"{name}.{inner}": content for inner, content in value.items()})
            else:
                line[name] = value
        lines.append(line)
    return lines


def _as_frame(answers: Sequence[Answer], index: Any) -> pandas.DataFrame:
    """A table whose index says which row of the request a line answers."""
    import pandas

    tables = [_lines(answer) for answer in answers]
    labels = [label for label, lines in zip(index, tables) for _ in lines]
    return pandas.DataFrame([line for lines in tables for line in lines], index=pandas.Index(labels, name=index.name))


class Client:
    """A server at `url` (http://HOST:PORT or unix:/path; by default FORKCAST_URL, else http://127.0.0.1:8080).

    `timeout`: seconds for one try. `tries`: how often a request is sent when that is safe: nobody listens, a kept connection was
    closed, 429 and 503 (after Retry-After, at most 5 s). Threads may share a client: each has a connection of its own.
    """

    def __init__(self, url: str | None = None, *, timeout: float = 70.0, tries: int = 3, headers: Mapping[str, str] | None = None) -> None:
        self.url = url or os.environ.get("FORKCAST_URL") or "http://127.0.0.1:8080"
        self.timeout = timeout
        self.tries = max(1, tries)
        self.headers = dict(headers or {})
        self._of_thread = threading.local()
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme not in ("http", "https", "unix") or not (parts.netloc or parts.path):
            raise ValueError(f"url: expected http://HOST:PORT, https://HOST or unix:/path/to.sock, got {self.url!r}")
        self._base = "" if parts.scheme == "unix" else parts.path.rstrip("/")

    def ping(self) -> bool:
        """Whether the server is ready."""
        try:
            return self._once("GET", "/ping", None, {})[0] == 200
        except OSError:
            return False

    def wait_until_ready(self, seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not self.ping():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.url} was not ready within {seconds} s")
            time.sleep(0.05)

    @overload
    def predict(self, rows: pandas.DataFrame, deployment: str | None = ..., **options: Any) -> pandas.DataFrame: ...

    @overload
    def predict(self, rows: Row, deployment: str | None = ..., **options: Any) -> Answer: ...

    @overload
    def predict(self, rows: Sequence[Row], deployment: str | None = ..., **options: Any) -> list[Answer]: ...

    def predict(self, rows: Rows, deployment: str | None = None, **options: Any) -> Any:
        """The answer to a row, the answers to a list of rows, or a table of answers to a DataFrame.

        `deployment`: which one is asked, the default of the server otherwise. `options`: what may stand behind the ? of
        /invocations: features, explain, actuals, partial, freshness (True), as_of (a time). Raises ForkcastError for what the
        server refuses, OSError (also TimeoutError) where nobody answers. With partial=True a bad row has the member "error".
        """
        if _is_frame(rows):
            if not len(rows):
                return rows.iloc[:0]
            return _as_frame(self._answers(rows.to_dict("records"), deployment, options), rows.index)
        if isinstance(rows, Mapping):
            return self._answers(rows, deployment, options)
        return self._answers(list(rows), deployment, options) if rows else []

    def close(self) -> None:
        """Closes the connection of this thread."""
        connection = self._of_thread.__dict__.pop("connection", None)
        if connection:
            connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answers(self, rows: Any, deployment: str | None, options: Mapping[str, Any]) -> Any:
        body = json.dumps(_json_rows(rows), allow_nan=False)
        named = {name: "true" if value is True else _plain(value) for name, value in options.items()
                 if value is not None and value is not False}
        path = "/invocations" + ("?" + urllib.parse.urlencode(named) if named else "")
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if deployment:
            headers["X-Amzn-SageMaker-Target-Model"] = deployment
        status, answer = self._request("POST", path, body.encode(), headers)
        try:
            content = json.loads(answer)
        except ValueError:
            raise ForkcastError(status, {"code": "no_json", "message": answer.decode(errors="replace")}) from None
        if status != 200:
            raise ForkcastError(status, content.get("error", {"message": answer.decode(errors="replace")}))
        return content

    def _request(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Sends until it is answered, or tries are used up; only what is safe to send again is sent again."""
        for attempt in range(1, self.tries + 1):
            pause = min(0.1 * 2 ** (attempt - 1), LONGEST_PAUSE_S)
            try:
                status, answer, retry_after = self._once(method, path, body, headers)
            except (ConnectionRefusedError, FileNotFoundError):
                if attempt == self.tries:
                    raise
            else:
                if status not in TRY_AGAIN or attempt == self.tries:
                    return status, answer
                pause = min(float(retry_after) if retry_after and retry_after.isdigit() else pause, LONGEST_PAUSE_S)
            time.sleep(pause)
        raise AssertionError("unreachable")

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        """This thread's, and whether it was used before."""
        kept = getattr(self._of_thread, "connection", None)
        if kept is not None:
            return kept, True
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme == "unix":
            made: http.client.HTTPConnection = _UnixConnection(parts.path, self.timeout)
        else:
            kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
            made = kind(parts.netloc, timeout=self.timeout)
        self._of_thread.connection = made
        return made, False

    def _once(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes, str | None]:
        connection, is_kept = self._connection()
        try:
            connection.request(method, self._base + path, body, {**self.headers, **headers})
            response = connection.getresponse()
            answer = response.read()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self.close()
            # The server had given the connection up before it read the request; on a new one that would be an answer lost.
            if is_kept:
                return self._once(method, path, body, headers)
            raise
        except (OSError, http.client.HTTPException) as failure:
            self.close()
            if isinstance(failure, OSError):
                raise
            raise ConnectionError(f"{self.url}: no answer in HTTP: {failure!r}") from failure
        if response.will_close:
            self.close()
        return response.status, answer, response.getheader("Retry-After")


class AsyncClient:
    """The same for asyncio. Up to `connections` requests are under way at a time; others wait for their turn."""

    def __init__(self, url: str | None = None, *, connections: int = 16, **options: Any) -> None:
        self._client = Client(url, **options)
        self._threads = concurrent.futures.ThreadPoolExecutor(connections, "forkcast")

    async def _in_thread(self, call: Any, *words: Any, **options: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, functools.partial(call, *words, **options))

    async def ping(self) -> bool:
        return bool(await self._in_thread(self._client.ping))

    async def wait_until_ready(self, seconds: float = 60.0) -> None:
        await self._in_thread(self._client.wait_until_ready, seconds)

    async def predict(self, rows: Rows, deployment: str | None = None, **options: Any) -> Any:
        """As Client.predict."""
        return await self._in_thread(self._client.predict, rows, deployment, **options)

    def close(self) -> None:
        self._threads.shutdown(wait=False)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
