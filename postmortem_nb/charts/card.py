"""A card: a figure laid out in inches, and the one door to matplotlib.

Every text is placed where it was measured to fit, in a font that matplotlib itself ships, as plain
text and never as mathematics. The reader's own matplotlib settings change nothing here, and the
same card gives the same bytes.
"""

from __future__ import annotations

import io
import re
import threading
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findSystemFonts, fontManager, get_font
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from PIL import Image

from postmortem_nb.captions import label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

WIDTH = 9.0
"""Inches; shown at 100 CSS pixels an inch, so 900 pixels: a document's width."""
DPI = 200
"""Dots an inch: two for each CSS pixel, crisp on a dense screen and in print."""

INK, GREY, FAINT, FACE = "#1f2933", "#59636e", "#e3e7eb", "#ffffff"
BIG, TITLE, TEXT, SMALL = 24.0, 10.5, 9.0, 8.5  # points
LINE = 0.175  # inches from one line of text to the next
CAPITAL = 0.73  # height of a capital letter, of the font's size
EDGE = 0.12  # inches kept free around everything

PLAIN = "DejaVu Sans"
_FONTS = Path(mpl.get_data_path()) / "fonts" / "ttf"
_FILES = {False: _FONTS / "DejaVuSans.ttf", True: _FONTS / "DejaVuSans-Bold.ttf"}
# Fonts for the scripts that matplotlib's own lacks, used where they are installed.
OTHERS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK KR", "PingFang SC", "Hiragino Sans",
    "Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "WenQuanYi Zen Hei", "Noto Sans Devanagari",
    "Noto Sans Thai", "Noto Sans Bengali", "Noto Emoji", "Droid Sans Fallback",
)  # fmt: skip
TOFU = "□"
"""Stands for a character that no font here can draw."""
_BOXED: set[str] = set()
_TOLD: set[str] = set()

_OURS = {
    "text.parse_math": False,
    "text.usetex": False,
    "text.hinting": "no_hinting",
    "font.family": [PLAIN],
    "svg.fonttype": "path",
    "svg.hashsalt": "postmortem-nb",
    "axes.unicode_minus": True,
    "hatch.linewidth": 0.6,
}
_NOT_LOOKS = (
    "backend", "interactive", "toolbar", "webagg", "tk.", "date.epoch", "docstring",
    "savefig.directory", "timezone",
)  # fmt: skip
_LOCK = threading.RLock()


@contextmanager
def style() -> Iterator[None]:
    """Draw with matplotlib's defaults and ours, one thread at a time, whatever the reader set."""
    defaults = mpl.rcParamsDefault.items()
    looks: Any = {key: value for key, value in defaults if not key.startswith(_NOT_LOOKS)}
    with _LOCK, mpl.rc_context(looks | _OURS):
        yield


class Card:
    """A figure of a given height whose parts are placed in inches from the bottom left."""

    def __init__(self, height: float) -> None:
        self.height = height
        self.figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor=FACE)
        FigureCanvasAgg(self.figure)

    def panel(self, left: float, bottom: float, width: float, height: float) -> Axes:
        """Return bare axes in a rectangle: no frame, no ticks, nothing of its own."""
        place = (left / WIDTH, bottom / self.height, width / WIDTH, height / self.height)
        axes: Axes = self.figure.add_axes(place, facecolor="none")
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(False)
        return axes

    def write(  # noqa: PLR0913 - the five ways a word on paper differs, by name
        self, at: tuple[float, float], words: str, *, size: float = TEXT, color: str = INK,
        bold: bool = False, align: str = "left",
    ) -> None:  # fmt: skip
        """Write one line of text, its capitals centred on ``at``."""
        if not words:
            return
        self.figure.text(
            at[0], at[1] - CAPITAL * size / 144, drawable(words, bold=bold), color=color, ha=align,
            va="baseline", fontproperties=_font(words, size, bold=bold), parse_math=False,
            transform=self.figure.dpi_scale_trans, zorder=6,
        )  # fmt: skip

    def rule(self, ends: Sequence[tuple[float, float]], *, color: str = INK, **looks: Any) -> None:
        """Draw a thin line through points given in inches."""
        line = Line2D(
            [x for x, _ in ends], [y for _, y in ends], color=color,
            transform=self.figure.dpi_scale_trans, **{"linewidth": 0.8, **looks},
        )  # fmt: skip
        self.figure.add_artist(line)

    def dot(self, at: tuple[float, float], across: float, color: str) -> None:
        """Draw a filled circle, ``across`` inches wide."""
        self.rule(
            [at], color=color, marker="o", markersize=across * 72, markeredgecolor=FACE, zorder=4
        )

    def box(self, corner: tuple[float, float], size: tuple[float, float], **looks: Any) -> None:
        """Fill a rectangle given in inches."""
        patch = Rectangle(
            corner, *size, transform=self.figure.dpi_scale_trans, **{"linewidth": 0, **looks}
        )
        self.figure.add_artist(patch)


