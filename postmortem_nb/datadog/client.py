"""The door to Datadog: requests made by its official client, answers read raw.

``datadog-api-client`` knows sites, authentication, paths and what a request may hold, so it
prepares every request here. It does not send them: it follows redirects with both keys, has no
deadline, no limit of size and no cap on waiting, and its typed answers alter what was recorded.
``Connection`` sends what it prepared, within a deadline and a size, and returns the bytes.
"""

from __future__ import annotations

import os
import time
import warnings
from dataclasses import dataclass, replace
from functools import cache
from http import HTTPStatus
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import orjson
import urllib3
from datadog_api_client import ApiClient, Configuration
from datadog_api_client.exceptions import OpenApiException

from postmortem_nb.datadog import answers, pace, wire
from postmortem_nb.datadog.failures import Failed, later, refused, scrubber
from postmortem_nb.errors import DatadogError, QueryError, expected

if TYPE_CHECKING:
    from collections.abc import Callable

Read = TypeVar("Read")

SITES = (
    "datadoghq.com",
    "us3.datadoghq.com",
    "us5.datadoghq.com",
    "ap1.datadoghq.com",
    "ap2.datadoghq.com",
    "uk1.datadoghq.com",
    "datadoghq.eu",
    "ddog-gov.com",
    "us2.ddog-gov.com",
)
"""Datadog's sites (https://docs.datadoghq.com/getting_started/site/)."""
KEYS = ("DD_API_KEY", "DD_APP_KEY")
SANDBOX_HEADER = "X-Postmortem-Sandbox"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of Datadog's API: where the client has it, what a key must be allowed to do."""

    module: str
    api: str
    method: str
    scope: str
    create: bool = False


OPERATIONS = {
    "logs": Operation("v2.api.logs_api", "LogsApi", "list_logs", "logs_read_data"),
    "logs count": Operation("v2.api.logs_api", "LogsApi", "aggregate_logs", "logs_read_data"),
    "spans": Operation("v2.api.spans_api", "SpansApi", "list_spans", "apm_read"),
    "events": Operation("v2.api.events_api", "EventsApi", "search_events", "events_read"),
    "metrics": Operation(
        "v2.api.metrics_api", "MetricsApi", "query_timeseries_data", "timeseries_query"
    ),
    "metrics v1": Operation(
        "v1.api.metrics_api", "MetricsApi", "query_metrics", "timeseries_query"
    ),
    "metric names": Operation(
        "v2.api.metrics_api", "MetricsApi", "list_tag_configurations", "metrics_read"
    ),
    "spans count": Operation("v2.api.spans_api", "SpansApi", "aggregate_spans", "apm_read"),
    "sql": Operation(
        "v2.api.ddsql_api", "DDSQLApi", "execute_ddsql_tabular_query", "timeseries_query"
    ),
    "sql fetch": Operation(
        "v2.api.ddsql_api", "DDSQLApi", "fetch_ddsql_tabular_query", "timeseries_query"
    ),
    "incident": Operation("v2.api.incidents_api", "IncidentsApi", "get_incident", "incident_read"),
    "slo history": Operation(
        "v1.api.service_level_objectives_api",
        "ServiceLevelObjectivesApi",
        "get_slo_history",
        "slos_read",
    ),
    "monitor": Operation("v1.api.monitors_api", "MonitorsApi", "get_monitor", "monitors_read"),
    "monitors": Operation("v1.api.monitors_api", "MonitorsApi", "search_monitors", "monitors_read"),
    "notebook": Operation("v1.api.notebooks_api", "NotebooksApi", "get_notebook", "notebooks_read"),
    "create notebook": Operation(
        "v1.api.notebooks_api", "NotebooksApi", "create_notebook", "notebooks_write", create=True
    ),
    "update notebook": Operation(
        "v1.api.notebooks_api", "NotebooksApi", "update_notebook", "notebooks_write"
    ),
}
"""What this package asks of Datadog, by our name for it."""
_UNSTABLE = ("get_incident",)


class _Preparer(ApiClient):
    """The official client up to the finished request: it is returned, not sent."""

    def _call_api(
        self,
        method: str,
        url: str,
        query_params: Any = None,
        header_params: Any = None,
        body: Any = None,
        *_unused: Any,
        **_settings: Any,
    ) -> wire.Request:
        target = f"{url}?{urlencode(query_params)}" if query_params else url
        content = orjson.dumps(body) if body is not None else None
        return wire.Request(method.upper(), target, dict(header_params or {}), content)


