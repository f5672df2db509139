"""From FHIR to facts: one file per corner of the chart."""

from cds_service.facts.extract.chart import read_chart
from cds_service.facts.extract.prefetch import templates

__all__ = ["read_chart", "templates"]
