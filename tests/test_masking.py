"""Secrets: found by their shape in every wrapping, and nothing else is taken for one."""

import base64
import random
import string
import time

import bundlekit
import pytest

from postmortem_nb import editions, masking
from postmortem_nb.incident import Incident
from postmortem_nb.masking import Removed, find, mask

ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
B64 = ALNUM + "+/"
URL64 = ALNUM + "-_"
UPPER = string.ascii_uppercase + "234567"
SEED = 4821


def seeded(seed):
    """Return a generator that makes the same texts in every run."""
    return random.Random(seed)  # noqa: S311 - test data


def some(letters, length):
    """Return a generator of random text; the first letter is a letter or digit."""
    return lambda r: r.choice(letters[:16]) + "".join(r.choice(letters) for _ in range(length - 1))


def jwt(r):
    head, body = (
        base64.urlsafe_b64encode(each.encode()).decode().rstrip("=")
        for each in ('{"alg":"HS256","typ":"JWT"}', f'{{"sub":"{r.randrange(10**9)}","exp":1}}')
    )
    return f"{head}.{body}.{some(URL64, 43)(r)}"


def pem(r):
    lines = "\n".join(some(B64, 64)(r) for _ in range(6))
    kind = r.choice(["RSA ", "EC ", "", "OPENSSH "])
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----"


def card(r):
    digits = r.choice(["4", "51", "55", "2221"])
    digits += "".join(r.choice(string.digits) for _ in range(15 - len(digits)))
    last = next(str(n) for n in range(10) if masking.luhn(digits + str(n)))
    whole = digits + last
    return r.choice([whole, " ".join(whole[n : n + 4] for n in range(0, 16, 4))])


def password(r):
    return some(ALNUM, 6)(r) + r.choice("!#^*") + some(ALNUM, 6)(r)


NAMED = {
    "aws": lambda r: "AKIA" + some(UPPER, 16)(r),
    "github": lambda r: r.choice(["ghp_", "gho_", "ghs_", "ghu_"]) + some(ALNUM, 36)(r),
    "github fine": lambda r: f"github_pat_{some(ALNUM, 22)(r)}_{some(ALNUM, 59)(r)}",
    "gitlab": lambda r: "glpat-" + some(URL64, 20)(r),
    "slack bot": lambda r: f"xoxb-{r.randrange(10**11)}-{r.randrange(10**12)}-{some(ALNUM, 24)(r)}",
    "stripe": lambda r: r.choice(["sk_live_", "rk_live_", "sk_test_"]) + some(ALNUM, 24)(r),
    "google": lambda r: "AIza" + some(URL64, 35)(r),
    "google oauth": lambda r: "ya29." + some(URL64, 60)(r),
    "openai": lambda r: "sk-proj-" + some(ALNUM, 48)(r),
    "sendgrid": lambda r: f"SG.{some(URL64, 22)(r)}.{some(ALNUM, 43)(r)}",
    "twilio": lambda r: "SK" + some(HEX, 32)(r),
    "mailgun": lambda r: "key-" + some(HEX, 32)(r),
    "mailchimp": lambda r: f"{some(HEX, 32)(r)}-us{r.randrange(1, 20)}",
    "npm": lambda r: "npm_" + some(ALNUM, 36)(r),
    "pypi": lambda r: "pypi-" + some(URL64, 80)(r),
    "docker": lambda r: "dckr_pat_" + some(ALNUM, 27)(r),
    "vault": lambda r: "hvs." + some(ALNUM, 24)(r),
    "terraform": lambda r: f"{some(ALNUM, 14)(r)}.atlasv1.{some(URL64, 60)(r)}",
    "digitalocean": lambda r: "dop_v1_" + some(HEX, 64)(r),
    "new relic": lambda r: "NRAK-" + some(string.ascii_uppercase + string.digits, 27)(r),
    "grafana": lambda r: f"glsa_{some(ALNUM, 32)(r)}_{some(HEX, 8)(r)}",
    "databricks": lambda r: "dapi" + some(HEX, 32)(r),
    "shopify": lambda r: "shpat_" + some(HEX, 32)(r),
    "square": lambda r: "sq0atp-" + some(URL64, 22)(r),
    "airtable": lambda r: f"pat{some(ALNUM, 14)(r)}.{some(HEX, 64)(r)}",
    "figma": lambda r: "figd_" + some(URL64, 43)(r),
    "linear": lambda r: "lin_api_" + some(ALNUM, 40)(r),
    "hugging face": lambda r: "hf_" + some(string.ascii_letters, 34)(r),
    "postman": lambda r: f"PMAK-{some(HEX, 24)(r)}-{some(HEX, 34)(r)}",
    "pulumi": lambda r: "pul-" + some(HEX, 40)(r),
    "telegram": lambda r: f"{r.randrange(10**8, 10**9)}:AA{some(URL64, 33)(r)}",
    "datadog client": lambda r: "pub" + some(HEX, 32)(r),
    "atlassian": lambda r: "ATATT3" + some(URL64, 90)(r),
    "age": lambda r: "AGE-SECRET-KEY-1" + some("023456789ACDEFGHJKLMNPQRSTUVWXYZ", 58)(r),
    "jwt": jwt,
    "pem": pem,
    "card": card,
}
"""Secrets that carry their own name: found wherever they stand."""

