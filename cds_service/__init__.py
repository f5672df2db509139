"""Clinical decision support for inotuzumab ozogamicin: order in, chart read, cards out."""

from importlib.metadata import version

__version__ = version("cds-service")
