"""Figures in Prometheus' form, made when they are asked for: counting costs the requests nothing but an addition."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from cloudsim import __version__
from cloudsim.web.figures import Figures


class _Collector(Collector):
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Any]:
        yield GaugeMetricFamily("cloudsim_ready", "Whether the server answers the API", value=int(self._figures.ready))
        info = GaugeMetricFamily("cloudsim_info", "The version of the server", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        with open("/proc/self/statm", encoding="ascii") as file:
            pages = int(file.read().split()[1])
        yield GaugeMetricFamily(
            "process_resident_memory_bytes", "Resident memory", value=pages * resource.getpagesize()
        )
        spent = resource.getrusage(resource.RUSAGE_SELF)
        yield CounterMetricFamily("process_cpu_seconds", "CPU time", value=spent.ru_utime + spent.ru_stime)
        yield GaugeMetricFamily("cloudsim_consoles", "Consoles that are looked at", value=self._figures.consoles.number)
        yield from self._requests()
        yield from self._jobs()
        yield from self._tasks()

    def _requests(self) -> Iterator[Any]:
        total = CounterMetricFamily("cloudsim_requests", "Requests answered", labels=["command", "status"])
        seconds = CounterMetricFamily("cloudsim_request_seconds", "Time spent answering", labels=["command", "status"])
        for (command, status), (count, spent) in sorted(self._figures.endpoint.counts.items()):
            labels = [command or "unknown", str(status)]
            total.add_metric(labels, count)
            seconds.add_metric(labels, spent)
        yield total
        yield seconds

    def _jobs(self) -> Iterator[Any]:
        jobs = self._figures.cloud.jobs
        yield GaugeMetricFamily("cloudsim_jobs_unfinished", "Jobs that wait or run", value=jobs.unfinished)
        ended = CounterMetricFamily("cloudsim_jobs_ended", "Jobs that have ended", labels=["outcome"])
        for outcome, number in sorted(jobs.outcomes.items()):
            ended.add_metric([outcome], number)
        yield ended

    def _tasks(self) -> Iterator[Any]:
        families: dict[str, Any] = {
            "runs": CounterMetricFamily("cloudsim_task_runs", "Runs of a periodic task", labels=["task"]),
            "failures": CounterMetricFamily("cloudsim_task_failures", "Runs that failed", labels=["task"]),
            "seconds": GaugeMetricFamily("cloudsim_task_last_seconds", "How long the last run took", labels=["task"]),
            "running": GaugeMetricFamily("cloudsim_task_running", "Whether it runs now", labels=["task"]),
        }
        for name, state in sorted(self._figures.periodic.state.items()):
            for figure, family in families.items():
                family.add_metric([name], state[figure])
        yield from families.values()


def exposition(figures: Figures, accept: str = "") -> tuple[bytes, str]:
    """The figures as text, and its content type."""
    registry = CollectorRegistry()
    registry.register(_Collector(figures))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type