class Connection:
    """One Datadog organisation, or the sandbox, as the environment names it.

    ``site`` is what documents call it, ``host`` the only place that keys are sent to, and
    ``sandbox`` says whether it is made up. Its ``repr`` and its errors never hold a key, and it
    cannot be pickled.
    """

    def __init__(
        self, url: str | None, *, site: str, keys: tuple[str, str] | None, proxy: str | None = None
    ) -> None:
        settings = {"apiKeyAuth": keys[0], "appKeyAuth": keys[1]} if keys else {}
        host = url or f"https://api.{site}"
        configuration = Configuration(host=host, api_key=settings)  # type: ignore[no-untyped-call]
        configuration.server_variables = {}  # DD_SITE was read, and checked, before
        if not keys:
            configuration.api_key = {}
        for name in _UNSTABLE:
            configuration.unstable_operations[name] = True
        self.url = str(configuration.host)
        self.host = urlsplit(self.url).hostname or ""
        self.site = site if url is None else urlsplit(self.url).netloc
        self.sandbox = False
        self.scrub = scrubber([*(keys or ()), urlsplit(proxy or "").password or ""])
        _use_proxy(configuration, proxy)
        self._client = _Preparer(configuration)
        self._pool = self._client.rest_client.pool_manager
        wire.watch(self._pool)
        self._first: dict[str, wire.Request] = {}
        self._allowances: dict[str, pace.Allowance] = {}
        self.lacks: set[str] = set()  # what this organisation was found not to have
        self.skew = 0.0  # seconds that this machine's clock is ahead of the other side's

    def __repr__(self) -> str:
        return f"<Connection to {self.site}>"

    def __reduce__(self) -> str:
        raise TypeError("a Connection holds keys and is not pickled")

    def ask(
        self,
        name: str,
        read: Callable[[bytes], Read],
        *,
        waiting: Callable[[str], None] = lambda _: None,
        patience: float = pace.LONGEST_WAIT,
        **arguments: Any,
    ) -> Read:
        """Return what ``read`` makes of the answer to one operation.

        Parameters
        ----------
        name
            one of ``OPERATIONS``
        read
            turns the bytes of an answer into what is wanted; raises Failed when they are no answer
        waiting
            is told what is being waited for
        patience
            seconds to wait in all, for a rate limit or a recovery
        arguments
            the official client's own arguments; a body is a plain ``dict``

        Raises
        ------
        Failed
            no usable answer after a handful of tries, or waiting longer is no use
        """
        operation = OPERATIONS[name]
        request = self._prepared(name, arguments)
        allowance = self._allowances.setdefault(operation.scope, pace.Allowance())
        tries = 0
        while True:
            patience -= self._turn(allowance, patience, waiting)
            tries += 1
            try:
                return read(self._sent(request, operation, allowance))
            except Failed as failed:
                if operation.create or tries > failed.again or tries >= pace.TRIES:
                    raise
                wait = failed.wait or pace.backoff(tries)
                if wait > patience:
                    raise later(failed) from None
                patience -= _wait(wait, patience, f"then again after {failed.fault}", waiting)

    def _prepared(self, name: str, arguments: dict[str, Any]) -> wire.Request:
        """Return the request as the official client makes it, its own checks passed.

        Of searches only the first: the pages that follow differ in the cursor alone.
        """
        operation = OPERATIONS[name]
        first = self._first.get(name)
        try:
            if first is not None and arguments.keys() == {"body"}:
                return replace(first, body=orjson.dumps(arguments["body"]))
            request = self._made(operation, arguments)
        except (OpenApiException, ValueError, orjson.JSONEncodeError) as error:
            said = self.scrub(str(error))
            raise Failed("not asked", said=said, remedy="check the arguments") from None
        if arguments.keys() == {"body"} and not operation.create:
            self._first[name] = request
        return request

    def _made(self, operation: Operation, arguments: dict[str, Any]) -> wire.Request:
        module = import_module(f"datadog_api_client.{operation.module}")
        api = getattr(module, operation.api)(self._client)
        if operation.method in _UNSTABLE:  # only there: it is not safe beside other threads
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Using unstable operation")
                return getattr(api, operation.method)(**arguments)  # type: ignore[no-any-return]
        return getattr(api, operation.method)(**arguments)  # type: ignore[no-any-return]

    def _sent(
        self, request: wire.Request, operation: Operation, allowance: pace.Allowance
    ) -> bytes:
        """Return the body of one answer with status 2xx; Failed for everything else."""
        headers: Any = None
        refused_for_now = False
        try:
            answer = wire.exchange(self._pool, request, scrub=self.scrub)
            headers = answer.headers
            refused_for_now = answer.status == HTTPStatus.TOO_MANY_REQUESTS
            self.skew = time.time() - pace.clock(headers)
        finally:
            allowance.give(headers, refused=refused_for_now)
        self.sandbox = answer.headers.get(SANDBOX_HEADER) == "1"
        if 300 <= answer.status < 400:
            raise _redirected(answer, self.host)
        if not 200 <= answer.status < 300:
            failed = refused(answer.status, answer.body, scope=operation.scope, scrub=self.scrub)
            if answer.status in (429, 503):
                failed.wait = pace.reset_in(answer.headers)
            raise failed
        partial = answer.status == HTTPStatus.PARTIAL_CONTENT
        return answers.Part(answer.body) if partial else answer.body

    def _turn(
        self, allowance: pace.Allowance, patience: float, waiting: Callable[[str], None]
    ) -> float:
        """Return the seconds waited until the announced rate limit allowed a request."""
        waited = 0.0
        while (wait := allowance.take()) > 0:
            waited += _wait(wait, patience - waited, "the rate limit is used up", waiting)
        return waited


