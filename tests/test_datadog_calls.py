"""The call in a query cell: read as data, filled as its grammar needs it, never run."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postmortem_nb import callsyntax
from postmortem_nb.callsyntax import Call
from postmortem_nb.datadog import calls, placeholders, queries
from postmortem_nb.datadog.calls import fill, parse
from postmortem_nb.errors import QueryError

START = datetime(2025, 12, 4, 14, 2, tzinfo=UTC)
END = datetime(2025, 12, 4, 16, 9, tzinfo=UTC)
KNOWN = {
    "SERVICE": "checkout",
    "SERVICES": ["checkout", "payments"],
    "SEVERITY": "SEV-1",
    "INCIDENT_ID": "INC-4821",
    "INCIDENT_START": START,
    "INCIDENT_END": END,
}
# the five blocks of the template, as they stand there
BLOCKS = {
    "impact": """analyze_datadog_logs(
  filter="status:error service:{{SERVICE}}",
  sql_query="SELECT count(*) FROM logs",
  from="{{INCIDENT_START}}",
  to="{{INCIDENT_END}}"
)""",
    "logs": """search_datadog_logs(
  query="service:{{SERVICE}} status:error",
  from="{{INCIDENT_START}}",
  to="{{INCIDENT_END}}",
  extra_fields=["error.message", "error.stack"]
)""",
    "traces": """search_datadog_spans(
  query="service:{{SERVICE}} status:error",
  from="{{INCIDENT_START}}",
  to="{{INCIDENT_END}}"
)""",
    "metrics": """get_datadog_metric(
  queries=[
    "avg:trace.{{SERVICE}}.request.duration{*}",
    "sum:trace.{{SERVICE}}.request.errors{*}.as_rate()"
  ],
  from="{{INCIDENT_START_MINUS_1H}}",
  to="{{INCIDENT_END_PLUS_1H}}"
)""",
    "events": """search_datadog_events(
  query="service:{{SERVICE}}",
  from="{{INCIDENT_START_MINUS_2H}}",
  to="{{INCIDENT_END}}"
)""",
}


@pytest.mark.parametrize("name", BLOCKS)
def test_the_templates_blocks_are_read_and_filled_unchanged(name):
    call = fill(parse(BLOCKS[name]), KNOWN)
    assert call.function in BLOCKS[name]
    assert isinstance(call.arguments["from_"], datetime)
    assert "{{" not in json.dumps(call.arguments, default=str)


def test_the_template_that_is_shipped_holds_such_blocks():
    """Every call in the shipped template can be read; the blocks above are among them."""
    folder = Path(calls.__file__).parents[1] / "templates"
    text = (folder / "postmortem.md").read_text("utf-8")
    squeezed = "".join(text.split())
    assert all("".join(block.split()) in squeezed for block in BLOCKS.values())


def test_values_of_the_blocks():
    impact = fill(parse(BLOCKS["impact"]), KNOWN).arguments
    assert impact["filter"] == 'status:error service:"checkout"'
    assert impact["from_"] == START
    metrics = fill(parse(BLOCKS["metrics"]), KNOWN).arguments
    assert metrics["queries"][0] == "avg:trace.checkout.request.duration{*}"
    assert metrics["from_"] == START - timedelta(hours=1)
    assert metrics["to"] == END + timedelta(hours=1)


def test_comments_positions_and_the_word_from_in_texts():
    call = parse('search_datadog_logs("a from=b", from = "now-1h", # from=\n to="now")')
    assert call.arguments == {"query": "a from=b", "from_": "now-1h", "to": "now"}


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("", "one call"),
        ("1 + 1", "one call"),
        ("x = search_datadog_logs()", "one call and nothing else"),
        ("search_datadog_logs()\nsearch_datadog_logs()", "one call and nothing else"),
        ("search_datadog_log(query='*')", "did you mean search_datadog_logs"),
        ("search_datadog_logs(qery='*')", "did you mean query"),
        ("search_datadog_logs(query='*', frm='now')", "did you mean from"),
        ("search_datadog_logs(query='*', start='now-1h')", "did you mean from"),
        ("search_datadog_logs(query='*', end='now')", "did you mean to"),
        ("search_datadog_logs(query='*', query='b')", "cannot be read|given twice"),
        ("search_datadog_logs('a', query='b')", "given twice"),
        ("search_datadog_logs(query=name)", "written out"),
        ("search_datadog_logs(query=f'{x}')", "written out"),
        ("search_datadog_logs(query=open('/etc/passwd').read())", "written out"),
        ("search_datadog_logs(**{'query': 'a'})", "by name"),
        ("search_datadog_logs(*['a'])", "written out"),
        ("datadog.search_datadog_logs(query='a')", "one call"),
        ("__import__('os').system('true')", "one call"),
        ("search_datadog_logs(query='a'", "cannot be read"),
        ("search_datadog_logs(query='{{SERVICE}}'\n from='now')", r"line 1\): a comma seems to be"),
        ("search_datadog_logs(query='{{SERVICE}}', to='a' 'b)", "check quotes, commas"),
        (
            "search_datadog_logs(query={{SERVICE}})",
            "written out .*placeholders stand inside quotes",
        ),
        ("search_datadog_logs(query='{{SERVCE}}')", r"did you mean \{\{SERVICE\}\}"),
        ("search_datadog_logs(query='{{ os.environ }}')", "unknown placeholder"),
        ("search_datadog_logs(query='{{SERVICE_MINUS_1H}}')", "unknown placeholder"),
        ("search_datadog_logs(query='{{NOSUCH}}')", "INCIDENT_START_MINUS_1H"),
        ("(" * 5000, "cannot be read"),
        ("x" * 200_000, "one call"),
        ("search_datadog_logs(query='\0')", "cannot be read"),
    ],
)
def test_anything_else_is_one_line(source, says):
    with pytest.raises(QueryError, match=says) as caught:
        parse(source)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=200))
def test_any_text_is_a_call_or_one_line(source):
    try:
        call = parse(source)
    except QueryError as error:
        lines = str(error).splitlines()
    else:
        lines = [call.function]
        assert call.function in source
    assert len(lines) == 1


def test_the_functions_that_may_be_called_are_those_there_are():
    assert {name: tuple(p) for name, p in queries.PARAMETERS.items()} == callsyntax.FUNCTIONS


ORDER = {
    "search_datadog_logs": "query from_ to extra_fields sort indexes storage_tier limit",
    "search_datadog_spans": "query from_ to custom_attributes sort limit",
    "search_datadog_events": "query from_ to sort limit",
    "get_datadog_metric": "queries from_ to formulas interval",
    "analyze_datadog_logs": ("filter sql_query from_ to extra_columns indexes storage_tier limit"),
}
"""The arguments of the five, as Datadog's tools have them."""


