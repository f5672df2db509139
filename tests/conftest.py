"""How the whole suite runs: the same examples every time, and no clock that fails a test.

`pytest --hypothesis-profile=explore` draws new examples instead.
"""

from hypothesis import settings

settings.register_profile("suite", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile("suite")
