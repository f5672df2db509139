"""What the service asks of an engine beside the plain evaluator, and what it gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from cds_service.engine.verdict import Answers
from cds_service.errors import CDSServiceError
from cds_service.rulebook.model import Rule


class Finding(NamedTuple):
    """An engine says that this variant of this rule fires."""

    rule: str
    variant: str


class EngineError(CDSServiceError):
    """An engine could not finish. ``found`` is what it had found until then.

    The message says which step failed; it names no fact, hence nothing of the patient.
    """

    def __init__(self, step: str, found: frozenset[Finding] = frozenset()) -> None:
        super().__init__(step)
        self.found = found


class Engine(Protocol):
    """An evaluator that finds what fires, and says nothing about the rest."""

    @property
    def available(self) -> bool:
        """Whether it can be asked; if not, the plain evaluator decides alone."""
        ...

    def findings(self, rules: Sequence[Rule], answers: Answers) -> frozenset[Finding]:
        """Every variant that certainly fires, whatever the answer to a question that has none.

        A clause whose question has no answer is taken to hold. So what fires when all questions
        are answered fires when some of them are: nothing is lost by not asking.

        Raises:
            EngineError: when it could not finish.
        """
        ...
