"""The head of the page: which engine, how it is, and what can be done about the page."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from pricecore.dashboard.elements import Text, box, choose, named
from pricecore.observe.text import format_clock

_STATUSES = {"live": "good", "writer gone": "bad", "closed": "bad", "not found": "waiting", "unreadable": "bad"}
_KINDS = ("good", "bad", "waiting")
_THEMES = {None: ("brightness_auto", "as the system"), True: ("dark_mode", "dark"), False: ("light_mode", "light")}
_COOKIE = "pricecore_theme"


class Header:
    """Name or choice of the engine, status, time of the reading; switch, refresh, theme.

    Threads: one at a time.
    """

    def __init__(
        self,
        labels: list[str],
        chosen: str,
        on_choice: Callable[[str], None],
        on_refresh: Callable[[], None],
        on_auto: Callable[[bool], None],
        theme: str,
    ) -> None:
        with box("header", "head"):
            Text("pricecore", "h1")
            if len(labels) > 1:
                choice = ui.select(labels, value=chosen, on_change=lambda event: on_choice(event.value)).mark("engine")
                named(choice.props("outlined dense options-dense").classes("engine-choice"), "Engine")
            else:
                Text(chosen, classes="engine-name")
            self._status = Text("", classes="pill").mark("status")
            box("div", "space")
            self._time = Text("", classes="note time").mark("time")
            switch = ui.switch("Auto-refresh", value=True, on_change=lambda event: on_auto(event.value)).mark("auto")
            switch.props('dense aria-label="Auto-refresh, each second"')
            refresh = ui.button(icon="refresh", on_click=on_refresh, color=None).mark("refresh")
            named(refresh.props("flat dense round"), "Refresh now")
            self._theme_button = ui.button(icon="brightness_auto", on_click=self._next_theme, color=None).mark("theme")
            self._theme_button.props("flat dense round")
            self._dark = ui.dark_mode({"dark": True, "light": False}.get(theme))
            self._show_theme()
        with box("div", "banner").mark("banner") as self._banner:
            self._banner.props('role="status" aria-live="polite"')
            self._banner_title = Text("", "strong")
            self._banner_text = Text("")

    def show(self, state: dict[str, Any]) -> None:
        """Show a state's status and time."""
        status, kind = state["status"], _STATUSES.get(state["status"], "bad")
        self._status.text = status
        choose(self._status, kind, _KINDS)
        self._time.text = f"as of {format_clock(state['time_ns'])}"
        self._banner.set_visibility(not state["alive"])
        if not state["alive"]:
            choose(self._banner, kind, _KINDS)
            self._banner_title.text = status.capitalize()
            self._banner_text.text = _explained(state["message"])

    def _next_theme(self) -> None:
        """From the system's to dark, to light, and back."""
        self._dark.value = {None: True, True: False, False: None}[self._dark.value]
        word = {None: "", True: "dark", False: "light"}[self._dark.value]
        ui.run_javascript(f"document.cookie = '{_COOKIE}={word}; path=/; max-age=31536000; SameSite=Lax'")
        self._show_theme()

    def _show_theme(self) -> None:
        icon, words = _THEMES[self._dark.value]
        self._theme_button.icon = icon
        named(self._theme_button, f"Theme: {words}").update()


def _explained(message: str) -> str:
    said = message.rstrip(".")
    return f"{said[:1].upper()}{said[1:]}. This page goes on by itself as soon as it is there."


def theme_of(cookies: dict[str, str]) -> str:
    """Return the theme that this visitor chose before: "dark", "light" or "" for that of the system."""
    word = cookies.get(_COOKIE, "")
    return word if word in ("dark", "light") else ""
