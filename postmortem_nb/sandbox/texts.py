"""The words of the made-up systems: error kinds, messages, stacks, and what is written by hand."""

from __future__ import annotations

from datetime import UTC, datetime

from postmortem_nb.sandbox.scenario import FACTS, at

KINDS = ("PoolTimeout", "PaymentsTimeout", "SerializationFailure", "KeyError")
"""Error kinds by cause, in the order of ``traffic.POOL, QUEUE, DATABASE, BUG``."""

MESSAGES = (
    f"no connection to payments within 2000 ms: pool of {FACTS.pool_after} exhausted",
    "no answer from payments within 5000 ms",
    "could not serialize access to orders due to concurrent update",
    "'shipping_method'",
)

PAYMENTS_KINDS = ("QueueFull", "AcquirerTimeout", "SerializationFailure", "KeyError")
PAYMENTS_MESSAGES = (
    "request queue is full",
    "acquirer-gateway did not answer within 3000 ms",
    "could not serialize access to captures due to concurrent update",
    "'merchant_reference'",
)

_TOP = """Traceback (most recent call last):
  File "/srv/checkout/app/handlers.py", line 88, in confirm
    receipt = await self.orders.place(cart, payment)
  File "/srv/checkout/app/orders.py", line 143, in place
    authorised = await self.payments.authorize(payment)
"""
STACKS = (
    _TOP
    + """  File "/srv/checkout/app/payments/client.py", line 61, in authorize
    async with self.pool.acquire(timeout=2.0) as connection:
  File "/srv/checkout/app/payments/pool.py", line 37, in acquire
    raise PoolTimeout(self.size, waited)
checkout.payments.pool.PoolTimeout: """
    + MESSAGES[0],
    _TOP
    + """  File "/srv/checkout/app/payments/client.py", line 74, in authorize
    raise PaymentsTimeout(self.deadline)
checkout.payments.client.PaymentsTimeout: """
    + MESSAGES[1],
    """Traceback (most recent call last):
  File "/srv/checkout/app/orders.py", line 151, in place
    await self.db.execute(INSERT_ORDER, order)
psycopg.errors.SerializationFailure: """
    + MESSAGES[2],
    """Traceback (most recent call last):
  File "/srv/checkout/app/cart.py", line 212, in totals
    method = cart["shipping_method"]
KeyError: """
    + MESSAGES[3],
)

COUNTRIES = (("DE", "FR", "NL", "PL"), ("US", "US", "US", "CA"), ("AU", "AU", "JP", "NZ"))
"""Countries by region, in the order of ``FACTS.regions``."""

AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Safari/605.1.15",
    "LarkspurApp/7.4 (Android 15)",
)
TRIALS: tuple[list[str], ...] = ([], ["new-cart"], ["new-cart", "one-page"], ["gift-wrap"])
"""Experiments that a customer may be part of: an attribute that is a list."""

# When, status, service, host, message: lines that a person or a tool wrote, not a request.
LINES: tuple[tuple[datetime, str, str, str, str], ...] = (
    (at("13:52"), "info", "checkout", "ci-runner-03", "deploy v2.48.0 started (6 of 8 hosts)"),
    (
        at("13:52:10"),
        "info",
        "checkout",
        "ci-runner-03",
        f"config changed: payments.pool.max_size {FACTS.pool_before} -> {FACTS.pool_after}",
    ),
    (
        at("13:52:10"),
        "info",
        "checkout",
        "ci-runner-03",
        f"config changed: payments.retry.attempts 1 -> {FACTS.attempts}, backoff removed",
    ),
    (FACTS.deployed, "ok", "checkout", "ci-runner-03", "deploy v2.48.0 finished on 6 of 8 hosts"),
    (
        at("14:33"),
        "info",
        "payments",
        "k8s-autoscaler-01",
        "scaled payments from 4 to 6 replicas (queue depth over 800)",
    ),
    (
        FACTS.rollback_started,
        "info",
        "checkout",
        "ci-runner-03",
        "rollback to v2.47.3 started by priya.raman",
    ),
    (
        FACTS.rolled_back,
        "ok",
        "checkout",
        "ci-runner-03",
        "rollback to v2.47.3 finished on 6 hosts",
    ),
    (
        datetime(2025, 12, 4, 17, 30, tzinfo=UTC),
        "info",
        "payments",
        "k8s-autoscaler-01",
        "scaled payments from 6 to 4 replicas (queue depth under 50 for 60 minutes)",
    ),
)