@pytest.mark.parametrize("name", ORDER)
def test_every_argument_may_be_given_in_its_place(name, monkeypatch):
    """In Python as in a cell."""
    heard = []
    monkeypatch.setattr(queries, "run", lambda *given: heard.append(given))
    values = [f"value {at}" for at in range(len(ORDER[name].split()))]
    getattr(queries, name)(*values)
    assert heard == [(name, dict(zip(ORDER[name].split(), values, strict=True)))]
    assert parse(f"{name}({', '.join(map(repr, values))})").arguments == heard[0][1]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"query": "service:{{SERVICE}}"},
            'query: {{SERVICE}} has a value.*variables\\(\\)."SERVICE"',
        ),
        ({"from_": "{{INCIDENT_START_MINUS_1H}}"}, "from: {{INCIDENT_START_MINUS_1H}} has a value"),
        ({"extra_fields": ["{{SERVICE}}"]}, "extra_fields: {{SERVICE}} has a value"),
    ],
)
def test_a_call_in_python_fills_no_placeholder_and_says_so(given, said):
    asked = {"query": "*", "from_": "now-1h", "to": "now"} | given
    with pytest.raises(QueryError, match=said) as refused:
        queries.search_datadog_logs(**asked)
    assert "%%datadog cell only" in str(refused.value)


def test_other_words_in_double_braces_may_be_searched(monkeypatch):
    """A log may hold a template that nobody filled; so may a value that a cell put in place."""
    heard = []
    monkeypatch.setattr(queries, "run", lambda *given, **more: heard.append((given, more)))
    queries.search_datadog_logs('"{{user}}" "{{SERVICE_PLUS_1H}}"', "now-1h", "now")
    calls.ask(fill(parse('search_datadog_logs("{{TITLE}}", "now-1h", "now")'),
                   KNOWN | {"TITLE": "{{SERVICE}}"}))  # fmt: skip
    assert len(heard) == 2


