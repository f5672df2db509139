"""What durable-rules was seen to do, and that it cannot do it here."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from cds_service.engine import durable
from cds_service.engine.compile import MAX_CLAUSES, compile_rules
from cds_service.engine.durable import (
    CLAIMED,
    LAST_TO_FIRE,
    SESSION,
    DurableEngine,
    engine_state,
)
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
from tests.engine_cases import random_answers, random_rules

PLACED = clause(ORDER, test("placed", "is", True), name="order")
HIGH = clause(ALT, test("times_uln", "gt", "1.5"), name="alt")
RULE = rule(variant(PLACED, HIGH))
FIRES = answers(answer(ORDER, reading(placed=True)), answer(ALT, reading(times_uln=exactly("2"))))
SILENT = answers(answer(ORDER, reading(placed=True)), answer(ALT, reading(times_uln=exactly("1"))))
FOUND = frozenset({Finding("INO-T-01", "only")})


@pytest.fixture
def engine():
    return DurableEngine.of([[RULE]])


def native_host(engine):
    """The package's own host inside an engine that has been asked once."""
    engine.prove()
    (built,) = engine._built.values()
    return built._host


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


def test_the_claiming_rule_does_not_ask_for_names_of_the_engine():
    """
    Its state message carries "id" and "sid" and is told anew after every action: a rule that
    claims those fires without end.
    """
    assert not {"id", "sid", "$s"} & set(CLAIMED)


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
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }

    done = subprocess.run([sys.executable, "-c", program], env=environment, check=False)

    assert done.returncode == 0


def test_a_lost_action_is_noticed(engine):
    """
    The last rule to fire tells that all others had their turn.
    """
    for ruleset in native_host(engine)._ruleset_list:
        ruleset._actions[LAST_TO_FIRE]._func = lambda _: None

    with pytest.raises(EngineError, match="act clauses0"):
        engine.findings([RULE], FIRES)


def test_the_host_starts_no_thread(engine):
    before = threading.active_count()

    native_host(engine)

    assert threading.active_count() == before


def test_actions_take_exactly_one_argument(engine):
    (ruleset, *_) = native_host(engine)._ruleset_list

    assert all(action._sync for action in ruleset._actions.values())


def test_one_fact_may_satisfy_two_clauses():
    """
    By default it may not, and the rule would stay silent.
    """
    both = rule(variant(HIGH, clause(ALT, test("times_uln", "lt", "9"))))

    assert DurableEngine.of([[both]]).findings([both], FIRES) == FOUND


def test_every_rule_lets_one_fact_satisfy_two_clauses(engine):
    for ruleset in native_host(engine)._ruleset_list:
        assert all(rule_["dist"] == 0 for rule_ in ruleset.get_definition().values())


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
    ids = [str(number) for number in range(20_000)]

    assert len({fnv(id_) for id_ in ids}) == len(ids)


def test_no_two_properties_share_a_hash():
    names = [f"{sort}{number}" for sort in "lhw" for number in range(50)]
    names += ["id", "sid", "q", "c", "evaluate", "$s", *CLAIMED]

    assert len({fnv(name) for name in names}) == len(names)


def test_there_is_one_session_and_it_is_gone_afterwards(engine):
    host = native_host(engine)
    engine.findings([RULE], FIRES)

    for ruleset in host._ruleset_list:
        with pytest.raises(Exception, match="error code: 309"):
            ruleset.get_state(SESSION)


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


def test_what_reaches_the_engine_is_integers_and_short_words():
    program = compile_rules(random_rules(Random(1), 20))

    for fact in program.readings(random_answers(Random(1))):
        assert all(type(value) in (int, str) for value in fact.values())
        assert all(len(value) <= 3 for value in fact.values() if isinstance(value, str))


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
    built = built_of(engine)
    fired = []
    orders = [reading(placed=True, cycle=exactly(str(n))) for n in range(50)]
    results = [reading(times_uln=exactly(str(n))) for n in range(2, 52)]
    many = answers(answer(ORDER, *orders), answer(ALT, *results))
    whole = built._assert

    def counting(rule_set, messages):
        whole(rule_set, messages)
        fired.append(len(built._fired))

    monkeypatch.setattr(built, "_assert", counting)

    assert engine.findings([RULE], many) == FOUND
    assert fired == [51, 1]


