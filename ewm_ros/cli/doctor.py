"""`ewm doctor`: what this machine has of what the system needs, each with its remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from rich.markup import escape
from rich.table import Table

from ewm_ros.cli.checks.adviser import adviser
from ewm_ros.cli.checks.finding import Finding
from ewm_ros.cli.checks.installation import installation
from ewm_ros.cli.checks.machine import machine
from ewm_ros.cli.checks.ros import Probes
from ewm_ros.cli.common import ArbiterKeyFile, ArbiterModel, ArbiterPreset, ArbiterUrl, AsJson, out, print_json
from ewm_ros.coordination.arbitration.advice import Advice


def doctor(
    arbiter: ArbiterPreset = "",
    arbiter_url: ArbiterUrl = "",
    arbiter_model: ArbiterModel = "",
    arbiter_key_file: ArbiterKeyFile = "",
    as_json: AsJson = False,
) -> int:
    """Check this installation; exit status 1 if something that is needed is missing."""
    advice = Advice(preset=arbiter, url=arbiter_url, model=arbiter_model, key_file=arbiter_key_file)
    if advice.preset or advice.url or advice.model:
        advice.settings()  # refuses what nobody could look at, before anything is started
    probes = Probes()
    rest = [*installation(), *adviser(advice), *machine()]
    findings = [*probes.findings(), *rest]
    broken = any(finding.needed and not finding.fine for finding in findings)
    if as_json:
        print_json({"fine": not broken, "findings": [asdict(finding) for finding in findings]})
    else:
        out.print(_table(findings))
    return 1 if broken else 0


def _table(findings: Sequence[Finding]) -> Table:
    table = Table("", "what", "found", "remedy")
    for finding in findings:
        mark = "ok" if finding.fine else "MISSING" if finding.needed else "note"
        table.add_row(mark, finding.what, escape(finding.found), "" if finding.fine else escape(finding.remedy))
    return table