def test_unknown_values_are_named_once_each():
    call = parse(BLOCKS["metrics"])
    assert calls.unknown(call, {}) == ["{{SERVICE}}", "{{INCIDENT_START}}", "{{INCIDENT_END}}"]
    assert calls.unknown(call, KNOWN) == []
    with pytest.raises(QueryError, match="not known yet"):
        fill(call, {})


def test_the_same_question_has_the_same_digest_however_it_is_written():
    short = parse('search_datadog_logs("*", from="now-1h", to="now")')
    long = parse(
        'search_datadog_logs(to="now",from="now-1h",query="*",limit=1000,sort="timestamp")'
    )
    other = parse('search_datadog_logs("*", from="now-2h", to="now")')
    assert calls.question(short) == calls.question(long) != calls.question(other)


def test_a_call_is_written_as_it_was_read():
    call = fill(parse(BLOCKS["logs"]), KNOWN)
    again = parse(calls.text(call))
    assert again.function == call.function
    assert again.arguments["query"] == call.arguments["query"]
    assert again.arguments["from_"] == "2025-12-04T14:02:00Z"


# ---- searches

HOSTILE = [
    "a) OR (service:*",
    'a" OR service:*',
    'a\\" OR service:*',
    "a\\",
    "*",
    "-x",
    "AND",
    "OR",
    "x OR y",
    "a b",
    "{{INCIDENT_ID}}",
    "{x}",
    "${HOME}",
    "日本 🦆",
]


def phrase(text):
    """Return the value of a quoted phrase, read by Datadog's rule: backslash escapes the next."""
    assert text[0] == text[-1] == '"'
    out, escaped = [], False
    for char in text[1:-1]:
        if not escaped and char == "\\":
            escaped = True
            continue
        assert escaped or char != '"', f"{text} ends before its end"
        out.append(char)
        escaped = False
    assert not escaped
    return "".join(out)


def search(words, **values):
    return placeholders.in_search(words, KNOWN | values)


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_of_a_search_is_one_quoted_phrase(value):
    filled = search("status:error service:{{SERVICE}}", SERVICE=value)
    head, quoted = filled[:21], filled[21:]
    assert head == "status:error service:"
    assert phrase(quoted) == value


