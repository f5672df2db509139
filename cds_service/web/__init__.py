"""The HTTP edge: routes, wire forms, status codes and pages. It translates and decides nothing.

``register`` puts everything on an app whose ``extensions["cds_service"]`` holds the parts.
"""

from cds_service.web.register import register

__all__ = ["register"]
