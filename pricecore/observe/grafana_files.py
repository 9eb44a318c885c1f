"""Level 6: the files for Grafana and for Prometheus' alerts that ship with the package."""

from pathlib import Path

_FOLDER = Path(__file__).parent / "grafana"


def grafana_dashboard() -> str:
    """Return the JSON of the dashboard, to be imported in Grafana or provisioned as a file."""
    return (_FOLDER / "dashboard.json").read_text(encoding="utf-8")


def alert_rules() -> str:
    """Return the YAML of the alert rules, for `rule_files` of Prometheus."""
    return (_FOLDER / "alerts.yml").read_text(encoding="utf-8")