PLACED = {
    "datadog api": lambda r: f"DD-API-KEY: «{some(HEX, 32)(r)}»",
    "datadog app": lambda r: f"DD_APPLICATION_KEY=«{some(HEX, 40)(r)}»",
    "datadog json": lambda r: f'{{"dd_api_key": "«{some(HEX, 32)(r)}»"}}',
    "aws secret": lambda r: f"aws_secret_access_key = «{some(B64, 40)(r)}»",
    "bearer": lambda r: f"Authorization: Bearer «{some(ALNUM, 32)(r)}»",
    "basic": lambda r: f"authorization: Basic «{base64.b64encode(password(r).encode()).decode()}»",
    "digest": lambda r: f'Authorization: Digest username="a", response="«{some(HEX, 32)(r)}»"',
    "cookie": lambda r: f"Cookie: session=«{some(HEX, 24)(r)}»; theme=dark",
    "set-cookie": lambda r: f"Set-Cookie: sid=«{some(ALNUM, 24)(r)}»; Path=/; HttpOnly",
    "password=": lambda r: f"password=«{password(r)}»",
    "password word": lambda r: f"password=«{some(string.ascii_lowercase, 9)(r)}»",
    "password json": lambda r: f'{{"user": "a", "password": "«{password(r)}»"}}',
    "password escaped": lambda r: rf"{{\"password\":\"«{password(r)}»\"}}",
    "password yaml": lambda r: f"db:\n  password: «{password(r)}»\n",
    "passwd env": lambda r: f"export DB_PASSWD='«{password(r)}»'",
    "address": lambda r: f"postgres://app:«{some(ALNUM, 12)(r)}»@db.internal:5432/orders",
    "redis": lambda r: f"redis://:«{some(ALNUM, 12)(r)}»@cache:6379/0",
    "dsn": lambda r: f"https://«{some(HEX, 32)(r)}»@o1.ingest.sentry.io/1",
    "curl": lambda r: f"curl -u admin:«{some(ALNUM, 12)(r)}» https://x",
    "option": lambda r: f"deploy --token «{some(ALNUM, 24)(r)}» --region eu",
    "client secret": lambda r: f"client_secret=«{some(ALNUM, 32)(r)}»",
    "api key": lambda r: f"api_key: «{some(ALNUM, 24)(r)}»",
    "query": lambda r: f"GET /v1/x?access_token=«{some(ALNUM, 32)(r)}»&page=2",
    "x-api-key": lambda r: f"X-Api-Key: «{some(ALNUM, 20)(r)}»",
    "azure": lambda r: f"AccountName=a;AccountKey=«{some(B64, 86)(r)}==»;EndpointSuffix=x",
    "connection": lambda r: f"Server=db;User Id=app;Password=«{password(r)}»;Encrypt=true",
    "xml": lambda r: f"<password>«{password(r)}»</password>",
    "heroku": lambda r: f"HEROKU_API_KEY=«{some(HEX, 8)(r)}-1111-4222-8333-{some(HEX, 12)(r)}»",
    "pagerduty": lambda r: f"pagerduty_token = «{some(ALNUM, 20)(r)}»",
    "slack hook": lambda r: (
        f"https://hooks.slack.com/services/T1AB/«B{some(UPPER, 8)(r)}/{some(ALNUM, 24)(r)}»"
    ),
}
"""Secrets known by what stands before them."""

