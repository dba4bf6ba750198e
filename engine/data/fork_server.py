"""Imported once by the server that processes which decode images are forked from, and by nothing else.

They then start in milliseconds and share torch's memory. The server computes nothing and has no threads, so that forking
it is safe, as forking the run itself would not be.
"""

from engine.data.chunks import leave_signals_to_the_run

leave_signals_to_the_run()
