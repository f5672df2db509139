"""What durable-rules was seen to do, and that it cannot do it here."""

import json
import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.engine import durable
from cds_service.engine.compile import MAX_CLAUSES, compile_rules
from cds_service.engine.durable import DurableEngine, engine_state
from cds_service.engine.groups import MAX_BRANCHES, MAX_NAMES, SESSION, fact
from cds_service.engine.judge import judge
from cds_service.engine.port import EngineError, Finding
from cds_service.facts.answers import Question
from cds_service.facts.interval import Interval
from tests.engine_builders import (
    ALT,
    ORDER,
    answer,
    answers,
    between,
    clause,
    exactly,
    number,
    reading,
    rule,
    test,
    variant,
)
from tests.engine_cases import FLAGS, NUMBERS, WORDS, random_answers, random_rules

PLACED = clause(ORDER, test("placed", "is", True), name="order")
HIGH = clause(ALT, test("times_uln", "gt", "1.5"), name="alt")
RULE = rule(variant(PLACED, HIGH))
FIRES = answers(answer(ORDER, reading(placed=True)), answer(ALT, reading(times_uln=exactly("2"))))
SILENT = answers(answer(ORDER, reading(placed=True)), answer(ALT, reading(times_uln=exactly("1"))))
FOUND = frozenset({Finding("INO-T-01", "only")})
ROOT = Path(__file__).parents[1]


@pytest.fixture
def engine():
    return DurableEngine.of([[RULE]])


class Native:
    """The extension, but for what is given here."""

    def __init__(self, **instead):
        self.__dict__.update(instead)

    def __getattr__(self, name):
        return getattr(REAL, name)


REAL = durable.native


def built_of(engine):
    """The native rule sets of an engine, built if they are not."""
    engine.prove()
    (built,) = engine._built.values()
    return built


def rule_sets(engine):
    built = built_of(engine)
    return [*built._clause_sets, *built._variant_sets]


def test_a_rule_fires_when_all_its_clauses_hold(engine):
    assert engine.findings([RULE], FIRES) == FOUND
    assert engine.findings([RULE], SILENT) == frozenset()


def test_nothing_of_one_patient_is_left_for_the_next(engine):
    """
    The order of one and the result of the other must not meet.
    """
    order_only = answers(answer(ORDER, reading(placed=True)), answer(ALT))
    result_only = answers(answer(ORDER), answer(ALT, reading(times_uln=exactly("2"))))

    for _ in range(3):
        assert engine.findings([RULE], order_only) == frozenset()
        assert engine.findings([RULE], result_only) == frozenset()


def test_no_facts_at_all_is_no_crash(engine):
    """
    An empty list of facts would be a segmentation fault.
    """
    assert engine.findings([RULE], answers(answer(ORDER), answer(ALT))) == frozenset()


def test_a_fact_that_no_rule_asks_for_costs_nothing(engine):
    """
    One rule claims every fact; otherwise the whole batch would be refused.
    """
    odd = answers(
        answer(ORDER, reading(placed=False)), answer(ALT, reading(times_uln=between("1", "2")))
    )

    assert engine.findings([RULE], odd) == frozenset()


def test_something_fires_in_every_session_from_the_first_on(engine):
    """
    Deleting a session in which nothing ever fired frees a pointer that was never set. With a
    memory allocator that fills what it hands out, that ends the process at once.
    """
    program = """
from tests.engine_builders import *
from cds_service.engine.durable import DurableEngine
RULE = rule(variant(clause(ALT, test("times_uln", "gt", "1.5"))))
engine = DurableEngine.of([[RULE]])
for _ in range(5):
    assert not engine.findings([RULE], answers(answer(ALT, reading(times_uln=exactly("1")))))
"""
    environment = os.environ | {
        "MALLOC_PERTURB_": "165",
        "PYTHONPATH": str(ROOT),
    }

    done = subprocess.run([sys.executable, "-c", program], env=environment, check=False)

    assert done.returncode == 0


def test_a_lost_firing_is_noticed(engine, monkeypatch):
    """
    The last rule to fire tells that all others had their turn.
    """
    engine.prove()
    monkeypatch.setattr(durable, "native", Native(complete_and_start_action=lambda *_: None))

    with pytest.raises(EngineError, match=r"^act clauses0$"):
        engine.findings([RULE], FIRES)