WRAPPED = (
    "{}",
    "2025-12-04T14:02:11Z ERROR checkout could not start: {}",
    '{{"level": "error", "msg": "{}"}}',
    "tags: env:prod,value:{},version:2.48.0",
    "at com.shop.Client.call(Client.java:42) with {} in argument 2",
    "a\nb\n{}\nc",
    "key '{}' was refused",
    "<p>{}</p>",
)
"""Where a secret stands: alone, in a log, in JSON, in tags, in a stack trace, in prose, in HTML."""

ALWAYS = (
    *("aws", "github", "github fine", "slack bot", "jwt", "pem", "datadog api", "datadog app"),
    *("bearer", "password=", "password json"),
)


def planted_in(wrapping, written):
    """Return a text with a secret in it, and the secret; of a placed one it is marked «so»."""
    if "«" not in written:
        return wrapping.format(written), written
    return written.replace("«", "").replace("»", ""), written.split("«")[1].split("»")[0]


@pytest.mark.parametrize("name", [*NAMED, *PLACED])
def test_a_secret_is_found_in_every_wrapping(name):
    rng = seeded(f"{SEED}{name}")
    make = (NAMED | PLACED)[name]
    missed = []
    for number in range(48):
        whole, secret = planted_in(WRAPPED[number % len(WRAPPED)], make(rng))
        shown = mask(whole)
        if secret in shown:
            missed.append(shown)
    assert len(missed) <= (0 if name in ALWAYS else 1), missed[:3]


def benign(rng, number):
    """Return a line of a log that holds nothing secret, though much of it looks random."""
    hexa = lambda length: "".join(rng.choice(HEX) for _ in range(length))  # noqa: E731
    uuid = f"{hexa(8)}-{hexa(4)}-4{hexa(3)}-a{hexa(3)}-{hexa(12)}"
    return rng.choice(
        [
            f"dd.trace_id={rng.getrandbits(64)} dd.span_id={rng.getrandbits(64)} PoolTimeout",
            f'{{"trace_id":"{hexa(32)}","span_id":"{hexa(16)}","request_id":"{uuid}"}}',
            f"GET /carts/{rng.getrandbits(40)} 503 10.3.{number % 250}.17 commit={hexa(40)}",
            f"image=registry/checkout@sha256:{hexa(64)} ts={1764856920000 + number}",
            f"offset={rng.getrandbits(50)} key=order-{number} primary_key=12 tokens: {number}",
            "password reset requested; token expired; secret santa; authorization passed",
            f"basic auth disabled, bearer token missing, cookie consent yes, pass=12 fail={number}",
            f"host ip-10-0-{number % 255}-7 2001:db8::{hexa(4)} 192.168.0.{number % 255} {uuid}",
            f'etag: W/"{hexa(27)}" x-request-id: {uuid} size={rng.getrandbits(53)}',
            f"select * from orders where id = {rng.getrandbits(53)} -- {rng.random():.17f}",
            f"span {rng.getrandbits(64)} parent {rng.getrandbits(64)} took {rng.getrandbits(30)}ns",
            f"The API key of checkout was rotated at 14:{number % 60:02}; the password is unused.",
        ]
    )


def test_what_is_no_secret_is_kept():
    rng = seeded(SEED)
    lines = [benign(rng, number) for number in range(20_000)]
    taken = [(line, mask(line)) for line in lines if mask(line) != line]
    assert len(taken) <= 2, taken[:5]