def connection() -> Connection:
    """Return the connection that the environment names.

    ``DD_API_KEY``, ``DD_APP_KEY`` and ``DD_SITE`` as everywhere, ``POSTMORTEM_DATADOG_URL`` for
    another base URL; without keys and without URL, the sandbox in this process.
    Raises QueryError for a setting that cannot be used.
    """
    url = os.environ.get("POSTMORTEM_DATADOG_URL", "").strip() or None
    keys = [_key(name) for name in KEYS]
    if any(keys) and not all(keys):
        missing = KEYS[keys.index("")]
        raise QueryError(f"{missing} is not set; Datadog needs both an API and an application key")
    site = os.environ.get("DD_SITE", "").strip() or SITES[0]
    if site not in SITES:
        raise QueryError(expected("DD_SITE", "a Datadog site", example=SITES[0], came=site))
    if url is None and not any(keys):
        url = import_module("postmortem_nb.sandbox").running().url
    held = (keys[0], keys[1]) if all(keys) else None
    url = _checked(url, keys=held is not None)
    return _connected(url, site, held, _proxy(url or f"https://api.{site}"))


@cache
def _connected(
    url: str | None, site: str, keys: tuple[str, str] | None, proxy: str | None
) -> Connection:
    return Connection(url, site=site, keys=keys, proxy=proxy)


def named() -> bool:
    """Return whether the environment names an account that Datadog itself is asked for."""
    own = os.environ.get("POSTMORTEM_DATADOG_URL", "").strip()
    return not own and all(os.environ.get(name, "").strip() for name in KEYS)


def _key(name: str) -> str:
    key = os.environ.get(name, "").strip()
    if not key.isprintable() or not key.isascii() or " " in key:
        raise QueryError(f"{name} holds characters that no key has; it is not shown here")
    return key


def _checked(url: str | None, *, keys: bool) -> str | None:
    """Return a base URL that requests may go to; keys travel by TLS or stay on this machine."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        fits = bool(parts.hostname) and parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:
        fits = False
    if not fits or parts.username or parts.password or parts.query or parts.fragment:
        raise QueryError(
            "POSTMORTEM_DATADOG_URL: expected a base URL without user, query or fragment, "
            "for example https://datadog-proxy.example.com"
        )
    if keys and parts.scheme == "http" and not _local(parts.hostname):
        raise QueryError(
            "POSTMORTEM_DATADOG_URL: keys are sent by https only, or to this machine; "
            f"use https://{parts.netloc}"
        )
    return url.rstrip("/")


def _local(host: str | None) -> bool:
    return host in _LOOPBACK or (host or "").startswith("127.")


def _proxy(url: str) -> str | None:
    """Return the proxy that the environment names for a URL, as curl and pip read it."""
    parts = urlsplit(url)
    if _local(parts.hostname) or proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy:
        return None
    proxy = proxy if "//" in proxy else f"http://{proxy}"
    try:
        fits = urlsplit(proxy).scheme in ("http", "https") and bool(urlsplit(proxy).hostname)
        fits = fits and urlsplit(proxy).port != 0
    except ValueError:
        fits = False
    if not fits:
        raise QueryError(
            f"{parts.scheme.upper()}_PROXY: expected the address of an HTTP proxy, for example "
            "http://proxy.example.com:3128; it is not shown here, for it may hold a password"
        )
    return proxy


def _use_proxy(configuration: Any, proxy: str | None) -> None:
    if not proxy:
        return
    parts = urlsplit(proxy)
    configuration.proxy = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    if parts.username:
        login = f"{parts.username}:{parts.password or ''}"
        configuration.proxy_headers = urllib3.make_headers(proxy_basic_auth=login)


def _wait(seconds: float, patience: float, reason: str, waiting: Callable[[str], None]) -> float:
    """Sleep and return the seconds; Failed at once where that takes longer than is left.

    Nothing was asked then: earlier answers said that the limit is used up.
    """
    if seconds > patience:
        known = Failed("rate limit reached", status=HTTPStatus.TOO_MANY_REQUESTS)
        known.wait = seconds
        raise later(known)
    pace.countdown(seconds, reason, waiting)
    return seconds


def _redirected(answer: wire.Answer, host: str) -> DatadogError:
    address = answer.headers.get("Location")
    try:
        parts = urlsplit(address or "")
        target = parts.netloc.rpartition("@")[2]
    except ValueError:
        target = "an address that is none"
    place = target or "another place of its own"
    said = f"{host} sends requests on to {place}; keys are not sent there"
    return Failed(
        f"HTTP {answer.status}",
        said=said if address else f"{host} neither answers nor says where else to ask",
        remedy="check DD_SITE, and POSTMORTEM_DATADOG_URL where it is set",
        status=answer.status,
    )
