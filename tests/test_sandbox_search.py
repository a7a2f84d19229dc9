"""Each operator of the search syntax finds the rows that plain Python finds in their JSON."""

import re

import pytest

from postmortem_nb.errors import QueryError
from postmortem_nb.sandbox import listing, match, search, world
from postmortem_nb.sandbox.scenario import SEED

EACH = 23  # one row in so many is compared; the tables are large


def sample(kind):
    """Return the numbers of some rows, and the rows as the API writes them."""
    table = world.table(SEED, kind)
    numbers = range(0, len(table), EACH if kind != "events" else 1)
    write = listing.WRITERS[kind]
    return numbers, [write(table, number)["attributes"] for number in numbers]


@pytest.fixture(scope="module")
def samples():
    return {kind: sample(kind) for kind in listing.KINDS}


def dig(row, path):
    """Return the value of a path among a row's own attributes, or None."""
    inner = row["attributes"] if "attributes" in row else row.get("custom", {})
    for key in path.split("."):
        inner = inner.get(key) if isinstance(inner, dict) else None
    return inner


def code(row):
    return int(dig(row, "http.status_code") or 0)


def words(row):
    return " ".join(re.findall(r"\w+", row["message"].lower()))


# Query, the kind of row, and the same question in Python.
CASES = (
    ("*", "logs", lambda _: True),
    ("", "logs", lambda _: True),
    ("service:checkout", "logs", lambda r: r["service"] == "checkout"),
    ("-service:checkout", "logs", lambda r: r["service"] != "checkout"),
    ("NOT service:checkout", "logs", lambda r: r["service"] != "checkout"),
    (
        "service:checkout status:error",
        "logs",
        lambda r: r["service"] == "checkout" and r["status"] == "error",
    ),
    (
        "service:checkout AND NOT status:error",
        "logs",
        lambda r: r["service"] == "checkout" and r["status"] != "error",
    ),
    (
        "service:payments OR service:checkout status:warn",  # a blank binds closer than OR
        "logs",
        lambda r: r["service"] == "payments"
        or (r["service"] == "checkout" and r["status"] == "warn"),
    ),
    (
        "(service:payments OR service:checkout) status:error",
        "logs",
        lambda r: r["service"] in ("payments", "checkout") and r["status"] == "error",
    ),
    ("service:(payments OR web-storefront)", "logs",
     lambda r: r["service"] in ("payments", "web-storefront")),
    ("service:(payments web-storefront)", "logs",
     lambda r: r["service"] in ("payments", "web-storefront")),
    ("service:(-payments)", "logs", lambda r: r["service"] != "payments"),
    ("@http.status_code:503", "logs", lambda r: code(r) == 503),
    ('@http.status_code:"503"', "logs", lambda r: code(r) == 503),
    ("@http.status_code:>=500", "logs", lambda r: code(r) >= 500),
    ("@http.status_code:>500", "logs", lambda r: code(r) > 500),
    ("@http.status_code:<404", "logs", lambda r: 0 < code(r) < 404),
    ("@http.status_code:<=404", "logs", lambda r: 0 < code(r) <= 404),
    ("@http.status_code:[402 TO 503]", "logs", lambda r: 402 <= code(r) <= 503),
    ("@http.status_code:[* TO 402]", "logs", lambda r: 0 < code(r) <= 402),
    ("@http.status_code:(>=500 AND -504)", "logs", lambda r: code(r) >= 500 and code(r) != 504),
    ("@http.status_code:5*", "logs", lambda r: 500 <= code(r) <= 599),
    ("@duration:>8s", "logs", lambda r: (dig(r, "duration") or 0) > 8_000_000_000),
    ("@duration:[1s TO 2000ms]", "logs", lambda r: 10**9 <= (dig(r, "duration") or 0) <= 2 * 10**9),
    ("@duration:>=20ms @duration:<0.03s", "logs",
     lambda r: 2e7 <= (dig(r, "duration") or 0) < 3e7),
    ("@duration:<40000000", "logs", lambda r: 0 < (dig(r, "duration") or 0) < 40_000_000),
    ("@cart.total:<30", "logs", lambda r: 0 < (dig(r, "cart.total") or 0) < 30),
    ("@usr.id:*", "logs", lambda r: dig(r, "usr.id") is not None),
    ("-@usr.id:*", "logs", lambda r: dig(r, "usr.id") is None),
    ("@error:*", "logs", lambda r: dig(r, "error") is not None),
    ("@error.kind:PoolTimeout", "logs", lambda r: dig(r, "error.kind") == "PoolTimeout"),
    ("@error.kind:*Timeout", "logs", lambda r: str(dig(r, "error.kind")).endswith("Timeout")),
    ("@http.url_details.path:/api/check*", "logs",
     lambda r: str(dig(r, "http.url_details.path")).startswith("/api/check")),
    ("@http.url_details.path:/api/c?rt", "logs",
     lambda r: dig(r, "http.url_details.path") == "/api/cart"),
    ('@http.url_details.path:"/api/c?rt"', "logs", None),  # wildcards are literal in quotes
    ("@http.url_details.path:\\/api\\/cart", "logs",
     lambda r: dig(r, "http.url_details.path") == "/api/cart"),
    ('@http.useragent:"LarkspurApp/7.4 (Android 15)"', "logs",
     lambda r: dig(r, "http.useragent") == "LarkspurApp/7.4 (Android 15)"),
    ("@http.useragent:LarkspurApp/7.4\\ \\(Android\\ 15\\)", "logs",
     lambda r: dig(r, "http.useragent") == "LarkspurApp/7.4 (Android 15)"),
    ("@experiments:one-page", "logs", lambda r: "one-page" in (dig(r, "experiments") or [])),
    ("@Error.Kind:PoolTimeout", "logs", None),  # names and values keep their case
    ("@error.kind:pooltimeout", "logs", None),
    ("env:prod", "logs", lambda r: "env:prod" in r["tags"]),
    ("version:v2.48.0", "logs", lambda r: "version:v2.48.0" in r["tags"]),
    ("version:v2.4*", "logs", lambda r: any(t.startswith("version:v2.4") for t in r["tags"])),
    ("region:(eu-west-1 OR us-east-1)", "logs",
     lambda r: {"region:eu-west-1", "region:us-east-1"} & set(r["tags"])),
    ("tags:larkspur", "logs", lambda r: "larkspur" in r["tags"]),
    ("-team:checkout", "logs", lambda r: "team:checkout" not in r["tags"]),
    ("nosuchtag:*", "logs", None),
    ("host:checkout-??-0[", "logs", QueryError),
    ("host:checkout-??-05", "logs",
     lambda r: re.fullmatch("checkout-..-05", r["host"])),
    ("PoolTimeout", "logs", lambda r: "pooltimeout" in words(r).split()),
    ("pooltimeout", "logs", lambda r: "pooltimeout" in words(r).split()),
    ("timeout", "logs", lambda r: "timeout" in words(r).split() or None),
    ("pool*", "logs", lambda r: any(w.startswith("pool") for w in words(r).split())),
    ('"failed, trying again"', "logs", lambda r: "failed trying again" in words(r)),
    ("message:trying", "logs", lambda r: "trying" in words(r).split()),
    ("*:PoolTimeout", "logs",
     lambda r: "pooltimeout" in words(r).split() or dig(r, "error.kind") == "PoolTimeout"
     or "PoolTimeout" in str(dig(r, "error.stack"))),
    ("trace_id:*", "logs", lambda r: dig(r, "dd.trace_id") is not None),
    ("operation_name:checkout.request", "spans",
     lambda r: r["operation_name"] == "checkout.request"),
    ("service:checkout status:error @attempt:>=3", "spans",
     lambda r: r["service"] == "checkout" and r["status"] == "error"
     and (dig(r, "attempt") or 0) >= 3),
    ("@http.status_code:[500 TO 504]", "spans", lambda r: 500 <= code(r) <= 504),
    ("@duration:>5s", "spans", lambda r: r["custom"]["duration"] > 5 * 10**9),
    ('resource_name:"POST /api/checkout"', "spans",
     lambda r: r["resource_name"] == "POST /api/checkout"),
    ("parent_id:0 -type:web", "spans", None),
    ("@resource_name:GET*", "spans", lambda r: r["resource_name"].startswith("GET")),
    ("service:checkout source:deployment", "events",
     lambda r: r["attributes"]["service"] == "checkout" and "source:deployment" in r["tags"]),
    ("status:(error OR warning)", "events",
     lambda r: r["attributes"]["status"] in ("error", "warning")),
    ("@monitor.id:48210001", "events",
     lambda r: r["attributes"].get("monitor", {}).get("id") == 48210001),
    ("rollback", "events",
     lambda r: "rollback" in re.findall(r"\w+", (r["message"] + " " + r["attributes"]["title"])
                                        .lower())),
    ('title:"[Triggered] Checkout error rate"', "events",
     lambda r: r["attributes"]["title"] == "[Triggered] Checkout error rate"),
)  # fmt: skip