@pytest.mark.parametrize(
    "told", ["", "1e-7", "1.5", "true", '"5"', "1}", "1]", "9" * 20, "\u0663", "1 "]
)
def test_a_fact_that_cannot_be_read_is_never_told(engine, told):
    """
    It would end the reading of all after it, without a word, and the process with it.
    """
    built = built_of(engine)

    with pytest.raises(EngineError, match=r"^tell clauses0 more than integers$"):
        built.findings({0: [f',"l0":{told}']})

    assert engine.findings([RULE], FIRES) == FOUND


def test_firing_without_end_is_noticed(engine, monkeypatch):
    engine.prove()
    again = Native(complete_and_start_action=lambda *_: '{"p0":{"m":{"sid":"0","id":"0"}}}')
    monkeypatch.setattr(durable, "native", again)

    with pytest.raises(EngineError, match=r"^act clauses0$"):
        engine.findings([RULE], FIRES)


def test_the_package_around_the_extension_is_not_loaded():
    """
    It starts two threads that would fire rules behind our back, drops what is left to fire after
    ten seconds, and swallows exceptions.
    """
    program = """
import sys
from tests.test_engine_durable import DurableEngine, RULE, FIRES
assert DurableEngine.of([[RULE]]).findings([RULE], FIRES)
assert "durable" not in sys.modules
"""

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)

    assert done.returncode == 0


def test_no_thread_is_started(engine):
    before = threading.active_count()

    engine.prove()

    assert threading.active_count() == before


def test_one_reading_may_satisfy_two_clauses():
    """
    Two facts joined by a rule may not be the same by default; here no rule joins any.
    """
    both = rule(variant(HIGH, clause(ALT, test("times_uln", "lt", "9"))))

    assert DurableEngine.of([[both]]).findings([both], FIRES) == FOUND


def test_no_rule_joins_facts():
    program = compile_rules(random_rules(Random(1), 20))

    for rule_set in (*program.clause_sets, *program.variant_sets):
        for condition in rule_set.conditions.values():
            assert len(durable._rule(condition)["all"]) == 1


