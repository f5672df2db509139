"""From FHIR to facts: one file per corner of the chart."""

from cds_service.facts.extract.chart import read_chart

__all__ = ["read_chart"]