def built_of(engine):
    engine.prove()
    (built,) = engine._built.values()
    return built


def make_actions_raise(engine):
    """Every action of the second step fails, as memory might."""
    for ruleset in native_host(engine)._ruleset_list:
        if ruleset._name.startswith("variants"):
            for action in ruleset._actions.values():
                action._func = failing_action


def failing_action(_):
    raise MemoryError("the patient's value is 4.2")


def test_an_exception_in_an_action_is_a_failure_that_is_said(engine, caplog):
    """
    The package swallows it into its state and goes on.
    """
    make_actions_raise(engine)

    with pytest.raises(EngineError, match=r"^act variants0$"):
        engine.findings([RULE], FIRES)

    assert "4.2" not in caplog.text
    assert engine.available


def test_a_failure_in_the_engine_loses_no_card(engine, caplog):
    make_actions_raise(engine)
    failures = []

    (verdict,) = judge([RULE], FIRES, engine, on_failure=lambda: failures.append(1))

    assert verdict.outcome == "fires"
    assert failures == [1]
    assert [record.message for record in caplog.records] == ["engine failed"]


def test_actions_cut_short_are_a_failure(engine, monkeypatch):
    """
    After ten seconds the package drops the remaining actions and returns nothing but 0.
    """
    engine.prove()
    clock = iter(range(0, 10_000, 11))
    monkeypatch.setattr(durable.native, "_unix_now", lambda: next(clock))

    with pytest.raises(EngineError, match="act clauses0"):
        engine.findings([RULE], FIRES)


def test_the_package_measures_time_by_a_clock_that_never_jumps():
    """
    By the wall clock, the change to summer time would cut all actions short.
    """
    assert durable.native._unix_now is time.monotonic


def test_the_text_of_an_exception_is_dropped(engine, monkeypatch, caplog):
    """
    The package writes every fact into it.
    """

    def refuse(name, facts):
        raise durable.native.MessageNotHandledException(facts)

    monkeypatch.setattr(native_host(engine), "assert_facts", refuse)

    with pytest.raises(EngineError) as failed:
        engine.findings([RULE], FIRES)

    assert str(failed.value) == "assert clauses0, MessageNotHandledException"
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__
    assert caplog.text == ""


@pytest.mark.parametrize("poison", [1e-7, 1.5, 10**30, True, None, 'a "word"', "ä", ""])
def test_a_poisoned_fact_is_a_failure_and_the_next_call_is_served(engine, poison):
    """
    A value that the package cannot read would end the process; none is told to it.
    """
    with pytest.raises(EngineError, match="more than integers and words"):
        built_of(engine).findings([{"q": "1", "l0": poison}])

    assert engine.available
    assert engine.findings([RULE], FIRES) == FOUND


def test_what_was_found_before_a_failure_is_kept(engine, monkeypatch):
    built = built_of(engine)
    whole = built._assert

    def fails_afterwards(rule_set, messages):
        whole(rule_set, messages)
        if rule_set.startswith("variants"):
            raise durable._StepError("act")

    monkeypatch.setattr(built, "_assert", fails_afterwards)

    with pytest.raises(EngineError) as failed:
        engine.findings([RULE], FIRES)

    assert failed.value.found == FOUND


def test_a_session_that_cannot_be_deleted_ends_the_use_of_the_engine(engine, monkeypatch, caplog):
    """
    Its facts would meet those of the next patient.
    """

    def refuse(name, sid):
        raise RuntimeError("error code: 307")

    monkeypatch.setattr(native_host(engine), "delete_state", refuse)

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