def fnv(text):
    """The 32-bit hash by which the package looks up sessions, messages and names."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def test_no_two_messages_share_a_hash():
    """
    The package compares the hash only: two messages that share it would be one.
    """
    ids = ["last", f"sid-{SESSION}", *(str(number) for number in range(20_000))]

    assert len({fnv(id_) for id_ in ids}) == len(ids)


def test_no_two_properties_share_a_hash():
    """
    Of one group, beside the names of all groups.
    """
    names = [f"{sort}{number}" for sort in "lhwq" for number in range(2 * MAX_BRANCHES)]
    names += [f"c{number}" for number in range(MAX_NAMES + MAX_CLAUSES)]
    names += [f"g{number}" for number in range(2_000)]
    names += ["id", "sid", "evaluate", "$s"]

    assert len({fnv(name) for name in names}) == len(names)


def test_there_is_one_session_and_it_is_gone_afterwards(engine):
    engine.findings([RULE], FIRES)

    for rule_set in rule_sets(engine):
        with pytest.raises(Exception, match="error code: 309"):
            REAL.get_state(rule_set._handle, SESSION)


@pytest.mark.parametrize("limit", ["1.8", "1000000000000", "-1000000000000", "0.000001"])
def test_integers_are_compared_exactly_up_to_the_greatest(limit):
    """
    A float would not tell the greatest limits from their neighbours.
    """
    above = rule(variant(clause(ALT, test("value", "gt", limit))))
    engine = DurableEngine.of([[above]])

    def fires(value):
        return engine.findings(
            [above], answers(answer(ALT, reading(value=Interval.exactly(value))))
        )

    assert not fires(number(limit))
    assert fires(number(limit) + number("0.0000000001"))


SAFE = re.compile(r'\{"id":"\d+","sid":"0","g\d+":1(,"[lhwqc]\d+":-?\d{1,19})*\}')
names = st.sampled_from((*NUMBERS, *FLAGS, *WORDS))
poison = st.sampled_from(
    (1e-7, 1.5, 10**30, True, None, 'a "word"', "ä", "", '1,"g0":1', b"1", float("nan"))
)


@given(st.randoms(use_true_random=True, note_method_calls=False), st.data())
def test_what_reaches_the_engine_is_integers(random, data):
    """
    Whatever a reading holds: a value that the extension cannot read would end the process.
    """
    program = compile_rules(random_rules(random, 5))
    poisoned = {
        question: replace(
            answer,
            readings=tuple(
                replace(each, fields={**each.fields, data.draw(names): data.draw(poison)})
                for each in answer.readings
            ),
        )
        for question, answer in random_answers(random).items()
    }

    for group, facts in program.readings(poisoned)[0].items():
        for text in facts:
            told = fact(0, group, text)
            assert SAFE.fullmatch(told)
            assert all(abs(each) < 2**63 for each in json.loads(told).values() if each != "0")


def test_sixty_five_limits_on_one_analyte_are_no_error():
    """
    A fact that reaches more than 64 branches of one rule set is refused by the package.
    """
    many = [
        rule(variant(clause(ALT, test("times_uln", "gte", str(number)))), id=f"INO-T-{number:03}")
        for number in range(150)
    ]
    engine = DurableEngine.of([many])

    engine.prove()

    found = engine.findings(many, answers(answer(ALT, reading(times_uln=exactly("149")))))
    assert len(found) == 150


def test_many_words_on_one_field_are_no_error():
    words = [clause(ALT, test("state", "in", {f"{n}-{k}" for k in range(25)})) for n in range(12)]
    many = [rule(variant(one), id=f"INO-T-{number:03}") for number, one in enumerate(words)]
    engine = DurableEngine.of([many])

    found = engine.findings(many, answers(answer(ALT, reading(state="7-3"))))

    assert found == {Finding("INO-T-007", "only")}


def test_a_rule_of_the_most_clauses_fires():
    questions = [Question("lab", (("analyte", str(number)),)) for number in range(MAX_CLAUSES)]
    longest = rule(variant(*(clause(question) for question in questions)))

    found = DurableEngine.of([[longest]]).findings(
        [longest], answers(*(answer(question, reading()) for question in questions))
    )

    assert found == FOUND


def test_many_readings_do_not_multiply(engine, monkeypatch):
    """
    Joined in one step, fifty orders and fifty results would fire 2,500 times.
    """
    engine.prove()
    fired = []
    orders = [reading(placed=True, cycle=exactly(str(n))) for n in range(50)]
    results = [reading(times_uln=exactly(str(n))) for n in range(2, 52)]
    many = answers(answer(ORDER, *orders), answer(ALT, *results))

    def counting(*action):
        fired.append(action)
        return REAL.complete_and_start_action(*action)

    monkeypatch.setattr(durable, "native", Native(complete_and_start_action=counting))

    assert engine.findings([RULE], many) == FOUND
    assert len(fired) == 51 + 1 + 2


def fail_in_the_second_step(engine, monkeypatch, after=0):
    """The extension fails there, as it might when memory is short."""
    variants = {each._handle for each in built_of(engine)._variant_sets}
    calls = []

    def failing(handle, state):
        calls.append(handle)
        if handle in variants and calls.count(handle) > after:
            raise MemoryError("the patient's value is 4.2")
        return REAL.complete_and_start_action(handle, state)

    monkeypatch.setattr(durable, "native", Native(complete_and_start_action=failing))


def test_a_failure_of_the_extension_is_said_without_its_text(engine, monkeypatch, caplog):
    fail_in_the_second_step(engine, monkeypatch)

    with pytest.raises(EngineError, match=r"^assert variants0, MemoryError$"):
        engine.findings([RULE], FIRES)

    assert "4.2" not in caplog.text
    assert engine.available


def test_a_failure_in_the_engine_loses_no_card(engine, monkeypatch, caplog):
    fail_in_the_second_step(engine, monkeypatch)
    failures = []

    (verdict,) = judge([RULE], FIRES, engine, on_failure=lambda: failures.append(1))

    assert verdict.outcome == "fires"
    assert failures == [1]
    assert [record.message for record in caplog.records] == ["engine failed"]


def test_the_text_of_an_exception_is_dropped(engine, monkeypatch, caplog):
    """
    It may hold facts.
    """
    engine.prove()

    def refuse(handle, facts):
        raise ValueError(facts)

    monkeypatch.setattr(durable, "native", Native(assert_facts=refuse))

    with pytest.raises(EngineError) as failed:
        engine.findings([RULE], FIRES)

    assert str(failed.value) == "assert clauses0, ValueError"
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__
    assert caplog.text == ""


def test_what_the_first_step_found_before_the_second_failed_is_kept(monkeypatch):
    alone = rule(variant(HIGH), id="INO-T-02")
    engine = DurableEngine.of([[RULE, alone]])
    fail_in_the_second_step(engine, monkeypatch)

    with pytest.raises(EngineError) as failed:
        engine.findings([RULE, alone], FIRES)

    assert failed.value.found == FOUND | {Finding("INO-T-02", "only")}


def test_what_was_found_before_a_failure_is_kept(engine, monkeypatch):
    fail_in_the_second_step(engine, monkeypatch)

    with pytest.raises(EngineError) as failed:
        engine.findings([RULE], FIRES)

    assert failed.value.found == FOUND


def test_a_fact_told_twice_is_a_failure(engine, monkeypatch):
    """
    The second would be dropped.
    """
    engine.prove()
    monkeypatch.setattr(durable, "fact", lambda number, group, text: fact(0, group, text))
    twice = answers(
        answer(ORDER, reading(placed=True)),
        answer(ALT, reading(times_uln=exactly("2")), reading(times_uln=exactly("3"))),
    )

    with pytest.raises(EngineError, match="act clauses0"):
        engine.findings([RULE], twice)


def test_a_session_that_cannot_be_deleted_ends_the_use_of_the_engine(engine, monkeypatch, caplog):
    """
    Its facts would meet those of the next patient.
    """

    engine.prove()

    def refuse(handle, sid):
        raise RuntimeError("error code: 307")

    monkeypatch.setattr(durable, "native", Native(delete_state=refuse))

    with pytest.raises(EngineError, match="delete clauses0"):
        engine.findings([RULE], FIRES)

    assert not engine.available
    assert engine_state(engine).startswith("plain evaluator alone: a session could not be deleted")
    assert [record.message for record in caplog.records] == ["engine not available"]
    assert judge([RULE], FIRES, engine)[0].outcome == "fires"


def test_rules_that_cannot_be_built_leave_the_plain_evaluator_alone(engine, monkeypatch):
    monkeypatch.setattr(durable._Built, "prove", cannot_stand)

    assert engine_state(engine) == (
        "plain evaluator alone: the rules cannot be loaded: assert clauses0, error 303"
    )
    assert judge([RULE], FIRES, engine)[0].outcome == "fires"


def cannot_stand(_):
    raise EngineError("assert clauses0, error 303")


def test_without_the_extension_the_plain_evaluator_serves(monkeypatch, caplog):
    monkeypatch.setattr(durable, "native", None)
    engine = DurableEngine.of([[RULE]])

    assert engine_state(engine) == (
        "plain evaluator alone: the durable-rules extension cannot be imported"
    )
    assert judge([RULE], FIRES, engine)[0].outcome == "fires"
    with pytest.raises(EngineError, match="cannot be imported"):
        engine.findings([RULE], FIRES)


def test_both_evaluators_are_named_when_both_judge(engine):
    assert engine_state(engine) == "durable-rules and plain evaluator"
    assert engine_state(None) == "plain evaluator alone"


def test_rules_that_were_not_compiled_are_not_judged_by_others(engine):
    """
    A changed rule under the same id would be judged by its old text.
    """
    changed = rule(variant(PLACED))

    with pytest.raises(EngineError, match="these rules were not compiled"):
        engine.findings([changed], FIRES)
    with pytest.raises(EngineError, match="these rules were not compiled"):
        engine.findings([rule(variant(PLACED), id="INO-T-02")], FIRES)


def test_rule_sets_are_built_once(engine):
    """
    They are never freed.
    """
    first = built_of(engine)
    engine.findings([RULE], FIRES)

    assert built_of(engine) is first


def test_a_child_process_builds_its_own_rule_sets(engine):
    first = built_of(engine)
    engine._process -= 1  # as after a fork: the rule sets belong to another process

    assert engine.findings([RULE], FIRES) == FOUND
    assert built_of(engine) is not first


def test_a_fork_while_the_lock_is_held_does_not_stop_the_child(engine):
    engine.prove()
    with durable._one_at_a_time:
        child = os.fork()
        if child == 0:
            os._exit(0 if engine.findings([RULE], FIRES) == FOUND else 1)
        _, status = os.waitpid(child, 0)

    assert status == 0


def test_eight_threads_find_what_one_finds():
    random = Random(8)
    rules = random_rules(random, 20)
    engine = DurableEngine.of([rules])
    charts = [random_answers(random) for _ in range(400)]
    alone = [engine.findings(rules, chart) for chart in charts]

    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda chart: engine.findings(rules, chart), charts))

    assert together == alone
    assert any(alone)
