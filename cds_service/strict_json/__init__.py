"""JSON without surprises: exact numbers, no duplicate keys, nothing that Python adds to the format.

What the standard library would let pass (NaN, a key given twice, a number that fills the memory)
is refused here with the path of the place, so that no later part has to think about it.
"""

from __future__ import annotations

from cds_service.strict_json.limits import JSON, MAX_EXPONENT, JSONError, under
from cds_service.strict_json.reading import parse
from cds_service.strict_json.writing import Shape, dumps, plain

__all__ = ["JSON", "MAX_EXPONENT", "JSONError", "Shape", "dumps", "parse", "plain", "under"]