def note(title: str, words: str) -> Figure:
    """Return a small card that says something in the place of a picture."""
    top = 0.3 if title else 0.0
    made = Card(0.75 + top)
    if title:
        shown = fit(label(title), WIDTH - 2 * EDGE, TITLE, bold=True)
        made.write((EDGE, made.height - EDGE - 0.09), shown, size=TITLE, bold=True)
    made.write((EDGE, 0.375), fit(words, WIDTH - 2 * EDGE), color=GREY)
    return made.figure


def width(words: str, size: float = TEXT, *, bold: bool = False) -> float:
    """Return how wide a text will be, in inches."""
    return _measured(words, size, bold) if words else 0.0


@lru_cache(maxsize=4096)
def _measured(words: str, size: float, bold: bool) -> float:  # noqa: FBT001 - the cache's key
    shown, font = drawable(words, bold=bold), _font(words, size, bold=bold)
    pen: Any = _pen()
    return float(pen.get_text_width_height_descent(shown, font, ismath=False)[0]) / DPI


def fit(words: str, room: float, size: float = TEXT, *, bold: bool = False) -> str:
    """Return ``words``, cut with … where they are wider than ``room`` inches."""
    return _fitted(
        words,
        lambda count: words[:count].rstrip() + "…",
        lambda shown: width(shown, size, bold=bold) <= room,
    )


def fold(words: str, room: float, size: float = TEXT, *, bold: bool = False) -> list[str]:
    """Return ``words`` on one line, or on two where they are wider; the second is cut with …."""
    head = _fitted(
        words,
        lambda count: words[:count],
        lambda shown: width(shown, size, bold=bold) <= room,
    )
    if head == words:
        return [words]
    at = head.rfind(" ") + 1
    if at < len(head) / 2:  # a query has few spaces
        at = max(head.rfind(mark) + 1 for mark in " ,/&)}")
    at = at or len(head)
    return [words[:at].rstrip(), fit(words[at:].lstrip(), room, size, bold=bold)]


def fit_middle(words: str, room: float, size: float = TEXT) -> str:
    """Return ``words``, their middle replaced by … where they are wider than ``room`` inches."""

    def shorter(count: int) -> str:
        tail = count * 2 // 5
        return f"{words[: count - tail]}…{words[len(words) - tail :]}"

    return _fitted(words, shorter, lambda shown: width(shown, size) <= room)


def fit_apart(names: Sequence[str], room: float) -> list[str]:
    """Return names as ``fit_middle`` cuts them, but no two alike that were not so before.

    What all of them share then goes first: whole tags, else how they begin and end.
    """
    fitted = [fit_middle(name, room) for name in names]
    for unlike in (_own_tags, _own_middles):
        if len(set(fitted)) < len(set(names)):
            fitted = [fit_middle(name, room) for name in unlike(names)]
    return fitted


def _own_tags(names: Sequence[str]) -> list[str]:
    """Return names without the tags, parted by commas, that each of them has in the same place."""
    split = [re.split("(?<=,)", name) for name in names]
    if len({len(tags) for tags in split}) > 1:
        return _own_middles(names)
    own = [place for place, tags in enumerate(zip(*split, strict=True)) if len(set(tags)) > 1]
    return ["".join(tags[place] for place in own).strip(" ,") for tags in split]


def _own_middles(names: Sequence[str]) -> list[str]:
    """Return names with … for how all of them begin and end."""
    head = _alike(names)
    ends = [name[head:] for name in names]
    tail = _alike([end[::-1] for end in ends])
    return [f"{'…' * bool(head)}{end[: len(end) - tail]}{'…' * bool(tail)}" for end in ends]


def _alike(names: Sequence[str]) -> int:
    """Return how many characters all names begin with."""
    columns = zip(*names, strict=False)  # to the end of the shortest
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))


def _fitted(words: str, shorter: Callable[[int], str], fits: Callable[[str], bool]) -> str:
    """Return ``words``, or the longest that ``shorter`` makes of them and that fits."""
    if fits(words):
        return words
    low, high = 0, max(len(words) - 1, 0)
    while low < high:
        count = (low + high + 1) // 2
        low, high = (count, high) if fits(shorter(count)) else (low, count - 1)
    return shorter(low)


def drawable(words: str, *, bold: bool = False) -> str:
    """Return ``words`` with a box for each character that no font at hand can draw."""
    if _plain(words, bold=bold):
        return words
    fonts = [_own_glyphs(bold=bold), *(_glyphs(name) for name in _installed())]
    lacking = {char for char in words if not any(ord(char) in font for font in fonts)}
    _BOXED.update(lacking)
    return "".join(TOFU if char in lacking else char for char in words)


