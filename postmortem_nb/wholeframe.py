"""A DataFrame whose texts are read, not counted: shown whole and at the left, with a word if empty.

JupyterLab sets every cell of a table at the right, and pandas shows fifty letters of a text.
"""

from __future__ import annotations

import re

import pandas as pd

from postmortem_nb import text, units

MOST = 60
"""Rows that are shown, as pandas shows them."""

_LONG = re.compile(r"<td>(?=[^<]{50})")
_WIDE = '<td style="text-align:left;min-width:18em;overflow-wrap:anywhere">'
"""A long text has room beside another one, such as a query without a space."""

_CELL = re.compile(r"<(t[hd])>")


class WholeFrame(pd.DataFrame):
    """A plain DataFrame to work with that shows all of its texts.

    Where it has no rows, ``attrs["empty"]`` says what would give some; ``attrs["shown"]`` names the
    columns that people read, where others are for programs. What is cut out of it is a plain
    DataFrame.
    """

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def _repr_html_(self) -> str:
        said = self.attrs.get("empty")
        if said and self.empty:
            return f"<p>{text.html(said)}</p>"
        with pd.option_context("display.max_colwidth", None, "display.html.use_mathjax", False):
            made = self.to_html(
                columns=self.attrs.get("shown"),
                max_rows=MOST,
                border=0,
                float_format=units.numeral,
            )
        return at_left(_LONG.sub(_WIDE, made))


def at_left(made: str) -> str:
    """Return HTML whose cells of text stand at the left; those with looks of their own stay."""
    return _CELL.sub(r'<\1 style="text-align:left">', made)
