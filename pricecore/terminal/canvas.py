"""The widget that shows lines: it sends to the terminal only those that changed."""

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from pricecore.terminal.lines import Line, columns_of
from pricecore.terminal.palette import style_of


class Canvas(Widget):
    """Shows ready lines, as plain text: nothing in them is read as markup.

    Threads: that of the application.
    Cost: a comparison a line; a changed line is sent once, which counts over ssh.
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget of Textual
        super().__init__(id=id)
        self.lines: list[Line] = []

    def show(self, lines: list[Line]) -> None:
        """Show these lines from now on."""
        before, self.lines = self.lines, lines
        columns = self.size.width
        changed = [
            Region(0, row, columns, 1)
            for row in range(max(len(before), len(lines)))
            if row >= len(before) or row >= len(lines) or before[row] != lines[row]
        ]
        if changed:
            self.refresh(*changed)

    def render_line(self, y: int) -> Strip:
        """Return one line as Textual draws it."""
        ground = self.rich_style
        line = self.lines[y] if y < len(self.lines) else []
        # With its length: Rich would look each text up in a cache that fills with figures that never come again.
        strip = Strip([Segment(text, ground + style_of(style)) for text, style in line], columns_of(line))
        return strip.adjust_cell_length(self.size.width, ground)