@pytest.mark.parametrize(("query", "kind", "same"), CASES, ids=[f"{k}: {q}" for q, k, _ in CASES])
def test_finds_what_plain_python_finds(samples, query, kind, same):
    table = world.table(SEED, kind)
    if same is QueryError:
        with pytest.raises(QueryError):
            search.parse(query)
        return
    found = match.mask(search.parse(query), table)
    numbers, rows = samples[kind]
    got = [number for number in numbers if found[number]]
    if same is None:
        assert got == []
        return
    want = [number for number, row in zip(numbers, rows, strict=True) if same(row)]
    assert got == want
    assert want or "timeout" in query, "a case that finds nothing shows nothing"


REFUSED = (
    "service:checkout OR",
    "service:checkout AND AND status:error",
    "service:AND",
    "NOT",
    "(service:checkout",
    "service:checkout)",
    'service:"checkout',
    "CIDR(@network.client.ip, 10.0.0.0/8)",
    "#calculated:>3",
    "@http.url:/^api.*/",
    "@a:{1 TO 2}",
    "@a:[x TO y]",
    "@a:>many",
    "@http.status_code:>20ms",
    "a && b",
    "a || b",
    "!a",
    "@a:b=c",
    'message:"->"',
    "timestamp:>5",
    "*:>5",
    "x" * 9000,
    "(" * 3000 + "a" + ")" * 3000,
    "-" * 5000 + "a",
)


@pytest.mark.parametrize("query", REFUSED, ids=lambda query: query[:30])
def test_refuses_what_it_cannot_evaluate(query):
    with pytest.raises((QueryError, RecursionError)) as refused:
        match.mask(search.parse(query), world.table(SEED, "logs"))
    assert len(str(refused.value).splitlines()) == 1


def test_free_text_over_spans_is_refused_not_guessed():
    with pytest.raises(QueryError, match="no free text over spans"):
        match.mask(search.parse("PoolTimeout"), world.table(SEED, "spans"))


def test_quoted_injections_are_inert():
    """A value that looks like syntax, once quoted, is only a value."""
    for value in ("AND", "TO", "-x", "a) OR (service:*", "* OR *", 'a" OR service:*', "\\"):
        quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        assert not match.mask(search.parse(f"service:{quoted}"), world.table(SEED, "logs")).any()
