"""A load run's report and the list of profiles, for people."""

from collections.abc import Sequence
from typing import Any, Protocol

from rich.console import Console
from rich.markup import escape
from rich.table import Table


class Listed(Protocol):
    """What is shown of a profile."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def summary(self) -> str: ...  # noqa: D102
    @property
    def needs(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def users(self) -> int: ...  # noqa: D102
    @property
    def duration_s(self) -> int: ...  # noqa: D102


def print_profiles(console: Console, profiles: Sequence[Listed]) -> None:
    """Describe the profiles."""
    for profile in profiles:
        console.print(f"[bold]{escape(profile.name)}[/bold]", highlight=False)
        console.print(f"  {profile.summary}", highlight=False, markup=False, soft_wrap=True)
        console.print(
            f"  needs {', '.join(profile.needs)}; default {profile.users} users for {profile.duration_s} s",
            highlight=False,
            markup=False,
        )


def print_report(console: Console, report: dict[str, Any]) -> None:
    """Show what came of a run: rates, percentiles, failures by kind, the ledger, the verdict."""
    workers = f", {report['workers']} workers" if report["workers"] > 1 else ""
    extent = f"{report['seconds']:g} s, up to {report['users']} users{workers}"
    title = f"[bold]{escape(report['profile'])}[/bold] on {escape(report['target'])}: {extent}"
    console.print(title, highlight=False, soft_wrap=True)
    console.print(_requests(report["requests"]))
    if report["failures"]:
        console.print(_failures(report["failures"]))
    _print_ledger(console, report["ledger"])
    _print_verdict(console, report["verdict"])


def _requests(requests: Sequence[dict[str, Any]]) -> Table:
    table = Table(title="requests, times in ms", title_justify="left", box=None, pad_edge=False)
    table.add_column("request")
    for heading in ("count", "failed", "per s", "mean", "p50", "p95", "p99", "max"):
        table.add_column(heading, justify="right")
    for request in requests:
        ms = request["ms"]
        table.add_row(
            escape(f"{request['protocol']} {request['name']}"),
            str(request["count"]),
            str(request["failures"]),
            f"{request['per_s']:.1f}",
            f"{ms['mean']:.1f}",
            *(f"{ms[key]:g}" for key in ("p50", "p95", "p99")),
            f"{ms['max']:.1f}",
            style="red" if request["failures"] else "",
        )
    return table


def _failures(failures: Sequence[dict[str, Any]]) -> Table:
    table = Table(title="failures by kind", title_justify="left", box=None, pad_edge=False)
    table.add_column("count", justify="right")
    table.add_column("request")
    table.add_column("kind", overflow="fold")
    for failure in failures:
        request = f"{failure['protocol']} {failure['name']}"
        table.add_row(str(failure["count"]), escape(request), escape(failure["error"]))
    return table


def _print_ledger(console: Console, ledger: dict[str, Any]) -> None:
    """Show where every message is."""
    handed_in = ", ".join(
        f"{ledger[key]} {key.replace('_', ' ')}" for key in ("accepted", "refused", "in_doubt")
    )
    console.print(f"messages: {ledger['sent']} sent: {handed_in}", highlight=False)
    if not ledger["read_back"]:
        console.print("          not read back: the target has no IMAP and no POP3", highlight=False)
        return
    bad = ("missing", "doubled", "damaged", "delivered_though_refused")
    found = [f"{ledger['seen']} seen", *(f"{ledger[key]} {_FAULT_WORDS[key]}" for key in bad)]
    style = "red" if any(ledger[key] for key in bad) else ""
    console.print(f"          {', '.join(found)}", highlight=False, style=style)


_FAULT_WORDS = {
    "missing": "lost",
    "doubled": "doubled",
    "damaged": "damaged",
    "delivered_though_refused": "delivered though refused",
}


def _print_verdict(console: Console, verdict: dict[str, Any]) -> None:
    table = Table(title="service level", title_justify="left", box=None, pad_edge=False)
    for heading in ("request", "share", "limit ms", "measured ms", ""):
        table.add_column(heading, justify="left" if heading in {"request", ""} else "right")
    for gate in verdict["gates"]:
        measured = gate["measured_ms"]
        words = "not measured" if measured is None else "met" if gate["met"] else "missed"
        table.add_row(
            escape(gate["request"]),
            f"{gate['percentile']:.1%}",
            f"{gate['limit_ms']:g}",
            "-" if measured is None else f"{measured:g}",
            words,
            style="" if gate["met"] else "red",
        )
    console.print(table)
    style = {0: "bold green", 1: "bold red"}.get(verdict["exit_code"], "bold yellow")
    console.print(verdict["outcome"], style=style, highlight=False)
    for reason in verdict["reasons"]:
        console.print(f"  {reason}", markup=False, highlight=False, soft_wrap=True)
