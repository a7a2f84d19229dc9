"""The ``postmortem`` command: read the words, make one call, print what it says.

Exit 0 when all went well, 1 when a check found errors, 2 with one line on wrong use.
What the commands are and call is in `commands` and `archivecommands`.
"""

from __future__ import annotations

import argparse
import codecs
import difflib
import errno
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from postmortem_nb import __version__, archivecommands, commands
from postmortem_nb.commands import PATH, WrongUseError
from postmortem_nb.errors import PostmortemError, expected

if TYPE_CHECKING:
    from collections.abc import Callable

COMMANDS = (*commands.COMMANDS, *archivecommands.COMMANDS)
EXIT_WRONG_USE = 2
EXIT_INTERRUPTED = 130

_PLAIN = {
    **dict.fromkeys("−–—‑", "-"),
    **dict.fromkeys("“”", '"'),
    **dict.fromkeys("‘’", "'"),
    "›": ">",
    "→": "->",
    "…": "...",
    "×": "x",
    "≤": "<=",
    "≥": ">=",
    "·": "-",
}
"""Our own signs where the output cannot hold them, as in a pipe on Windows."""

_NO_OUTPUT = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG})


class _Parser(argparse.ArgumentParser):
    """argparse, with one line for an error instead of its usage and a second line."""

    def error(self, message: str) -> NoReturn:
        example = (self.epilog or "").partition(":")[2].strip()
        raise WrongUseError(f"{self.prog}: {message}, for example '{example}'")


def main(argv: list[str] | None = None) -> int:
    """Run the command line; what a person can mend is one line on stderr and exit 2."""
    _print_whatever_comes()
    try:
        code = run(sys.argv[1:] if argv is None else argv)
        if sys.stdout is not None:  # `>&-` leaves none
            sys.stdout.flush()
    except PostmortemError as error:
        said = commands.masked(str(error))
        print("; ".join(said.splitlines()), file=sys.stderr)  # a cell has room for several
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # the reader of our output went away (`postmortem check X | head`): nothing to say to it
        _forget_output()
        return 0
    except OSError as error:
        if error.errno not in _NO_OUTPUT or error.filename is not None:
            raise  # a bug of ours, not a full disk behind `> file`
        _forget_output()
        print(f"standard output: it could not be written: {error.strerror}", file=sys.stderr)
    else:
        return code
    return EXIT_WRONG_USE


def _print_whatever_comes() -> None:
    """Let no character stop the output: our own signs are spelled plainly, others escaped."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        codecs.register_error("postmortem", _spelled)
        sys.stdout.reconfigure(errors="postmortem")


def _spelled(failed: UnicodeError) -> tuple[str, int]:
    """Return what stands for characters that the output's encoding lacks, and where to go on."""
    if not isinstance(failed, UnicodeEncodeError):
        raise failed
    lost = failed.object[failed.start : failed.end]
    escaped = (_PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode() for c in lost)
    return "".join(escaped), failed.end


def _forget_output() -> None:
    """Let what is still to be written go nowhere, so that the interpreter ends in peace."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(argv: list[str]) -> int:
    """Run one command and return its exit code. Raises PostmortemError on wrong use."""
    _check_command(argv)
    asked, more = parser().parse_known_args(argv)
    if more:
        raise WrongUseError(_unexpected(asked, more[0]))
    call: Callable[[argparse.Namespace], int] = asked.call
    return call(asked)


def parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    top = _Parser(
        prog="postmortem",
        description="Investigate an incident and write its blameless postmortem.",
        epilog="Begin with:  postmortem demo",
    )
    top.add_argument("--version", action="version", version=f"postmortem-nb {__version__}")
    below = top.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = below.add_parser(
            command.name,
            help=command.help,
            description=command.help,
            epilog=f"Example:  {command.example}",
        )
        for flags, settings in command.arguments:
            sub.add_argument(*flags, **settings)
        sub.set_defaults(call=command.call)
    return top


def with_path(name: str, words: list[str], path: str) -> list[str]:
    """Return a command's words with a bundle's path in its place, where it works on a bundle.

    A bundle that the words name already, as they would in a terminal, is the one that is meant.
    """
    for command in COMMANDS:
        if command.name == name and PATH in command.arguments:
            positional = [argument for argument in command.arguments if argument[0][0][0] != "-"]
            place = positional.index(PATH)
            given = words[place] if place < len(words) else ""
            if given == Path(path).name:
                return [*words[:place], path, *words[place + 1 :]]
            return words if _is_bundle(given) else [*words[:place], path, *words[place:]]
    return words


def _is_bundle(word: str) -> bool:
    """Return whether a word names a bundle's folder, or a notebook in one."""
    folder = Path(word).parent if word.endswith(".ipynb") else Path(word)
    return bool(word) and (folder / "incident.jsonl").is_file()


def _unexpected(asked: argparse.Namespace, word: str) -> str:
    """Return the line for a word that a command has no use for, with the option nearest to it."""
    command = next(each for each in COMMANDS if each.call is asked.call)
    flags = [flag for names, _ in command.arguments for flag in names if flag.startswith("-")]
    near = difflib.get_close_matches(word.partition("=")[0], flags, n=1, cutoff=0.7)
    hint = f"; did you mean {near[0]}?" if near else ""
    options = f"one of {', '.join(flags)}" if flags else "no options"
    what = options if word.startswith("-") else "no word more"
    line = expected(f"postmortem {command.name}", what, example=f"'{command.example}'", came=word)
    return line + hint


def _check_command(argv: list[str]) -> None:
    """Refuse an unknown command by name, with the nearest one."""
    names = [command.name for command in COMMANDS]
    word = next((word for word in argv if not word.startswith("-")), None)
    if word is None or word in names or argv[0].startswith("-"):
        return
    near = difflib.get_close_matches(word, names, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    raise WrongUseError(
        expected("postmortem", "one of " + ", ".join(names), example="postmortem demo", came=word)
        + hint
    )
