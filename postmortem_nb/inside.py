"""What points inside a company or at a person: addresses, hosts, links, ids, numbers, handles.

The public edition says of each only what kind of thing stood there. Texts come folded (`folding`).
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import urlsplit

OPEN_HOSTS = re.compile(r"(?:^|\.)(?:status(?:page)?\.[\w-]+(?:\.[\w-]+)+|statuspage\.io)$")
"""Hosts that customers know: a status page."""


MASKED = r"\\?\[masked: [\w -]{3,40}\\?\]"
"""What stands for a secret, as it is and in Markdown; what is around it is one with it."""


class Spot(NamedTuple):
    """Something that is taken out: what kind, what stands for it, from where to where."""

    kind: str
    shown: str
    start: int
    end: int

    @property
    def length(self) -> int:
        """How many characters it takes."""
        return self.end - self.start


class Kind(NamedTuple):
    """What points inside, and what stands for it in the public edition."""

    name: str
    shown: str
    pattern: re.Pattern[str]
    signs: tuple[str, ...]
    """What each of its kind has one of: a text without is not searched."""


_BETWEEN = r"[\s\"'\\|*:=#.]{0,6}(?:(?:is|was|on)\s)?[\"'\\]{0,3}"
"""What stands between a label and what it tells of."""

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_DAY = (
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\s?\d{1,2}[-/.]\s?(?:\d{4}|\d{2})|(?:19|20)\d{6}"
    rf"|\d{{1,2}}(?:st|nd|rd|th|\.)?[\s-]{_MONTH},?[\s-]\d{{4}}"
    rf"|{_MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?,?\s\d{{4}})(?!\w)"
)


def _kind(name: str, shown: str, pattern: str, *signs: str) -> Kind:
    return Kind(name, shown, re.compile(pattern, re.IGNORECASE), signs or ("",))


KINDS: tuple[Kind, ...] = (
    _kind("e-mail address", "[e-mail]", r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+", "@"),
    _kind(
        "link",
        "[link]",
        r"\b(?:https?|ftp|ssh|git|s3|gs|file|jdbc:\w+|postgres(?:ql)?|mysql|mongodb(?:\+srv)?|rediss?"
        rf"|amqps?|kafka|ldaps?|slack)://(?:{MASKED}|[^\s<>\"')\]])+"
        r"|(?<![\w./@-])(?:[a-z0-9-]+\.)+[a-z]{2,}/[^\s<>\"')\],]+",
        "/",
    ),
    _kind("MAC address", "[address]", r"\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b", ":"),
    _kind(
        "IP address",
        "[address]",
        r"(?<![\w:.])[0-9a-f:]{0,30}:(?:\d{1,3}\.){3}\d{1,3}(?![\w.]\d)"
        r"|(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:%\w+|/\d+)?(?![\w:])",
        ":",
    ),
    _kind(
        "IP address",
        "[address]",
        r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+|/\d+)?(?![\w.]\d)",
        ".",
    ),
    _kind("host", "[host]", r"\bip-\d{1,3}(?:-\d{1,3}){3}\b(?:\.[\w-]+)*", "-"),
    _kind(
        "host",
        "[host]",
        r"(?<![\w-])(?<![\w-]\.)(?:[a-z0-9-]+\.)+(?:internal|local|localdomain|corp|lan|intra(?:net)?|svc|home\.arpa"
        r"|amazonaws\.com|compute\.google|azure\.com|windows\.net|cloudapp\.net|datadoghq\.(?:com|eu)"
        r"|slack\.com|atlassian\.net|pagerduty\.com|opsgenie\.com)\b(?::\d+)?",
        ".",
    ),
    _kind(
        "host",
        "[host]",
        r"(?<![\w.-])(?=[a-z0-9.-]*\.)(?=[a-z0-9.-]*(?:\d\.|(?:prod|production|stage|staging|stg|dev"
        r"|test|int|db|cache|node|host|k8s|cluster|vpn|admin|grafana|kibana|jenkins|jira|wiki|git"
        r"|gitlab|confluence|tracker|chat|vault|consul|registry|nexus|bastion)\.))"
        r"[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+\.[a-z]{2,}\b(?::\d+)?",
        ".",
    ),
    _kind(
        "host",
        "[host]",
        r"(?<![\w.-])(?:[a-z0-9]+-){0,12}(?:(?:db|node|host|srv|vm|worker|broker|replica|primary|master"
        r"|bastion|kafka|redis|postgres|pg|mysql|mongo|rabbitmq?|elastic|zookeeper|etcd|consul|vault"
        r"|nginx|haproxy|lb)\d{1,4}|(?:db|web|app|api|node|host|srv|server|vm|worker|broker|replica"
        r"|primary|master|bastion|proxy|kafka|redis|cache|postgres|pg|mysql|mongo|rabbitmq?|elastic"
        r"|zookeeper|etcd|consul|vault|nginx|haproxy|lb|prod|prd|stg|pool|gke|eks|aks|k8s)"
        r"(?:-[a-z0-9]+){0,12}-\d{1,4})(?:-[a-z0-9]{2,6})*\b",
    ),
    _kind(
        "host",
        "[host]",
        r"(?<![\w-])-{0,3}(?:i-[0-9a-f]{8,17}|[a-z][a-z0-9-]*-[0-9a-f]{8,10}-[a-z0-9]{5}"
        r"|gk[e3]-[a-z0-9-]*[a-z0-9]-[0-9a-f]{8}-[a-z0-9]{4}|aks-[a-z0-9]+-\d{8}-(?:vmss\w{6}|\d+))\b",
        "-",
    ),
    _kind("cloud resource", "[resource]", r"\barn:aws[\w-]*:[^\s,;]+", ":"),
    _kind("id", "[id]", r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "-"),
    _kind("id", "[id]", r"\b(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})\b"),
    _kind("id", "[id]", r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{16}\b|\b\d{15,20}\b"),
    _kind(
        "user id",
        "[id]",
        r"\b(?:user|usr|customer|account|member|client)(?:[._ -]?(?:id|no|number))?\s*[:=#]\s*"
        r"[\"']?(?=[\w.@-]*\d)[\w.@-]+|\b(?:usr|cus|user|acct)_[A-Za-z0-9]{4,}\b"
        r"|\b(?:user|customer|account|member|client)\s+(?:id\s+|no\.?\s+|number\s+)?\d{4,}\b"
        r"|\b(?:u|uid|usr|user|cust|customer|acct|account)-\d{3,}\b",
    ),
    _kind(
        "phone number",
        "[phone]",
        r"(?<![\w.])\+\d{1,3}[ .-]?\(?\d{1,4}\)?(?:[ .-]?\d{2,4}){2,4}\b"
        r"|(?<![\w.-])(?:\(\d{2,5}\) ?|\d{3}[.-])\d{3}[ .-]?\d{3,4}\b(?![.-]\d)",
    ),
    _kind(
        "phone number",
        "[phone]",
        r"(?<![a-z])(?:(?:tele)?phone|telefon|tel|fax|handy)s?(?:\s?(?:no|nr|number)\b)?"
        rf"{_BETWEEN}(?!\d{{4}}-\d\d-\d\d|\d+\.\d+\.\d+\.)"
        r"[+(]{0,2}\d(?:[ ()/.-]{0,2}\d){6,14}(?![\w,]?\d)"
        r"|(?<![a-z])(?:mobile|cell|(?:call|ring|text|sms)(?:\s\w+)?\s(?:at|on|under))(?:\s?(?:no|nr|number)\b)?"
        r"[\s.:=#\"']{1,4}(?!\d{4}-\d\d-\d\d|\d+\.\d+\.\d+\.)"
        r"[+(]{0,2}0\d(?:[ ()/.-]{0,2}\d){5,13}(?![\w,]?\d)",
        *("fon", "phone", "tel", "fax", "handy", "mobile", "cell", "call", "ring", "text", "sms"),
    ),
    _kind(
        "date of birth",
        "[date of birth]",
        r"(?<![a-z])(?:d\.?o\.?b\b|(?:date|day)[\s_-]?of[\s_-]?birth|birth[\s_-]?(?:date|day)|born|geboren"
        rf"|geburtsdatum|geb\b|fecha[\s_]de[\s_]nacimiento|date[\s_]de[\s_]naissance){_BETWEEN}{_DAY}",
        *("dob", "o.b", "birth", "born", "gebor", "geburt", "geb", "nacimiento", "naissance"),
    ),
    _kind(
        "personal number",
        "[personal number]",
        r"(?<![\w.-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-]|\.\d)"
        r"|(?<![a-z])(?:ssn|social[\s_-]?security(?:[\s_-]?(?:no|number))?)\.?"
        rf"{_BETWEEN}\d{{3}}[ -]?\d{{2}}[ -]?\d{{4}}(?!\w)"
        r"|(?<![a-z])passport(?:[\s_-]?(?:no|number))?\.?"
        rf"{_BETWEEN}(?=[a-z]{{0,3}}\d)[a-z0-9]{{6,9}}(?!\w)",
        *("-", "ssn", "social", "passport"),
    ),
    _kind(
        "home folder",
        "[path]",
        r"(?<![\w.])/(?:home|(?-i:Users))/[\w.@+-]*\w(?:/[\w.@+~-]*)*"
        r"|(?<!\w)[a-z]:(?:\\+|/)users(?:\\+|/)[^\s\\/\"'<>|]+(?:[\\/][^\s\"'<>|]*)?",
        *("/home/", "/users/", "\\users"),
    ),
    _kind("chat handle", "[person]", r"(?<![\w@/.])@[a-z][\w.-]{2,}\b", "@"),
    _kind("chat channel", "[channel]", r"(?<![\w#&/])#(?=[\w-]*[a-z])[a-z0-9][\w-]{2,}\b", "#"),
)
"""In the order they are looked for; where two overlap, the longer one says what both are."""


def spots(text: str) -> list[Spot]:
    """Return where a folded text has something that points inside, in the order of the kinds."""
    lowered = text.lower()
    return [
        Spot(kind.name, kind.shown, *match.span())
        for kind in KINDS
        if any(sign in lowered for sign in kind.signs)
        for match in kind.pattern.finditer(text)
        if not _is_open(kind, match[0])
    ]


def _is_open(kind: Kind, matched: str) -> bool:
    """Return whether a match may stay: a status page, a number that is no address."""
    if kind.name == "link":
        try:
            host = urlsplit(matched if "://" in matched else f"https://{matched}").hostname or ""
        except ValueError:
            return False
        return OPEN_HOSTS.search(host) is not None
    return kind.name == "IP address" and not _is_address(matched)


def _is_address(matched: str) -> bool:
    bare = re.split("[/%]", matched, maxsplit=1)[0]
    bare = bare.rsplit(":", 1)[0] if bare.count(":") == 1 else bare
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        return False
    return True
