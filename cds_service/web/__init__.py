"""The HTTP edge: routes, wire forms, status codes and pages. It translates and decides nothing.

``register`` puts everything on an ``App`` whose ``extensions["cds_service"]`` holds the parts.
"""

from cds_service.web.framework import App
from cds_service.web.register import register

__all__ = ["App", "register"]
