"""The incident that the sandbox plays, as facts: shop, services, people, moments, versions.

Everything is made up. Larkspur Home is a shop; on Thursday 2025-12-04 a release of its checkout
service shrank a connection pool and retried without backoff. All moments are UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

SEED = 4821
"""The seed of the world that the demo tells of."""

DAY = datetime(2025, 12, 4, tzinfo=UTC)


def at(clock: str) -> datetime:
    """Return the moment of a clock time (``14:02`` or ``14:19:40``) on the incident's day."""
    hours, minutes, seconds = (*map(int, clock.split(":")), 0)[:3]
    return DAY + timedelta(hours=hours, minutes=minutes, seconds=seconds)


@dataclass(frozen=True, slots=True)
class Person:
    """Someone of the made-up shop."""

    name: str
    handle: str
    role: str

    @property
    def email(self) -> str:
        """Return an address in a domain that cannot exist."""
        return f"{self.handle}@larkspur-home.example"


class Facts(NamedTuple):
    """What happened, when, and to whom; the demo and the tests read it from here."""

    shop: str = "Larkspur Home"
    incident_id: str = "INC-4821"
    incident_uuid: str = "5c1f0a52-7d0e-5b7e-9a3c-48214821c0de"
    title: str = "Checkout failures after release v2.48.0"
    severity: str = "SEV-1"
    env: str = "prod"
    services: tuple[str, ...] = ("checkout", "payments")
    dependencies: tuple[str, ...] = ("orders-db", "cart-cache", "acquirer-gateway")
    regions: tuple[str, ...] = ("eu-west-1", "us-east-1", "ap-southeast-2")
    good_version: str = "v2.47.3"
    bad_version: str = "v2.48.0"
    deploy_started: datetime = at("13:52")
    deployed: datetime = at("13:58:30")
    start: datetime = at("14:02")
    detected: datetime = at("14:19:40")
    acknowledged: datetime = at("14:24")
    investigation: datetime = at("14:26")
    scaled: datetime = at("14:33")
    escalated: datetime = at("14:38")
    found_version: datetime = at("14:47")
    found_retries: datetime = at("15:05")
    root_cause: datetime = at("15:12")
    planned: datetime = at("15:18")
    rollback_started: datetime = at("15:26")
    rolled_back: datetime = at("15:31")
    partly_recovered: datetime = at("15:38")
    recovered: datetime = at("16:09")
    resolved: datetime = at("17:05")
    baseline_start: datetime = datetime(2025, 11, 27, tzinfo=UTC)
    baseline_end: datetime = datetime(2025, 12, 11, tzinfo=UTC)
    metrics_start: datetime = datetime(2025, 10, 30, tzinfo=UTC)
    pool_before: int = 50
    pool_after: int = 5
    attempts: int = 4
    slo_target: float = 99.5
    slo_timeframe: str = "30d"
    slo_id: str = "0f2d6c5b8e9a4c3db7a14821c4ec0a7e"
    minutes_slo_id: str = "7be1c3f2a94d4e0f8d5c4821a6b90d13"
    minutes_slo_target: float = 99.0
    monitor_id: int = 48210001
    monitor_name: str = "Checkout error rate"


FACTS = Facts()
"""The one incident; every module of the sandbox draws on it."""

ON_CALL = Person("Priya Raman", "priya.raman", "on-call engineer, checkout")
PAYMENTS = Person("Tomasz Zielinski", "tomasz.zielinski", "on-call engineer, payments")
COMMANDER = Person("Marta Oliveira", "marta.oliveira", "incident commander")
REVIEWERS = (
    Person("Jonas Weber", "jonas.weber", "reviewer"),
    Person("Aiko Tanaka", "aiko.tanaka", "reviewer"),
)
PEOPLE = (ON_CALL, PAYMENTS, COMMANDER, *REVIEWERS)
"""Everyone; the author of the demo's postmortem is the first."""


def epoch(moment: datetime) -> int:
    """Return whole epoch seconds of a moment of the story."""
    return int(moment.timestamp())
