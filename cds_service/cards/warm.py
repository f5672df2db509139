"""What cards say and offer whatever the chart holds, worked out before the first call."""

from __future__ import annotations

from cds_service.cards import fine_print, suggestions, templates
from cds_service.rulebook.model import Rulebook
from cds_service.terminology import Terminology


def warm(rulebook: Rulebook, terminology: Terminology) -> None:
    """Work out for every rule what its first card would have to wait for.

    Nothing depends on it but time: what is not worked out here is worked out when first needed.
    """
    for rule in rulebook.rules.values():
        templates.prepare(rule)
        fine_print.prepare(rule)
        suggestions.prepare(rule, rulebook, terminology)
