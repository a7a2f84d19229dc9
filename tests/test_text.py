"""The text door: whatever comes in, the same words come out and nothing acts."""

import html as standard_html

import hostile
import mistune
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postmortem_nb import text

PLUGINS = ["table", "strikethrough", "task_lists", "footnotes", "def_list", "math", "mark"]
RENDER = mistune.create_markdown(escape=False, plugins=PLUGINS)  # raw HTML on: the worst reader

# Where a document puts a value: Markdown around it, its words, and its own elements.
PLACES = {
    "after a label": ("**Label**: {}", "Label: ", {"p", "strong"}),
    "alone": ("{}", "", {"p"}),
    "numbered": ("1. {}\n2. next", "", {"ol", "li"}),
    "nested": ("1. **A**: b\n   - C: {}", "A: b\nC: ", {"ol", "ul", "li", "strong"}),
    "listed": ("- {}", "", {"ul", "li"}),
    "in bold": ("- **x {} y**: z", "x ", {"ul", "li", "strong"}),
    "in a cell": (
        "| a | b |\n|---|---|\n| **c** | {} |",
        "",
        {"table", "thead", "tbody", "tr", "th", "td", "strong"},
    ),
    "in a heading": ("### {}", "", {"h3"}),
    "under a label": ("Label:\n{}", "", {"p"}),
}
BREAKS = {"br"}


def render(value, place):
    around, _, own = PLACES[place]
    made = RENDER(around.replace("{}", text.markdown(value)) + "\n")
    return made, own


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", hostile.TEXTS)
def test_markdown_stays_text_wherever_it_stands(name, place):
    value = hostile.TEXTS[name]
    made, own = render(value, place)
    for element in hostile.elements(made):
        assert element.tag in own | BREAKS
        assert not element.attrib
    assert hostile.plain(text.visible(value)) in hostile.spoken(made)


ACTIVE = st.text(alphabet="ab1 \n\t\\`*_[]()<>#+-=.!|~$&;:{}\"'/^x", max_size=30)


@given(ACTIVE)
def test_any_mixture_of_marks_reads_as_typed(value):
    for place in PLACES:
        made, own = render(value, place)
        assert {element.tag for element in hostile.elements(made)} <= own | BREAKS
        assert hostile.plain(value) in hostile.spoken(made)


@given(st.text(max_size=40))
def test_markdown_can_be_read_back(value):
    assert text.unmarkdown(text.markdown(value)) == text.visible(value)


@given(ACTIVE)
def test_markdown_of_marks_can_be_read_back(value):
    written = text.markdown(value)
    assert "\n" not in written
    assert text.unmarkdown(written) == value


@pytest.mark.parametrize(
    "value",
    [
        "checkout-service v2.48.0",
        "pool_max_size=50",
        "2025-12-04 14:02 UTC",
        "https://example.com/a?b=1&c=2#d",
        "Priya Raman (checkout), Tomasz Zieliński",
        "about ~5 minutes, -3 %, a > b",
        "What's next? Nothing; really!",
        "5 @ 10:30 = “half” – yes",
    ],
)
def test_common_words_are_written_plainly(value):
    assert text.markdown(value) == value


def test_indentation_keeps_its_width():
    made = RENDER(text.markdown("if x:\n    y  z"))
    assert standard_html.unescape(made) == "<p>if x:<br>\N{NO-BREAK SPACE}" + (
        "\N{NO-BREAK SPACE}" * 3 + "y \N{NO-BREAK SPACE}z</p>\n"
    )


@pytest.mark.parametrize("name", hostile.TEXTS)
def test_html_is_one_text_in_an_element_and_in_an_attribute(name):
    value = hostile.TEXTS[name]
    (span,) = hostile.elements(f'<span title="{text.html(value)}">{text.html(value)}</span>')
    assert span.text == text.visible(value) == span.attrib["title"]
    assert not len(span)


def test_clean_keeps_everything_that_can_be_encoded():
    assert text.clean("a\ud800b\x00\u202e") == "a\N{REPLACEMENT CHARACTER}b\x00\u202e"
    assert text.clean(12) == "12"


def test_nothing_acts_unseen():
    assert text.visible("a\x00\x1b[1m\x7f\x85\r\nb\rc\td") == "a␀␛[1m␡␦\nb␍c\td"
    assert text.visible("x\u202egnp\u2069\u2028y") == "x⟨RLO⟩gnp⟨PDI⟩\ny"


@pytest.mark.parametrize("ticks", range(6))
def test_a_fence_is_longer_than_what_it_holds(ticks):
    value = "a\n" + "`" * ticks + "\n<b>" + "~~~"
    made = mistune.create_markdown(escape=False, renderer="ast")(text.fence(value, "py</x>"))
    assert [block["type"] for block in made] == ["block_code"]
    assert made[0]["raw"] == value + "\n"
    assert made[0]["attrs"]["info"] == "pyx"


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com",
        "http://localhost:8080/a_b?x=1&y=%20#z",
        "HTTPS://EXAMPLE.COM/",
        "mailto:oncall@example.com",
        "https://example.com/Übersicht",
        "  https://example.com/ ",
    ],
)
def test_addresses_that_may_be_clicked(address):
    assert text.href(address) == address.strip()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "example.com",
        "//example.com/x",
        "https://app.datadoghq.com@evil.invalid/x",
        "https://me:word@example.com/",
        "https://example.com/%zz",
        "https://example.com:99999/",
        "/runbook",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\tscript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://example.com",
        "https:",
        "https://",
        "https:///x",
        "mailto:",
        "http://a b.com",
        "https://example.com/\nx",
        "https://example.com\\@evil.invalid",
        "https://[::1",
        "https://\u202eexample.com",
        "javascript&colon;alert(1)",
        None,
    ],
)
def test_addresses_that_may_not(address):
    assert text.href(address) is None


def test_right_to_left_is_noticed():
    assert text.is_bidirectional("مرحبا INC-7")
    assert not text.is_bidirectional("INC-7 – Łódź 🟢")