def undrawn() -> str:
    """Return what to say of the characters that are boxes in pictures, each of them once."""
    news = sorted(_BOXED - _TOLD)
    _TOLD.update(news)
    if not news:
        return ""
    return (
        f"no font on this machine draws {''.join(news[:12])}{'…' * (len(news) > 12)}: charts show "
        "boxes; install one, for example fonts-noto-cjk, and run the cells again"
    )


def _plain(words: str, *, bold: bool) -> bool:
    known = _own_glyphs(bold=bold)
    return all(ord(char) in known for char in words)


def _font(words: str, size: float, *, bold: bool) -> FontProperties:
    """Return our own font's file, the same on every machine; others only for what it lacks."""
    if _plain(words, bold=bold) or not _installed():
        return FontProperties(fname=_FILES[bold], size=size)
    weight = "bold" if bold else "normal"
    return FontProperties(family=[PLAIN, *_installed()], size=size, weight=weight)


@lru_cache
def _own_glyphs(*, bold: bool) -> frozenset[int]:
    return frozenset(get_font(_FILES[bold]).get_charmap())


@lru_cache
def _glyphs(family: str) -> frozenset[int]:
    return frozenset(get_font(fontManager.findfont(FontProperties(family=family))).get_charmap())


@lru_cache
def _installed() -> tuple[str, ...]:
    known = {entry.fname for entry in fontManager.ttflist}
    for path in findSystemFonts():
        if path not in known:  # matplotlib looks once in its life: it was installed since
            with suppress(OSError, RuntimeError, ValueError, NotImplementedError):
                fontManager.addfont(path)
    here = {entry.name for entry in fontManager.ttflist}
    return tuple(name for name in OTHERS if name in here)


@lru_cache
def _pen() -> RendererAgg:
    return RendererAgg(8, 8, DPI)  # type: ignore[no-untyped-call] # matplotlib leaves it untyped


COLOURS = 47
"""Colours that are found for a picture: most of them lie between its own, at edges."""
EXACT = 20
"""How many more stand as they were drawn, the paper's among them."""
EFFORT = 8
"""Of zlib: half the time of its best, for 3 % more bytes."""


def png(figure: Figure, *below: Figure) -> bytes:
    """Return a figure, with others below it, as PNG, 200 dots an inch; the same gives the same."""
    buffer = io.BytesIO()
    with style():
        dots = np.vstack([_dots(each) for each in (figure, *below)])
    _in_few_colours(dots).save(buffer, "png", dpi=(DPI, DPI), compress_level=EFFORT)
    return buffer.getvalue()


def _in_few_colours(dots: NDArray[np.uint8]) -> Image.Image:
    """Return a picture of few colours, its own exact: a quarter of the bytes.

    Nobody sees the difference. Most of a chart is bare paper, so only the rest is looked through.
    """
    mixed = dots.view(np.uint32)[..., 0]  # a number a dot
    exact = _flat_colours(mixed)
    drawn = mixed != exact[0]
    places = np.zeros(mixed.shape, np.uint8)
    palette = np.ascontiguousarray(exact).view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    if drawn.any():
        ink = Image.fromarray(np.ascontiguousarray(dots[drawn][np.newaxis, :, :3]))
        few = ink.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        places[drawn] = np.asarray(few)[0] + exact.size
        palette += bytes(few.getpalette() or ())[: 3 * COLOURS]
    for place, colour in enumerate(exact[1:], 1):
        places[mixed == colour] = place
    found = Image.fromarray(places)
    found.putpalette(palette)
    return found


def _flat_colours(mixed: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return the paper's colour and those that four dots have side by side, the largest first.

    A line that is short, and its key, are a few hundred dots: rare, but what names are told by.
    """
    corner = mixed[1:, 1:]
    inside = corner != mixed[0, 0]
    for other in (mixed[:-1, :-1], mixed[:-1, 1:], mixed[1:, :-1]):
        inside &= corner == other
    colours, counts = np.unique(corner[inside], return_counts=True)
    largest = colours[np.argsort(-counts, kind="stable")][: EXACT - 1]
    return np.concatenate((mixed[:1, 0], largest))


def _dots(figure: Figure) -> NDArray[np.uint8]:
    """Return the dots of a figure: red, green, blue and how much they cover, which is all."""
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    found: NDArray[np.uint8] = np.asarray(canvas.buffer_rgba())
    return found


def svg(figure: Figure) -> str:
    """Return a figure as one ``<svg>`` element: text as outlines, no date, comments or style.

    Group ids are left out, so several pictures can stand in one page.
    """
    buffer = io.StringIO()
    bare = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with style():
        figure.savefig(buffer, format="svg", metadata=bare)
    drawn = buffer.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r"<!--.*?-->\n?", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r"\s*<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r"\s*<defs>\s*<style[^>]*>.*?</style>\s*</defs>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r'<g id="[^"]*"', "<g", drawn)
    return drawn.replace("<svg ", '<svg stroke-linejoin="round" stroke-linecap="butt" ', 1)
