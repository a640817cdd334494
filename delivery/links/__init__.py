"""The network side of SMPP: binds that live as long as their dispatch worker."""

from delivery.links.engine import Engine

engine = Engine()
"""The one of this process; a dispatch worker's bootstep starts and stops it."""

__all__ = ["Engine", "engine"]
