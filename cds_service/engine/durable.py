"""durable-rules, used so that it neither drops a card, nor mixes patients, nor ends the process.

Its rule engine is an extension in C, and we talk to that alone. What the package puts around it
in Python starts timer threads, gives up after ten seconds, swallows exceptions and writes every
fact into the text of its own, at ten times the cost. Every odd line below is there for something
the extension was seen to do; the tests hold each. Where it cannot be imported the plain evaluator
carries the service alone, and says so.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import chain
from operator import is_
from threading import Lock
from typing import Any

from cds_service.engine.compile import Program, Told, compile_rules
from cds_service.engine.groups import SESSION, Expression, RuleSet, fact
from cds_service.engine.packing import packed
from cds_service.engine.port import Engine, EngineError, Finding
from cds_service.engine.verdict import Answers
from cds_service.rulebook.model import Rule

try:
    import durable_rules_engine as native
except ImportError:
    native = None

log = logging.getLogger("cds_service.engine")

# Every session ends with this rule firing, after all others (lower priority), on the last fact.
# Without it we would not know that none was lost: a fact that cannot be read ends the reading of
# all after it without a word. And deleting a session in which nothing ever fired frees a pointer
# that was never set, which corrupts memory.
LAST_TO_FIRE = "all-told"
ALL_TOLD: Expression = {"evaluate": 1}
# What the extension cannot read ends the reading of all after it, without a word; then nothing
# fires, and deleting the session may end the process.
_READABLE = re.compile(r'(?:,"[a-z]++\d++":-?\d{1,19}+)*+', re.ASCII)
LAST_FACT = f'{{"id":"last","sid":"{SESSION}","evaluate":1}}'

# What an assertion returns when all is well: 1 says that some fact is of no interest to any rule.
# 2 would say that a fact of that number was there before.
HEEDED = (0, 1)


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
        self._programs = tuple(programs)
        self._built: dict[int, _Built] = {}
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
        """Every variant that certainly fires, a question without an answer taken to favour it.

        Raises:
            EngineError: when it could not finish, or the rules are not among those compiled.
        """
        same = (n for n, each in enumerate(self._programs) if _are_the_same(each.rules, rules))
        number = next(same, None)
        if number is None:
            raise EngineError("these rules were not compiled")
        readings, unasked = self._programs[number].readings(answers)
        with _one_at_a_time:
            return self._ready(number).findings(readings, unasked)

    def prove(self) -> None:
        """Build all rule sets in this process and show each the worst facts there can be.

        Raises:
            EngineError: when one cannot be built or cannot stand them; the engine is then not
                available.
        """
        with _one_at_a_time:
            for number in range(len(self._programs)):
                self._ready(number)

    def _ready(self, number: int) -> _Built:
        if self._process != os.getpid():
            self._built, self._process = {}, os.getpid()
        if not self.available:
            raise EngineError(self.why_not)
        if number not in self._built:
            self._built[number] = self._build(self._programs[number])
        return self._built[number]

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


def _are_the_same(compiled: Sequence[Rule], rules: Sequence[Rule]) -> bool:
    """Not only equal: to compare two rules word by word would cost more than to judge them."""
    return len(compiled) == len(rules) and all(map(is_, compiled, rules))


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
        self._clause_sets = [
            _Native(f"clauses{number}", rule_set, broken)
            for number, rule_set in enumerate(program.clause_sets)
        ]
        self._variant_sets = [
            _Native(f"variants{number}", rule_set, broken)
            for number, rule_set in enumerate(program.variant_sets)
        ]

    def findings(self, readings: Told, unasked: Sequence[str] = ()) -> frozenset[Finding]:
        """Both steps. What was found before a failure goes with the exception."""
        fired: list[str] = []
        try:
            _judge(self._clause_sets, readings, fired)
            fired = list(dict.fromkeys([*fired, *unasked]))
            _judge(self._variant_sets, self._program.holding(fired), fired)
        except EngineError as failed:
            raise EngineError(str(failed), self._meaning(fired)) from None
        return self._meaning(fired)

    def prove(self) -> None:
        """Show every rule set the worst facts there can be."""
        _judge(self._clause_sets, self._program.worst_readings(), [])
        _judge(self._variant_sets, self._program.holding(self._program.places), [])

    def _meaning(self, fired: Iterable[str]) -> frozenset[Finding]:
        findings = self._program.findings
        names = findings.keys() & fired
        return frozenset(chain.from_iterable(map(findings.__getitem__, names)))


def _judge(rule_sets: Iterable[_Native], told: Told, fired: list[str]) -> None:
    """Add the names of all rules that fire."""
    for each in rule_sets:
        each.judge(told, fired)


class _Native:
    """One rule set within the extension. It is never freed."""

    def __init__(self, name: str, rule_set: RuleSet, broken: Callable[[str], None]) -> None:
        self._name = name
        self._groups = rule_set.groups
        self._broken = broken
        packs = {f"p{n}": pack for n, pack in enumerate(packed(rule_set.conditions))}
        self._rules = {
            name: {group: rule for group, (rule, _) in pack.rules.items()}
            for name, pack in packs.items()
        }
        rules = {name: _rule(pack.condition) for name, pack in packs.items()}
        rules[LAST_TO_FIRE] = _rule(ALL_TOLD) | {"pri": 1}
        try:
            self._handle = native.create_ruleset(name, json.dumps(rules))
        except Exception as error:
            raise EngineError(f"build {name}, {_number(error)}") from None
        # The first session of all must not fail before something fired; see LAST_TO_FIRE.
        self._assert([], [])

    def judge(self, told: Told, fired: list[str]) -> None:
        """Add the rules that fire on the facts of this rule set's groups."""
        facts = [(group, text) for group in self._groups for text in told.get(group, ())]
        if not all(_READABLE.fullmatch(text) for _, text in facts):
            raise EngineError(f"tell {self._name} more than integers")
        if facts:
            self._assert(facts, fired)

    def _assert(self, facts: Sequence[tuple[int, str]], fired: list[str]) -> None:
        """Assert, collect, forget. The text of an exception may hold facts: it is dropped."""
        said = [fact(number, group, text) for number, (group, text) in enumerate(facts)]
        last = ""
        try:
            result, state = native.assert_facts(self._handle, f"[{','.join([*said, LAST_FACT])}]")
            if result in HEEDED:
                last = self._collect(state, facts, fired)
        except Exception as error:
            raise EngineError(f"assert {self._name}, {_number(error)}") from None
        finally:
            self._forget()
        if last != LAST_TO_FIRE:
            raise EngineError(f"act {self._name}")

    def _collect(self, state: int, facts: Sequence[tuple[int, str]], fired: list[str]) -> str:
        """Add the rules that fire, and return what fired last.

        A firing is ``{"p1":{"m":{"id":"7","sid":"0", …``: the pack, and the number of the fact.
        """
        last, handle, rules = "", self._handle, self._rules
        following = native.complete_and_start_action
        started = native.start_action_for_state(handle, state)
        firing = started and started[1]
        for _ in range((len(rules) + 1) * (len(facts) + 1)):
            if not firing:
                break
            _, last, _, _, _, _, _, number, _ = firing.split('"', 8)
            if last != LAST_TO_FIRE:
                fired.append(rules[last][facts[int(number)][0]])
            firing = following(handle, state)
        return last

    def _forget(self) -> None:
        """Delete the session. If that fails its facts would meet the next patient's: stop for good.

        Raises:
            EngineError: when the session could not be deleted.
        """
        try:
            native.delete_state(self._handle, SESSION)
        except Exception as error:
            # 309: there is no such session, the assertion failed before it made one.
            if _number(error).endswith(" 309"):
                return
            step = f"delete {self._name}, {_number(error)}"
            self._broken(f"a session could not be deleted: {step}")
            raise EngineError(step) from None


def _rule(condition: Expression) -> dict[str, Any]:
    return {"all": [{"m": condition}]}


def _number(error: Exception) -> str:
    """The kind of an exception and, if it is of the extension, its error number."""
    number = str(error).rpartition("error code: ")[2]
    kind = type(error).__name__
    return f"{kind} {number}" if number.isdecimal() else kind
