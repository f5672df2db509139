"""The lock refuses a rule that says something else under a version somebody may have signed."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import date

from cds_service.rulebook.lock import (
    Locked,
    lock_complaints,
    locked,
    read_lock,
    said_hash,
    unlocked,
    write_lock,
)
from cds_service.rulebook.model import Change, Rulebook
from tests.rule_builders import rule as a_rule


def rule(**changes):
    return replace(
        a_rule(), changed=(Change("1.0.0", date(2026, 11, 22), "First version."),), **changes
    )


def book(*rules):
    return Rulebook({each.id: each for each in rules}, (), {}, "")


def test_a_written_lock_holds_what_was_locked(tmp_path):
    before = book(rule())
    write_lock(before, tmp_path)

    assert unlocked(before, read_lock(tmp_path)) == []


def test_without_a_lock_every_rule_is_unlocked(tmp_path):
    assert unlocked(book(rule()), read_lock(tmp_path)) == [rule().id]


def test_another_text_under_the_same_version_is_refused():
    lock = {rule().id: locked(rule())}

    (complaint,) = lock_complaints(book(rule(why="Because.")), lock)

    assert "higher version" in complaint


def test_a_higher_version_may_say_something_else():
    lock = {rule().id: locked(rule())}
    moved = replace(
        rule(why="Because."),
        version="1.1.0",
        changed=(Change("1.1.0", date(2026, 11, 23), "Says why."), *rule().changed),
    )

    assert list(lock_complaints(book(moved), lock)) == []
    assert unlocked(book(moved), lock) == [moved.id]


def test_a_version_dated_before_the_one_it_follows_is_refused():
    lock = {rule().id: locked(rule())}
    moved = replace(
        rule(why="Because."), version="1.1.0", changed=(Change("1.1.0", date(2026, 1, 1), "x"),)
    )

    (complaint,) = lock_complaints(book(moved), lock)

    assert "dated before" in complaint


def test_a_deleted_rule_is_missed():
    (complaint,) = lock_complaints(book(), {"INO-X-01": Locked("1.0.0", "2026-11-22", "")})

    assert "retired, not deleted" in complaint


def test_its_own_cases_and_a_signature_are_not_what_a_rule_says():
    signed = replace(rule(), sign_off=replace(rule().sign_off, by="A. Pharmacist"))

    assert said_hash(signed) == said_hash(rule())


def test_the_hash_is_the_same_in_every_process():
    """
    Python salts its own hashes anew in each process; none of them may leak into the lock.
    """
    check = [sys.executable, "-m", "cds_service", "rules", "lock", "--check"]
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(check, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
