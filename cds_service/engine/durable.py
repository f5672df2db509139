"""durable-rules, used so that it neither drops a card, nor mixes patients, nor ends the process.

Every odd line below is there for something the package was seen to do; the tests hold each.
Where its extension cannot be imported the plain evaluator carries the service alone, and says so.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any

from cds_service.engine.compile import (
    ALL_TOLD,
    Expression,
    Fact,
    Program,
    RuleSet,
    compile_rules,
)
from cds_service.engine.port import Engine, EngineError, Finding
from cds_service.engine.verdict import Answers
from cds_service.rulebook.model import Rule

try:
    import durable.engine as native
except ImportError:
    native = None
else:
    # The package measures ten seconds by the local wall clock, through a function that warns on
    # Python 3.12: at the change to summer time all remaining actions would be dropped.
    native._unix_now = time.monotonic

log = logging.getLogger("cds_service.engine")

# Sessions and messages are looked up by a 32-bit hash, and the key itself is not compared. One
# session at a time therefore always has the same name, and messages are numbered from zero.
SESSION = "0"

# A fact that no rule claims makes the whole batch fail, with every fact in the exception's text.
# So each fact carries this mark and one rule claims it. The rule waits for a second fact that
# never comes: firing for each fact would cost time. It must not ask for "id" or "sid": the
# engine's own state message has them, would be claimed again after every action, without end.
CLAIMED: Expression = {"claimed": "1"}
NEVER: Expression = {"never": "1"}

# Every session ends with this rule firing, after all others (lower priority). Without it we would
# not know that none was lost. And deleting a session in which nothing ever fired frees a pointer
# that was never set, which corrupts memory.
LAST_TO_FIRE = "all-told"


def _renew_lock() -> None:
    global _one_at_a_time
    _one_at_a_time = Lock()


# The extension keeps global tables and crashes when two threads are inside: one lock for all.
_one_at_a_time = Lock()
# A child process must not inherit a lock that a thread of its parent was holding.
os.register_at_fork(after_in_child=_renew_lock)


class DurableEngine:
    """The rules of each hook, compiled at load; the native rule sets are built at the first call.

    Native memory must not cross a fork and is never freed; hence every process builds its own
    rule sets, once.
    """

    def __init__(self, programs: Iterable[Program]) -> None:
        self._programs = {_names(program.rules): program for program in programs}
        self._built: dict[tuple[str, ...], _Built] = {}
        self._process = 0
        self.why_not = "" if native else "the durable-rules extension cannot be imported"

    @classmethod
    def of(cls, groups: Iterable[Sequence[Rule]]) -> DurableEngine:
        """An engine for groups of rules that are judged together, one group per hook.

        Raises:
            RulesError: with every clause that cannot be compiled exactly.
        """
        return cls(compile_rules(group) for group in groups)

    @property
    def available(self) -> bool:
        """Whether it can be asked. Once broken it stays so until the process ends."""
        return not self.why_not

    def findings(self, rules: Sequence[Rule], answers: Answers) -> frozenset[Finding]:
        """Every variant that certainly fires.

        Raises:
            EngineError: when it could not finish, or the rules are not among those compiled.
        """
        program = self._programs.get(_names(rules))
        if program is None or any(a is not b for a, b in zip(program.rules, rules, strict=True)):
            raise EngineError("these rules were not compiled")
        readings = program.readings(answers)
        with _one_at_a_time:
            return self._ready(program).findings(readings)

    def prove(self) -> None:
        """Build all rule sets in this process and show each the worst facts there can be.

        Raises:
            EngineError: when one cannot be built or cannot stand them; the engine is then not
                available.
        """
        with _one_at_a_time:
            for program in self._programs.values():
                self._ready(program)

    def _ready(self, program: Program) -> _Built:
        if self._process != os.getpid():
            self._built, self._process = {}, os.getpid()
        if not self.available:
            raise EngineError(self.why_not)
        names = _names(program.rules)
        if names not in self._built:
            self._built[names] = self._build(program)
        return self._built[names]

    def _build(self, program: Program) -> _Built:
        try:
            built = _Built(program, self._break)
            built.prove()
        except EngineError as error:
            self._break(f"the rules cannot be loaded: {error}")
            raise
        return built

    def _break(self, why: str) -> None:
        self.why_not = why
        log.error("engine not available", extra={"reason": why})


def _names(rules: Sequence[Rule]) -> tuple[str, ...]:
    return tuple(rule.id for rule in rules)


def engine_state(engine: Engine | None) -> str:
    """What judges the calls of this process, in words for operators; builds the rule sets."""
    alone = "plain evaluator alone"
    if not isinstance(engine, DurableEngine):
        return alone
    with suppress(EngineError):
        engine.prove()
    return f"{alone}: {engine.why_not}" if engine.why_not else "durable-rules and plain evaluator"


class _Built:
    """One program as native rule sets. Entered by one thread at a time."""

    def __init__(self, program: Program, broken: Callable[[str], None]) -> None:
        self._program = program
        self._broken = broken
        self._fired: list[str] = []
        self._host = _still_host()
        self._clause_sets = [
            self._register(f"clauses{number}", rule_set)
            for number, rule_set in enumerate(program.clause_sets)
        ]
        self._variant_sets = [
            self._register(f"variants{number}", rule_set)
            for number, rule_set in enumerate(program.variant_sets)
        ]

    def findings(self, readings: Sequence[Fact]) -> frozenset[Finding]:
        """Both steps. What the second found before a failure goes with the exception."""
        holding = self._all_fired(self._clause_sets, readings)
        told = [{"c": name} for name in holding]
        try:
            fired = self._all_fired(self._variant_sets, told)
        except _StepError as failed:
            raise EngineError(failed.step, self._meaning(failed.fired)) from None
        return self._meaning(fired)

    def prove(self) -> None:
        """Show every rule set the worst facts there can be."""
        for fact in self._program.worst_readings():
            self._all_fired(self._clause_sets, [fact])
        clauses = {
            expression["c"]: None
            for rule_set in self._program.variant_sets
            for condition in rule_set.conditions.values()
            for expression in condition
            if "c" in expression
        }
        if clauses:
            self._all_fired(self._variant_sets, [{"c": name} for name in clauses])

    def _meaning(self, fired: Iterable[str]) -> frozenset[Finding]:
        findings = self._program.findings
        return frozenset(findings[name] for name in fired if name in findings)

    def _register(self, name: str, rule_set: RuleSet) -> str:
        definition: dict[str, Any] = {
            rule: self._rule(conditions, rule) for rule, conditions in rule_set.conditions.items()
        }
        definition["claims-every-fact"] = self._rule([CLAIMED, NEVER], "claims-every-fact")
        definition[LAST_TO_FIRE] = self._rule([ALL_TOLD], LAST_TO_FIRE) | {"pri": 1}
        try:
            self._host.register_rulesets({name: definition})
        except Exception as error:
            raise _StepError(f"build {name}, {_number(error)}") from None
        # The first session of all must not fail before something fired; see LAST_TO_FIRE.
        self._all_fired([name], [{}])
        return name

    def _rule(self, conditions: Sequence[Expression], name: str) -> dict[str, Any]:
        fired = self._fired

        # Exactly one argument: an action of two is taken for asynchronous and stops those after
        # it. It only appends, because an exception in it would be swallowed.
        def act(_: object) -> None:
            fired.append(name)

        # By default one fact cannot satisfy two clauses of a rule; "dist" 0 lets it.
        return {
            "all": [{f"m{number}": condition} for number, condition in enumerate(conditions)],
            "run": act,
            "dist": 0,
        }

    def _all_fired(self, rule_sets: Sequence[str], facts: Sequence[Fact]) -> list[str]:
        # An empty list of facts is a segmentation fault.
        if not facts:
            return []
        if not all(_is_safe(value) for fact in facts for value in fact.values()):
            raise _StepError("tell facts that hold more than integers and words")
        messages = [
            {"sid": SESSION, "id": str(number), **CLAIMED, **fact}
            for number, fact in enumerate([*facts, ALL_TOLD])
        ]
        self._fired.clear()
        try:
            for rule_set in rule_sets:
                self._assert(rule_set, messages)
        except _StepError as failed:
            raise _StepError(failed.step, tuple(self._fired)) from None
        return list(dict.fromkeys(self._fired))

    def _assert(self, rule_set: str, messages: list[Fact]) -> None:
        """Assert, collect, forget. The text of an exception may hold facts: it is dropped."""
        try:
            state = self._host.assert_facts(rule_set, messages)
        except Exception as error:
            raise _StepError(f"assert {rule_set}, {_number(error)}") from None
        finally:
            self._forget(rule_set)
        # An exception in an action is swallowed into the state, and after ten seconds the
        # remaining actions are dropped without a word.
        finished = self._fired[-1:] == [LAST_TO_FIRE] and isinstance(state, dict)
        if not finished or "exception" in state:
            raise _StepError(f"act {rule_set}")
        self._fired.pop()

    def _forget(self, rule_set: str) -> None:
        """Delete the session. If that fails its facts would meet the next patient's: stop for good.

        Raises:
            EngineError: when the session could not be deleted.
        """
        try:
            self._host.delete_state(rule_set, SESSION)
        except Exception as error:
            # 309: there is no such session, the assertion failed before it made one.
            if _number(error).endswith(" 309"):
                return
            step = f"delete {rule_set}, {_number(error)}"
            self._broken(f"a session could not be deleted: {step}")
            raise _StepError(step) from None


class _StepError(EngineError):
    """A step that failed, and the names of the rules that had fired by then."""

    def __init__(self, step: str, fired: tuple[str, ...] = ()) -> None:
        super().__init__(step)
        self.step = step
        self.fired = fired


def _is_safe(value: object) -> bool:
    """Whether the package reads the value: what it cannot read, such as 1e-7, is a crash."""
    if isinstance(value, str):
        return value.isascii() and value.isalnum()
    return type(value) is int and abs(value) < 2**63


def _number(error: Exception) -> str:
    """The kind of an exception and, if it is of the extension, its error number."""
    number = str(error).rpartition("error code: ")[2]
    kind = type(error).__name__
    return f"{kind} {number}" if number.isdecimal() else kind


def _still_host() -> Any:
    """A host without the two timer threads that would fire actions behind our back."""

    def run(_: object) -> None:
        """Start nothing."""

    return type("StillHost", (native.Host,), {"_run": run})()
