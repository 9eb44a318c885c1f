"""`pricecore grafana`: the dashboard, or the alert rules, that ship with the package."""

import argparse

from pricecore.cli.output import printed
from pricecore.observe.grafana_files import alert_rules, grafana_dashboard

_EPILOG = """\
Both ask for what `pricecore metrics --serve` exports.

  pricecore grafana > dashboard.json             import it in Grafana: Dashboards, New, Import
  pricecore grafana --alerts > alerts.yml        name it under rule_files in prometheus.yml

Exit codes: 0 good; 1 the file cannot be written; 2 wrong use.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--alerts", action="store_true", help="print the alert rules for Prometheus instead")


def main(args: argparse.Namespace) -> int:
    """Print the file; return 0, or 1 when it cannot be written."""
    text = alert_rules() if args.alerts else grafana_dashboard()
    return 0 if printed("grafana", text.removesuffix("\n")) else 1