def test_trace_ids_timestamps_uuids_and_digests_are_always_kept():
    rng = seeded(SEED)
    for _ in range(20_000):
        for kept in (
            f"{rng.getrandbits(64)}",
            f"{rng.randrange(1_700_000_000_000, 1_800_000_000_000)}",
            f"{rng.getrandbits(128):032x}",
            f"{rng.getrandbits(256):064x}",
        ):
            line = f"trace_id={kept}"
            assert mask(line) == line


def test_masking_twice_is_masking_once():
    rng = seeded(SEED)
    for make in (NAMED | PLACED).values():
        for wrapping in WRAPPED:
            once = mask(planted_in(wrapping, make(rng))[0])
            assert mask(once) == once
            assert find(once) == []


@pytest.mark.parametrize(
    "flood",
    [
        "password=" * 20_000,
        "eyJ" * 100_000,
        "a" * 1_000_000,
        "://a:" * 100_000,
        "-----BEGIN PRIVATE KEY-----" * 3000,
        "basic " + "a" * 500_000,
        "4 " * 300_000,
        "datadog " * 60_000,
        'api_key="' * 50_000,
        "DE44 " * 50_000,
    ],
    ids=lambda text: text[:12],
)
def test_no_text_makes_it_slow(flood):
    before = time.process_time()
    find(flood)
    assert time.process_time() - before < 3


def test_luhn_against_its_definition():
    """ISO/IEC 7812-1: double every second digit from the right, add the digits, divide by 10."""
    assert masking.luhn("4242424242424242")
    assert masking.luhn("79927398713")  # the worked example of the standard's literature
    assert not masking.luhn("79927398710")


def test_an_iban_is_masked_where_its_check_digits_are_true():
    assert mask("to GB82 WEST 1234 5698 7654 32 today") == "to [masked: bank account number] today"
    assert mask("GB83WEST12345698765432") == "GB83WEST12345698765432"


def test_it_says_how_many_of_what_and_where_but_never_what():
    removed = Removed()
    mask("ghp_" + "a1B2" * 9, removed, "actions.title")
    mask("password=hunter2-x", removed, "cell 3")
    mask("password=hunter3-x", removed, "cell 3")
    assert removed.lines() == ["actions.title: 1 × GitHub token", "cell 3: 2 × password"]
    assert "hunter" not in " ".join(removed.lines())


# -- in a document ---------------------------------------------------------------------------------

CANARY = "ghp_" + "Ab3dEf6hIj" * 3 + "Kl9mN0"


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Return a bundle in which a token stands in every text there is."""
    words = f"token {CANARY} found"
    own = [
        bundlekit.markdown_cell(f"# {words}\n\n`{CANARY}` [x](https://a.b/?t={CANARY})"),
        bundlekit.code_cell(
            f"login('{CANARY}')",
            {"output_type": "stream", "name": "stdout", "text": words},
            {"output_type": "error", "ename": "E", "evalue": words, "traceback": [words]},
            bundlekit.data({"text/html": f"<table><tr><td>{words}</td></tr></table>"}),
            bundlekit.data({"image/png": bundlekit.png()}, alt=words),
            bundlekit.data({"image/svg+xml": f"<svg><text>{words}</text></svg>"}),
        ),
    ]
    return bundlekit.bundle(tmp_path_factory.mktemp("planted"), lambda *_: words, own=own)


def halves(canary):
    """Return every way a token could survive: as it is, encoded, or in long pieces."""
    pieces = {canary[start : start + 12] for start in range(len(canary) - 12)}
    encoded = {base64.b64encode(f"{' ' * n}{canary}".encode()).decode()[4:40] for n in range(3)}
    return {canary, canary.replace("_", r"\_"), *pieces, *encoded}


@pytest.mark.parametrize("to", ["html", "markdown", "json"])
def test_a_secret_is_in_no_edition(planted, tmp_path, to):
    written = editions.export(planted.path, to, out=tmp_path / "x", code=True, blanks=False)
    for path in written:
        raw = path.read_bytes().decode("utf-8", "replace")
        assert not [each for each in halves(CANARY) if each in raw]
    assert "[masked: GitHub token]" in written[0].read_text("utf-8").replace("\\", "")


def test_the_stored_data_keeps_it(planted):
    assert CANARY in Incident.open(planted.path).value("what_happened")
