"""From Locust's statistics to the figures that are judged and reported."""

from locust.env import Environment
from locust.stats import StatsEntry, StatsError

from loadtests.profile_file import PERCENTILE_KEYS
from loadtests.verdict import FailureFigures, RequestFigures


def request_figures(environment: Environment) -> list[RequestFigures]:
    """Return what was measured, by kind of request, in the order of protocol and name."""
    entries: list[StatsEntry] = sorted(
        environment.stats.entries.values(), key=lambda entry: (str(entry.method), entry.name)
    )
    return [_figures(entry) for entry in entries]


def _figures(entry: StatsEntry) -> RequestFigures:
    return RequestFigures(
        protocol=str(entry.method),
        name=entry.name,
        count=entry.num_requests,
        failures=entry.num_failures,
        per_s=entry.total_rps,
        octets=entry.total_content_length,
        min_ms=entry.min_response_time or 0.0,
        mean_ms=entry.avg_response_time,
        max_ms=entry.max_response_time,
        percentiles_ms={
            fraction: float(entry.get_response_time_percentile(fraction))
            for fraction in PERCENTILE_KEYS.values()
        },
    )


def failure_figures(environment: Environment) -> list[FailureFigures]:
    """Return why requests failed, the most frequent first."""
    errors: list[StatsError] = list(environment.stats.errors.values())
    figures = [
        FailureFigures(str(error.method), error.name, str(error.error), error.occurrences) for error in errors
    ]
    return sorted(
        figures, key=lambda failure: (-failure.count, failure.protocol, failure.name, failure.error)
    )
