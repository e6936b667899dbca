"""Forkcast for Python: a client of its servers, and its programs.

    client = forkcast.Client("http://127.0.0.1:8080")
    client.predict({"product": "07839"})

    forkcast.run("train", pipeline="orders.json", store="sqlite:orders.db", models="models")
"""

from .client import AsyncClient, Client, ForkcastError
from .programs import CommandError, Result, run

__all__ = ["AsyncClient", "Client", "CommandError", "ForkcastError", "Result", "run"]
