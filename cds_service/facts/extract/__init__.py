"""From FHIR to facts: one file per corner of the chart."""

from cds_service.facts.extract.chart import read_chart
from cds_service.facts.extract.prefetch import asked_analytes, templates

__all__ = ["asked_analytes", "read_chart", "templates"]
