"""How the whole suite runs: the same examples every time, and no clock that fails a test.

`pytest --hypothesis-profile=explore` draws new examples instead.
"""

from itertools import count
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from hypothesis import settings

from cds_service.app import create_app
from cds_service.settings import Settings
from tests.story import NOW

settings.register_profile("suite", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def client() -> FlaskClient:
    """The whole service with the bundled rules; its clock stands still at ``story.NOW``."""
    numbers = count(1)
    app = create_app(
        Settings(), clock=lambda: NOW, new_id=lambda: str(UUID(int=next(numbers), version=4))
    )
    return app.test_client()
