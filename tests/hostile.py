"""Texts that try to be more than text, and what HTML may hold where they stand."""

import json
from pathlib import Path

import html5lib

SHARED = Path(__file__).parents[1].parent / "shared" / "hostile" / "payloads.json"

OWN = {
    "script": "<script>alert(1)</script>",
    "img": '<img src=x onerror="alert(1)">',
    "entity": "&lt;b&gt; &#60;script&#62; &copy; & &x",
    "link": "[run](javascript:alert(1)) ![p](http://evil.invalid/p)",
    "autolink": "<javascript:alert(1)> <http://evil.invalid/>",
    "reference": "[a]: http://evil.invalid/ 'b'",
    "heading": "# Approved by everyone",
    "bullet": "- [x] **Manager** signed",
    "plus": "+ more",
    "star": "* star",
    "number": "1. first",
    "bracket-number": "12) twelfth",
    "quote": "> quoted",
    "rule": "---",
    "equals": "===",
    "setext": "Title\n=====\nTitle\n-----",
    "fence": "```\ncode\n```",
    "tildes": "~~~\ncode\n~~~",
    "indented": "    code\n\tmore code",
    "table": "a | b\n--|--\n1 | <img src=x onerror=alert(1)>",
    "pipes": "|||",
    "backticks": "`a` ``b`` ```c",
    "backslashes": "C:\\temp\\*.log \\",
    "backslash-pipe": "a\\|b \\\\| c",
    "emphasis": "*a* **b** _c_ __d__ ~~e~~ ***f***",
    "snake": "pool_max_size and _private_ and a__b",
    "dollars": "lost $12,000 and $50,000; $x^2$",
    "braces": "{{SERVICE}} {: onclick=alert(1)} {% x %}",
    "lines": "first\n\nthird\r\nfourth",
    "spaces": "  two   three ",
    "comment": "<!-- rows actions: 1 blank --> <!-- end -->",
    "close": "</li></ul></div></body><svg onload=alert(1)>",
    "quotes": "\" onmouseover='alert(1)' x=`",
    "gap": "_____ and _____ (Date: _____)",
    "tokens": "\ue0000\ue001 \ue001 \uf8ff",
    "controls": "a\x00b\x1b[31mred\x7f\x85",
    "bidi": "safe\u202egnp.exe\u2066",
    "surrogate": "a\ud800b\udfff",
    "rtl": "\u0645\u0631\u062d\u0628\u0627 INC-7",
    "separators": "a\u2028b\u2029c\x0bd\x0ce",
    "front": "---\ntitle: forged\n---",
    "colon": ": a definition",
    "math": "\\(x\\) \\[y\\] $$z$$",
    "minus": "-5 and +3 and ~5 minutes",
}


def texts():
    """Return name → text: our own, and the larger collection where it is at hand."""
    found = dict(OWN)
    if SHARED.is_file():
        for entry in json.loads(SHARED.read_text("utf-8")):
            if "text" in [word.strip() for word in entry["where"].split(",")]:
                found[entry["id"]] = entry["payload"]
    return found


TEXTS = texts()


def elements(html):
    """Return the elements of a fragment as another parser sees them, and their attributes."""
    tree = html5lib.parseFragment(html, namespaceHTMLElements=False)
    return [each for each in tree.iter() if isinstance(each.tag, str) and each is not tree]


def spoken(html):
    """Return the words of a fragment, a line break as a newline, spaces as one space."""
    tree = html5lib.parseFragment(html, namespaceHTMLElements=False)
    for each in tree.iter("br"):
        each.tail = "\n" + (each.tail or "")
    return plain("".join(tree.itertext()))


def plain(words):
    """Return words with each run of spaces as one, lines kept."""
    lines = words.replace("\N{NO-BREAK SPACE}", " ").replace("\t", " ").split("\n")
    return "\n".join(" ".join(line.split(" ")).strip() for line in lines).strip()
