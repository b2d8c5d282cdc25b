"""Schedules written by hand, for rules that schedules by chance meet too rarely.

stage      what a script can have happen: which process goes on until when, who dies, what people do
moves      technicians and dispatchers move a booking, while processes are slow or die
deletions  events go
"""

from tests.simulation.both_ways.built.deletions import DELETIONS
from tests.simulation.both_ways.built.moves import MOVES

BUILT = (*MOVES, *DELETIONS)
