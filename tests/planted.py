"""Secrets of every kind, where they stand in logs and prose, and lines that only look like them.

Made from a seed: the tests and the benchmark plant the same ones in every run.
"""

import base64
import random
import re
import string

from postmortem_nb import masking

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


def visa(r):
    digits = "4" + "".join(r.choice(string.digits) for _ in range(14))
    return digits + next(str(n) for n in range(10) if masking.luhn(digits + str(n)))


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
    "datadog near": lambda r: f"DD_API_KEY was set to «{some(HEX, 32)(r)}» by mistake",
    "datadog before": lambda r: f"«{some(HEX, 40)(r)}» is the DD_APP_KEY of prod",
    "datadog next line": lambda r: f"DD_API_KEY: \\\n  «{some(HEX, 32)(r)}»",
    "datadog table": lambda r: f"| DD_API_KEY | «{some(HEX, 32)(r)}» |",
    "datadog intake": lambda r: (
        f"https://http-intake.logs.datadoghq.com/v1/input/«{some(HEX, 32)(r)}»"
    ),
    "netrc": lambda r: f"machine api.github.com login bob password «{some(ALNUM, 14)(r)}»",
    "netrc lines": lambda r: f"machine git.corp\n  login bob\n  password «{some(ALNUM, 14)(r)}»\n",
    "kubeconfig": lambda r: f"    client-key-data: «{some(B64, 300)(r)}»",
    "kubernetes": lambda r: f'- name: DB_PASSWORD\n  value: "«{some(ALNUM, 16)(r)}»"',
    "list of settings": lambda r: f'[{{"name":"DB_PASSWORD","value":"«{some(ALNUM, 20)(r)}»"}}]',
    "xml setting": lambda r: f'<add key="Password" value="«{some(ALNUM, 16)(r)}»"/>',
    "npm login": lambda r: f"_auth=«{base64.b64encode(password(r).encode()).decode()}»",
    "docker": lambda r: (
        f'{{"r.io":{{"auth":"«{base64.b64encode(password(r).encode()).decode()}»"}}}}'
    ),
    "rails": lambda r: f"secret_key_base: «{some(HEX, 128)(r)}»",
    "telegram address": lambda r: (
        f"https://api.telegram.org/bot«{r.randrange(10**9, 10**10)}:AA{some(URL64, 33)(r)}»/send"
    ),
    "htpasswd": lambda r: f"admin:«$apr1${some(ALNUM, 8)(r)}${some(ALNUM, 22)(r)}»",
    "shadow": lambda r: f"root:«$6${some(ALNUM, 8)(r)}${some(ALNUM, 86)(r)}»:18000:0:::",
    "redis command": lambda r: f"redis-cli -h cache -a «{some(ALNUM, 16)(r)}» ping",
    "sql": lambda r: f"ALTER USER app WITH PASSWORD '«{some(ALNUM, 16)(r)}»'",
    "oracle": lambda r: f"sqlplus app/«{some(ALNUM, 12)(r)}»@//db.prod:1521/ORCL",
    "ansible": lambda r: f"ansible_become_pass: «{some(ALNUM, 16)(r)}»",
    "encoded": lambda r: f"GET /x?next=password%3D«{some(ALNUM, 16)(r)}»%26user%3Dx",
    "german": lambda r: f"Passwort: «{password(r)}»",
    "french": lambda r: f"mot de passe: «{password(r)}»",
    "bearer next line": lambda r: f"Authorization: Bearer\n  «{some(ALNUM, 40)(r)}»",
    "table": lambda r: f"| password | «{some(ALNUM, 14)(r)}7x» |",
    "html table": lambda r: f"<tr><td>api_key</td>\n<td>«{some(ALNUM, 14)(r)}7x»</td></tr>",
    "card of a field": lambda r: f'{{"card_number":"«{visa(r)}»"}}',
    "card after a sign": lambda r: f"pan=«{visa(r)}»",
    "card was paid": lambda r: f"customer paid «{visa(r)}»",
    "card with dots": lambda r: f"card: «{'.'.join(re.findall('....', visa(r)))}»",
    "spoken key": lambda r: f"The API key was «{some(HEX, 32)(r)}», read from the image.",
    "spaced key": lambda r: f"api key: «a7{some(ALNUM, 24)(r)}»",
    "encryption key": lambda r: f"encryption key: «{some(HEX, 64)(r)}»",
    "bare token": lambda r: f"The access token «aB7{some(ALNUM, 24)(r)}3» stood in a log.",
    "password was": lambda r: f"its password was «{password(r)}» until noon",
    "pw": lambda r: f"user app, pw: «{password(r)}»",
    "otp": lambda r: f"otpauth://totp/x?secret=«{some(UPPER, 32)(r)}»&issuer=y",
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
            f"Authorization: missing header on /v1/cart; cookie: consent {number} times",
            f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/checkout-{hexa(6)}",
            rng.choice(
                ["Password: rotated", "password=$PASSWORD", "token={{ token }}", "api_key=null"]
            ),
            f"Set DD_API_KEY in the environment; deployed commit {hexa(40)} of checkout",
            f"Datadog API key valid; trace {hexa(32)} has image sha256:{hexa(64)}",
            f"order {rng.randrange(10**15, 10**16)} paid, invoice {number}, orderId={uuid}",
            f"name: DB_PASSWORD valueFrom: secretKeyRef name: checkout key: password {number}",
            f"key: token, value: {number}; secret: synced; token: absent; auth ok in {number}ms",
            f"The API key is valid; the access token was refreshed at 14:{number % 60:02}",
            f"password was rotated, private key of host {number}, signing secret is unchanged",
            f"| api key | rotated on 2025-12-04T14:02 | {number} |",
            f"select token, password_hash from users -- AuthService.validateToken({number})",
            f"traceparent: 00-{hexa(32)}-{hexa(16)}-01 fingerprint SHA256:{hexa(43)}",
            f"https://app.datadoghq.com/apm/trace/{hexa(32)}?spanID={rng.getrandbits(60)}",
        ]
    )
