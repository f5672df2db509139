"""A call does not come to cost much more than it does, and no phase is measured that is gone.

No clock decides: functions are counted, and processor time is compared with that of the bare
endpoint, best of many, with a wide margin. The table stands at the end of the output of every run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask

from benchmarks import seams
from benchmarks.guard import rows
from cds_service.app import create_app
from cds_service.fhir.access import FHIRAccess
from cds_service.outbound import Outbound
from cds_service.settings import Settings
from cds_service.store.card_log import open_card_log
from cds_service.store.schema import upgrade_store
from tests.story import NOW


@pytest.fixture
def served_app(tmp_path: Path) -> Iterator[Flask]:
    """The service as it is served, with a card log of its own; its clock stands still."""
    settings = Settings.from_environment({"CDS_VAR_DIR": str(tmp_path)})
    numbers = count(1)
    upgrade_store(settings.database_url)
    card_log = open_card_log(settings.database_url, settings.var_dir, in_background=False)
    yield create_app(
        settings,
        clock=lambda: NOW,
        new_id=lambda: str(UUID(int=next(numbers), version=4)),
        card_log=card_log,
        fhir=FHIRAccess(Outbound(), settings.fhir_deadline_ms),
    )
    card_log.close()


def test_a_call_costs_no_more_than_it_may(
    served_app: Flask, record_property: Callable[[str, object], None]
) -> None:
    """After a change that is worth its price: raise the bound in ``benchmarks/guard.py``."""
    table = rows(served_app, NOW)
    told = "\n".join(map(str, table))
    record_property("speed", told)

    assert all(row.is_within for row in table), told


def test_a_phase_whose_function_is_gone_is_not_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    renamed = (*seams.SEAMS, ("derive", "cds_service.decide", "answer_nothing"))
    monkeypatch.setattr(seams, "SEAMS", renamed)

    with (
        pytest.raises(LookupError, match=r"decide\.answer_nothing is gone"),
        seams.observed(seams.Following()),
    ):
        pass


def test_a_phase_whose_function_is_called_no_more_is_not_left_out() -> None:
    with pytest.raises(LookupError, match="no call goes through"):
        seams.expect_all(set())
