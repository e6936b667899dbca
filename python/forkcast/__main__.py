"""python -m forkcast COMMAND ... is the program forkcast."""

from .programs import forkcast

forkcast()
