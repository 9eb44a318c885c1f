"""Small elements that the parts of the page are made of."""

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from pricecore.observe.figures import Figures
from pricecore.observe.text import micro_sign


class Text(TextElement):
    """Plain text in a tag; whatever it holds is shown as it is. Sent to the browser only when it changes."""

    def __init__(self, text: str = "", tag: str = "span", classes: str = "") -> None:
        super().__init__(tag=tag, text=text)
        self.classes(classes)


def box(tag: str = "div", classes: str = "") -> ui.element:
    """Return an element that others stand in."""
    return ui.element(tag).classes(classes)


def panel(title: str, classes: str) -> ui.element:
    """Return a section with a heading, to be entered."""
    with box("section", f"panel {classes}") as section:
        section.props(f'aria-label="{title}"')
        with box("div", "panel-head"):
            Text(title, "h2")
    return section


def named(element: ui.element, name: str) -> ui.element:
    """Give a control the name that assistive technology reads, and a hint that says the same."""
    element._props["aria-label"] = name
    element._props["title"] = name
    return element


def choose(element: ui.element, wanted: str, others: tuple[str, ...]) -> None:
    """Give an element one class out of several; nothing is sent when it has it."""
    if wanted not in element._classes or any(other in element._classes for other in others if other != wanted):
        element.classes(add=wanted, remove=" ".join(other for other in others if other != wanted))


class FigureTable:
    """Groups of named figures. Built anew only when a group or a name comes or goes.

    Threads: one at a time. Cost: what changed is sent.
    """

    def __init__(self) -> None:
        self._root = box("div", "groups")
        self._names: list[tuple[str, tuple[str, ...]]] = []
        self._values: dict[tuple[str, str], Text] = {}

    def show(self, groups: Figures) -> None:
        """Show these figures."""
        names = [(group, tuple(figures)) for group, figures in groups.items()]
        if names != self._names:
            self._build(groups)
            self._names = names
        for group, figures in groups.items():
            for name, value in figures.items():
                self._values[group, name].text = micro_sign(value)

    def _build(self, groups: Figures) -> None:
        self._root.clear()
        self._values.clear()
        with self._root:
            for group, figures in groups.items():
                with box("div", "group"):
                    if group:
                        Text(group, "h3")
                    with box("dl"):
                        for name in figures:
                            with box("div", "figure"):
                                Text(name, "dt")
                                self._values[group, name] = Text("", "dd")