@given(st.text(min_size=1, max_size=60))
def test_any_value_is_that_phrase_or_refused(value):
    try:
        filled = search("service:{{SERVICE}}", SERVICE=value)
    except QueryError:
        assert any(ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u2028\u2029" for c in value)
    else:
        assert phrase(filled.removeprefix("service:")) == value


def test_half_a_character_is_replaced():
    assert search("service:{{SERVICE}}", SERVICE="a\ud800") == 'service:"a\ufffd"'


def test_several_values_are_alternatives():
    assert search("service:{{SERVICES}} x") == 'service:("checkout" OR "payments") x'
    assert search("service:{{SERVICES}}", SERVICES=["one"]) == 'service:"one"'


@pytest.mark.parametrize(
    ("words", "filled"),
    [
        ("{{SERVICE}}", '"checkout"'),
        ("-service:{{SERVICE}}", '-service:"checkout"'),
        ('"about {{SERVICE}} now"', '"about checkout now"'),
        ("service:web-{{SERVICE}}", "service:web-checkout"),
        ("service:{{SERVICE}}*", "service:checkout*"),
        ("@t:[{{INCIDENT_START}} TO *]", '@t:["2025-12-04T14:02:00Z" TO *]'),
        ("no placeholder {x} {y}", "no placeholder {x} {y}"),
    ],
)
def test_where_a_value_may_stand_in_a_search(words, filled):
    assert search(words) == filled


def test_a_value_within_a_word_has_its_special_characters_escaped():
    assert search("service:web-{{SERVICE}}*", SERVICE="a) OR b*") == r"service:web-a\)\ OR\ b\**"
    assert search("service:{{SERVICE}}*", SERVICE="-x") == r"service:\-x*"


@pytest.mark.parametrize(
    "words", ["{{SERVICE}}:x", '"{{SERVICES}}"', "web-{{SERVICES}}", "@{{SERVICE}}"]
)
def test_where_a_value_may_not_stand_in_a_search(words):
    with pytest.raises(QueryError, match=r"\{\{SERVICE"):
        search(words)


@pytest.mark.parametrize("value", ["a\nb", "a\0b", "\x1b[31m", "a\u2028b"])
def test_control_characters_are_refused_everywhere(value):
    for fill_in in (placeholders.in_search, placeholders.in_metric, placeholders.in_sql):
        with pytest.raises(QueryError, match="control characters"):
            fill_in("a:{{SERVICE}}", {"SERVICE": value})


# ---- metrics


def metric(words, **values):
    return placeholders.in_metric(words, KNOWN | values)


@pytest.mark.parametrize(
    ("words", "service", "filled"),
    [
        ("avg:trace.{{SERVICE}}.request{*}", "web-shop", "avg:trace.web_shop.request{*}"),
        ("avg:x{service:{{SERVICE}}}", "Web-Shop", "avg:x{service:web-shop}"),
        ("avg:x{service:{{SERVICE}}} by {host}", "a&b", "avg:x{service:a_b} by {host}"),
        ("a:x{!service:{{SERVICE}},env:p}", "w", "a:x{!service:w,env:p}"),
    ],
)
def test_a_metrics_values_are_normalised_as_datadog_does(words, service, filled):
    assert metric(words, SERVICE=service) == filled


@pytest.mark.parametrize(
    "value", ["a) OR (service:*", "a,b", "{x}", "a b", "*", "!x", "a}", "(", "'"]
)
@pytest.mark.parametrize("words", ["avg:x{service:{{SERVICE}}}", "avg:t.{{SERVICE}}.d{*}"])
def test_a_value_that_could_be_syntax_is_refused_in_a_metric(words, value):
    with pytest.raises(QueryError, match="cannot be"):
        metric(words, SERVICE=value)


@pytest.mark.parametrize("value", ["and", "OR", "not", "in", "x:", "-x"])
def test_a_word_of_the_grammar_is_no_tag_value(value):
    with pytest.raises(QueryError, match="cannot be the value of a tag"):
        metric("avg:x{service:{{SERVICE}}}", SERVICE=value)


@pytest.mark.parametrize(
    ("words", "filled"),
    [
        ("a:x{service:{{SERVICES}}}", "a:x{service:checkout OR service:payments}"),
        (
            "a:x{service:{{SERVICES}},env:prod,!team:x} by {host,zone}",
            (
                "a:x{(service:checkout OR service:payments) AND env:prod AND NOT team:x}"
                " by {host,zone}"
            ),
        ),
    ],
)
def test_several_values_are_alternatives_in_a_scope(words, filled):
    assert metric(words) == filled


@pytest.mark.parametrize(
    "words", ["avg:t.{{SERVICES}}.d{*}", "a:x{{{SERVICES}}}", "x{t:{{INCIDENT_START}}}"]
)
def test_where_a_value_may_not_stand_in_a_metric(words):
    with pytest.raises(QueryError, match=r"\{\{"):
        metric(words)


# ---- SQL


def sql(words, **values):
    return placeholders.in_sql(words, KNOWN | values)


@pytest.mark.parametrize(
    ("words", "filled"),
    [
        ("a = {{SERVICE}}", "a = 'checkout'"),
        ("a = '{{SERVICE}}'", "a = 'checkout'"),
        ("a = 'it''s {{SERVICE}}' -- x", "a = 'it''s checkout' -- x"),
        ("a IN ({{SERVICES}})", "a IN ('checkout', 'payments')"),
        ("a IN {{SERVICES}}", "a IN ('checkout', 'payments')"),
        ("t > {{INCIDENT_START}}", "t > TIMESTAMP '2025-12-04T14:02:00Z'"),
        ("t > '{{INCIDENT_START}}'", "t > '2025-12-04T14:02:00Z'"),
        ('"@x" = {{SERVICE}}', "\"@x\" = 'checkout'"),
        ("/* c */ {{SERVICE}}", "/* c */ 'checkout'"),
        ("-- c\n{{SERVICE}}", "-- c\n'checkout'"),
    ],
)
def test_a_value_of_sql_is_a_literal(words, filled):
    assert sql(words) == filled


@pytest.mark.parametrize(
    "value", ["x'); DELETE FROM logs; --", "'", "''", "a\\", "\\'", "$$", "/*"]
)
@pytest.mark.parametrize(
    "words", ["SELECT {{SERVICE}}", "SELECT '{{SERVICE}}'", "SELECT 'a{{SERVICE}}b'"]
)
def test_a_hostile_value_of_sql_is_that_literal(words, value):
    """Read back by the parser: one statement, one literal, holding just that text."""
    import sqlglot  # noqa: PLC0415

    trees = sqlglot.parse(sql(words, SERVICE=value), read="postgres")
    assert len(trees) == 1
    literal = trees[0].expressions[0]
    assert literal.is_string
    assert literal.name in (value, f"a{value}b")


@pytest.mark.parametrize(
    ("words", "filled"),
    [
        ("a LIKE '{{SERVICE}}'", r"a LIKE 'we\_b\%.\\'"),
        ("a NOT ILIKE '%{{SERVICE}}%'", r"a NOT ILIKE '%we\_b\%.\\%'"),
        ("a LIKE {{SERVICE}}", r"a LIKE 'we\_b\%.\\'"),
        ("a LIKE '%' || '{{SERVICE}}'", r"a LIKE '%' || 'we\_b\%.\\'"),
        ("a LIKE concat('it''s', '{{SERVICE}}')", r"a LIKE concat('it''s', 'we\_b\%.\\')"),
        ("regexp_matches(a, '^{{SERVICE}}')", r"regexp_matches(a, '^we_b\%\.\\')"),
        ("a ~ '{{SERVICE}}'", r"a ~ 'we_b\%\.\\'"),
        ("a LIKE ANY(ARRAY['x', '{{SERVICE}}'])", r"a LIKE ANY(ARRAY['x', 'we\_b\%.\\'])"),
        ("a LIKE 'x' AND b = '{{SERVICE}}'", r"a LIKE 'x' AND b = 'we_b%.\'"),
        ("regexp_replace(a, 'x', '{{SERVICE}}')", r"regexp_replace(a, 'x', 'we_b%.\')"),
    ],
)
def test_a_value_in_a_pattern_of_sql_is_no_pattern(words, filled):
    r"""Before: LIKE '{{SERVICE}}' of a service we_b found web too, of % all of them."""
    assert sql(words, SERVICE="we_b%.\\") == filled


@pytest.mark.parametrize(
    "words",
    [
        "SELECT 1 -- {{SERVICE}}",
        "SELECT 1 /* {{SERVICE}} */",
        'SELECT "{{SERVICE}}"',
        "SELECT E'{{SERVICE}}'",
        "SELECT $x${{SERVICE}}$x$",
        "SELECT '{{SERVICES}}'",
    ],
)
def test_where_a_value_may_not_stand_in_sql(words):
    with pytest.raises(QueryError, match=r"\{\{SERVICE"):
        sql(words)


# ---- times and the rest


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            "{{SERVICE}}",
            "{{SERVICE}} is no time; there are {{INCIDENT_START}} and",
        ),
        ("x{{INCIDENT_START}}", "{{INCIDENT_START}} is a time, with nothing before it"),
        (
            "{{INCIDENT_START}} {{INCIDENT_END}}",
            "{{INCIDENT_START}} is a time, with nothing before",
        ),
    ],
)
def test_what_is_no_time_is_told(words, says):
    """Before: '{{SERVICE}}': {{SERVICE}} is a time."""
    with pytest.raises(QueryError, match=re.escape(says)):
        placeholders.moment(words, KNOWN)


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        ("{{INCIDENT_START}}", START),
        ("{{INCIDENT_START_MINUS_90S}}", START - timedelta(seconds=90)),
        ("{{INCIDENT_END_PLUS_2D}}", END + timedelta(days=2)),
        ("{{INCIDENT_END_PLUS_1W}}", END + timedelta(weeks=1)),
        ("{{ INCIDENT_START }} - 15m", START - timedelta(minutes=15)),
        ("now-1h", "now-1h"),
    ],
)
def test_times_of_the_incident(words, moment):
    assert placeholders.moment(words, KNOWN) == moment


@pytest.mark.parametrize("words", ["{{SERVICE}}", "x {{INCIDENT_START}}", "{{INCIDENT_ID}}"])
def test_a_time_is_a_time(words):
    with pytest.raises(QueryError, match=r"(?:a|no) time"):
        placeholders.moment(words, KNOWN)


def test_values_are_not_looked_through_again():
    filled = search("service:{{SERVICE}} id:{{INCIDENT_ID}}", SERVICE="{{INCIDENT_ID}}")
    assert filled == 'service:"{{INCIDENT_ID}}" id:"INC-4821"'


def test_elsewhere_a_placeholder_is_refused():
    call = Call("search_datadog_logs", {"extra_fields": ["{{SERVICE}}"]})
    with pytest.raises(QueryError, match="cannot stand here"):
        fill(call, KNOWN)
