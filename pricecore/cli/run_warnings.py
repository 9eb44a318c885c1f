"""What `pricecore run` says on stderr about its sources, each thing once."""

from collections.abc import Sequence

from pricecore.cli.output import complain
from pricecore.errors import FormatError
from pricecore.feeds.formats import FORMATS, UNKNOWN
from pricecore.feeds.source import Source


def warn(text: str) -> None:
    """Print a warning on stderr."""
    complain("run", text, "warning")


def warn_of_start(sources: Sequence[Source]) -> None:
    """Warn of what the opened sources lack, and of options that none of them heeds."""
    for source in sources:
        if source.format is UNKNOWN and not source.blank:
            warn(
                f"{source.path}: no price format recognised; its lines are only counted "
                f"(known: {', '.join(FORMATS)}; --map describes another)"
            )
    undated = [source.path for source in sources if source.lacks_date]
    if undated:
        warn(
            f"{_first_of(undated)}: times count from midnight; without --date YYYY-MM-DD "
            "prices carry no time of their own"
        )
    _warn_of_options([source for source in sources if source.format is not UNKNOWN])


def refuse_mixed_clocks(sources: Sequence[Source]) -> None:
    """Refuse to play rows of an unknown day, which count from 1970, beside sources that are dated.

    Raises
    ------
    FormatError
        There are both; the message says what to give.
    """
    undated = [source.path for source in sources if source.lacks_date]
    dated = [source.path for source in sources if not source.lacks_date and source.format is not UNKNOWN]
    if undated and dated:
        raise FormatError(
            f"--speed cannot play {undated[0]} beside {dated[0]}: its times count from midnight of no day; "
            "give --date YYYY-MM-DD"
        )


def warn_of_end(source: Source, asked_for: bool) -> None:
    """Warn of what was wrong with a source; `asked_for` when --format or --map said what it is."""
    if source.capture.damage:
        warn(f"{source.path}: {source.capture.damage}, after {source.lines:,} lines")
    elif not source.lines and source.capture.at_end:
        warn(f"{source.path}: the file is empty")
    if source.format is UNKNOWN:  # of that one was warned when it was opened
        return
    if source.malformed:
        warn(f"{source.path}: {source.malformed:,} malformed lines, the first is {source.first_malformed}")
    if asked_for and source.lines and not source.priced:
        option = "--format" if source.options.mapped is None else "--map"
        warn(f"{source.path}: no price in any of {source.lines:,} lines; does {option} fit ({source.format.name})?")


def _warn_of_options(sources: Sequence[Source]) -> None:
    if not sources or any(source.format.table or source.format.mapped for source in sources):
        return
    given = {
        "--symbol": any(source.options.symbol for source in sources),
        "--date": any(source.options.day for source in sources),
        "--tz": any(source.options.zone for source in sources),
    }
    if any(given.values()):
        options = ", ".join(option for option, is_given in given.items() if is_given)
        paths = [source.path for source in sources]
        warn(f"{options} without effect: messages as in {_first_of(paths)} name their symbols and times themselves")


def _first_of(paths: Sequence[str]) -> str:
    return paths[0] + (f" and {len(paths) - 1:,} more" if paths[1:] else "")
