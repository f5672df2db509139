"""The label profile of a call from the workbench, which may choose it.

``?profile=EU`` lets the workbench show one chart under both labels. The profile of an EHR stands
in the clients file, so a call of an EHR that names one is refused.
"""

from __future__ import annotations

from dataclasses import replace

from flask import request

from cds_service.web.call_schema import Caller
from cds_service.web.errors import malformed
from cds_service.web.framework import behind

PROFILES = ("US", "EU")
_PARAMETER = "profile"


def under_chosen_profile(caller: Caller) -> Caller:
    """The caller, judged by the profile that the query asks for, if it asks for one.

    Raises:
        CallError: 400 for an EHR of the clients file, or when there is no such profile.
    """
    asked = behind(request)
    if not asked.query_string or (chosen := asked.args.get(_PARAMETER)) is None:
        return caller
    if not caller.client.chooses_profile:
        problem = (
            "profile is for the workbench to choose; that of an EHR stands in the clients file"
        )
        raise malformed(problem, _PARAMETER, "not-supported")
    if chosen not in PROFILES:
        raise malformed("profile must be US or EU", _PARAMETER, "value")
    return replace(caller, profile=chosen)
