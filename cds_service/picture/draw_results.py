"""A panel of results: lines, marks, limits, and rings around what caused a card."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import pairwise

from cds_service.facts.interval import Interval
from cds_service.facts.quantity import normal_unit
from cds_service.facts.unknown import Reason
from cds_service.picture import shapes
from cds_service.picture.draw_treatment import Block
from cds_service.picture.labels import Box, Paper, Spot, text_width, wrapped
from cds_service.picture.layout import Layout
from cds_service.picture.model import Limit, Panel, Result
from cds_service.picture.results import unit_words
from cds_service.picture.svg import Element, group, line, words
from cds_service.picture.time_scale import TimeScale
from cds_service.picture.told import limit_words
from cds_service.picture.value_scale import ValueScale

_DASH = {"critical": "9 3", "warning": "6 3", "info": "2 3"}
"""How the line of a limit is dashed: the longer, the more urgent."""
_STRIP = 20
_LABEL_GAP = 15
_TALLER = 24


def draw_panel(panel: Panel, scale: TimeScale, layout: Layout, top: int) -> Block:
    """One panel; without any result it is a line that says so."""
    drawn = _filled if panel.results else _empty
    block = drawn(panel, scale, layout, top)
    return Block((group("course-panel", block.elements),), block.bottom)


def _empty(panel: Panel, scale: TimeScale, layout: Layout, top: int) -> Block:
    said = "; ".join(panel.gaps) or str(Reason.NOT_FOUND)
    title = words("course-title", panel.title, 0, top + 14)
    begin = top if layout.titles_beside else top + layout.line
    lines = wrapped(said, layout.plot_right - layout.left, layout.size)
    notes = (
        words("course-note", text, layout.left, begin + 14 + number * layout.line)
        for number, text in enumerate(lines)
    )
    return Block((title, *notes), begin + layout.line * len(lines) + 10)


def _filled(panel: Panel, scale: TimeScale, layout: Layout, top: int) -> Block:
    heading, plot_top = _heading(panel, layout, top)
    bottom = plot_top + layout.panel_height + (_TALLER if len(panel.series) > 1 else 0)
    values = [result.at for result in panel.results if result.at]
    limits = [limit.value for limit in panel.limits]
    axis = ValueScale(values, limits, (bottom - 8, plot_top + 8), from_zero=panel.from_zero)
    plot = _Plot(panel, scale, axis, layout, plot_top, bottom)
    notes, end = _notes(panel, layout, bottom + (_STRIP if plot.unplaced else 0))
    return Block((*heading, *plot.elements(), *notes), end + 12)


def _heading(panel: Panel, layout: Layout, top: int) -> tuple[tuple[Element, ...], int]:
    """Title, unit and legend, beside the plot or above it; and where the plot begins."""
    title = words("course-title", panel.title, 0, top + 12)
    unit = words("course-note", panel.unit, 0, top + 12 + layout.line)
    if layout.titles_beside:
        legend = _legend(panel, 6, top + 12 + 2 * layout.line, layout)
        return (title, unit, *legend), top
    width = int(text_width(panel.title, layout.size + 1)) + 12
    unit = words("course-note", panel.unit, width, top + 12)
    captions = wrapped(_captions(panel), layout.width, layout.size)
    legend = _legend(panel, 6, top + 12 + layout.line, layout)
    begin = top + 12 + layout.line * (2 if legend else 1)
    lines = tuple(
        words("course-note", text, 0, begin + number * layout.line)
        for number, text in enumerate(captions)
    )
    return (title, unit, *legend, *lines), begin + layout.line * len(captions) - 8


def _legend(panel: Panel, x: int, y: int, layout: Layout) -> tuple[Element, ...]:
    """The marks with their names, below or beside one another; none for a single series."""
    if len(panel.series) < 2:
        return ()
    elements: list[Element] = []
    for number, series in enumerate(panel.series):
        elements.append(shapes.mark(number, x, y - 4, solid=True))
        elements.append(words("course-note", series.name, x + 10, y))
        if layout.titles_beside:
            y += layout.line
        else:
            x += int(text_width(series.name, layout.size)) + 28
    return tuple(elements)


def _captions(panel: Panel) -> str:
    return "; ".join(
        f"{limit_words(panel, limit)} {', '.join(limit.names)} {limit_rules(limit)}".replace(
            "  ", " "
        )
        for limit in reversed(panel.limits)
    )


def limit_rules(limit: Limit) -> str:
    """The most urgent rule of a limit, and how many more have it."""
    return rules_text(limit.rules)


def rules_text(rules: tuple[str, ...]) -> str:
    """``INO-LIV-01``, ``INO-LIV-01 +2``."""
    return f"{rules[0]} +{len(rules) - 1}" if len(rules) > 1 else rules[0]


def _notes(panel: Panel, layout: Layout, top: int) -> tuple[tuple[Element, ...], int]:
    """What has no day, and what may be missing, below the plot."""
    undated = [each for each in panel.results if each.when is None]
    said = [f"no date: {each.what} {each.printed}" for each in undated] + list(panel.gaps)
    lines = [
        text
        for each in said
        for text in wrapped(each, layout.plot_right - layout.left, layout.size)
    ]
    elements = tuple(
        words("course-note", text, layout.left, top + 13 + number * layout.line)
        for number, text in enumerate(lines)
    )
    return elements, top + layout.line * len(lines)


class _Plot:
    """The part of a panel that has axes."""

    def __init__(
        self,
        panel: Panel,
        scale: TimeScale,
        axis: ValueScale,
        layout: Layout,
        top: int,
        bottom: int,
    ) -> None:
        self._panel, self._scale, self._axis, self._layout = panel, scale, axis, layout
        self._top, self._bottom = top, bottom
        bounds = Box(
            Fraction(layout.left), Fraction(top), Fraction(layout.plot_right), Fraction(bottom)
        )
        self._paper = Paper(bounds, layout.size)
        self._paper.cross(scale.now - 1, top, scale.now + 1, bottom)

    @property
    def unplaced(self) -> tuple[tuple[int, Result], ...]:
        """The results that have a day and no place on the axis, with their series."""
        return tuple(
            (number, result)
            for number, series in enumerate(self._panel.series)
            for result in series.results
            if result.at is None and result.when
        )

    def elements(self) -> Iterator[Element]:
        """From the back to the front."""
        yield from self._frame()
        yield from self._limits()
        placed = list(self._placed())
        for _, result in placed:
            self._paper.around(self._x(result), self._y(result), shapes.RADIUS)
        for number in range(len(self._panel.series)):
            yield from self._line(number)
        # The first series is the one to see where several meet.
        for number, result in reversed(placed):
            yield from self._mark(number, result)
        rung = [result for _, result in placed if result.rules]
        for result in rung:
            yield shapes.ring(self._x(result), self._y(result))
        yield from self._strip()
        yield from self._ring_labels(rung)
        yield from self._last_label()

    def _x(self, result: Result) -> Fraction:
        if result.when is None:
            raise ValueError("a result without a date has no place")
        return (self._scale.x(result.when.first) + self._scale.x(result.when.last)) / 2

    def _y(self, result: Result) -> Fraction:
        """The place of the value; of one known within bounds its known end, the higher first."""
        if result.at is None:
            return Fraction(self._bottom + _STRIP // 2 + 1)
        end = result.at.hi if result.at.hi is not None else result.at.lo
        return self._axis.y(end) if end is not None else Fraction(self._bottom)

    def _placed(self) -> Iterator[tuple[int, Result]]:
        for number, series in enumerate(self._panel.series):
            for result in series.results:
                if result.at and result.when:
                    yield number, result

    def _frame(self) -> Iterator[Element]:
        layout = self._layout
        for at, text in self._axis.ticks():
            y = self._axis.y(at)
            yield line("course-grid", layout.left, y, layout.plot_right, y)
            yield words("course-tick", text, layout.left - 6, y + 4, "end")
        yield line("course-axis", layout.left, self._bottom, layout.plot_right, self._bottom)
        yield line("course-axis", layout.left, self._top, layout.left, self._bottom)

    def _limits(self) -> Iterator[Element]:
        layout = self._layout
        heights = [self._axis.y(limit.value) for limit in self._panel.limits]
        for y in heights:
            self._paper.cross(layout.left, y - 1, layout.plot_right, y + 1)
        label_heights = _apart(heights, self._top + 8, self._bottom - 2)
        for limit, y, label_y in zip(self._panel.limits, heights, label_heights, strict=True):
            dash = _DASH[limit.indicator]
            yield line(
                f"course-limit {limit.indicator}", layout.left, y, layout.plot_right, y, dash
            )
            if layout.titles_beside:
                yield line("course-lead", layout.plot_right, y, layout.plot_right + 8, label_y)
                yield from self._limit_label(limit, label_y)

    def _limit_label(self, limit: Limit, y: Fraction) -> Iterator[Element]:
        """The marks of the series it is for, the number and the rule."""
        x = self._layout.plot_right + 14
        for number, series in enumerate(self._panel.series):
            if series.name in limit.names:
                yield shapes.mark(number, x, y, solid=False)
                x += 13
        text = f"{limit_words(self._panel, limit)} {limit_rules(limit)}"
        yield words("course-limit-label", text, x - 4, y + 4)

    def _line(self, number: int) -> Iterator[Element]:
        """Joins the sure and exact results of a series, but not across a cut of the time axis."""
        known = [
            each
            for n, each in self._placed()
            if n == number and each.sure and each.at and each.at.number is not None
        ]
        cuts = [(cut.begin, cut.end) for cut in self._scale.cuts]
        name = f"course-line course-series-{number % 3 + 1}"
        for one, other in pairwise(known):
            begin, end = self._x(one), self._x(other)
            if not any(begin <= left and right <= end for left, right in cuts):
                self._paper.slope(begin, self._y(one), end, self._y(other))
                dash = shapes.DASHES[number % len(shapes.DASHES)]
                yield line(name, begin, self._y(one), end, self._y(other), dash)

    def _mark(self, number: int, result: Result) -> Iterator[Element]:
        x, y = self._x(result), self._y(result)
        if result.when and result.when.first != result.when.last:
            first, last = self._scale.x(result.when.first), self._scale.x(result.when.last)
            yield line("course-vague", first, y, last, y, dash="2 2")
        if result.at and result.at.number is None:
            yield shapes.whisker(x, *self._reach(result.at))
        exact = result.at is not None and result.at.number is not None
        yield shapes.mark(number, x, y, solid=result.sure and exact)

    def _reach(self, at: Interval) -> tuple[Fraction, Fraction]:
        """From the lowest to the highest it may be, as far as there is paper."""
        low = Fraction(self._bottom) if at.lo is None else self._axis.y(at.lo)
        high = Fraction(self._top) if at.hi is None else self._axis.y(at.hi)
        return low, high

    def _strip(self) -> Iterator[Element]:
        """Below the axis: what was found and cannot be placed on it."""
        layout, right = self._layout, Fraction(self._layout.plot_right)
        top, bottom = Fraction(self._bottom + 1), Fraction(self._bottom + _STRIP)
        paper = Paper(Box(Fraction(layout.left), top, right, bottom), layout.size)
        if self.unplaced:
            yield words("course-tick", "?", layout.left - 6, self._bottom + 15, "end")
        for number, result in self.unplaced:
            x, y = self._x(result), self._y(result)
            yield shapes.mark(number, x, y, solid=False)
            if result.rules:
                yield shapes.ring(x, y)
            paper.around(x, y, shapes.RADIUS)
        for _, result in self.unplaced:
            x, y = self._x(result), self._y(result)
            said = (
                f"{result.printed} {rules_text(result.rules)}" if result.rules else result.printed
            )
            spot = paper.find(said, [Spot(x + 9, y + 4), Spot(x - 9, y + 4, "end")])
            if spot:
                yield words("course-note", said, spot.x, spot.y, spot.anchor)

    def _ring_labels(self, rung: list[Result]) -> Iterator[Element]:
        """Value and rule beside each ring; where rings have the rule in common the last says it."""
        for result in rung:
            self._paper.around(self._x(result), self._y(result), shapes.RING)
        named: set[tuple[str, ...]] = set()
        for result in reversed(rung):
            x, y = self._x(result), self._y(result)
            if result.rules in named:
                said = self._value(result)
                spot = self._paper.find(said, self._beside(x, y))
            else:
                said = self._mark_words(result)
                spot = self._paper.find(said, self._around(x, y)) or self._squeezed(said, x, y)
            named.add(result.rules)
            if spot:
                yield words("course-mark-label", said, spot.x, spot.y, spot.anchor)

    def _mark_words(self, result: Result) -> str:
        rules = rules_text(result.rules)
        return f"{self._value(result)} · {rules}" if self._layout.titles_beside else rules

    def _value(self, result: Result) -> str:
        """The value as printed; without its unit where that is the unit of the axis."""
        figure, _, unit = result.printed.partition(" ")
        return figure if unit_words(normal_unit(unit)) == self._panel.unit else result.printed

    def _around(self, x: Fraction, y: Fraction) -> Iterator[Spot]:
        """Beside the mark, then ever further above and below."""
        yield from self._beside(x, y)
        for away in (0, -14, 14, -28, 28, -42, 42, -56, 56, -70, 70):
            yield Spot(x + 13, y + 4 + away)
            yield Spot(x - 13, y + 4 + away, "end")

    def _beside(self, x: Fraction, y: Fraction) -> Iterator[Spot]:
        """Next to the mark on each side."""
        yield Spot(x, y - 14, "middle")
        yield Spot(x, y + 23, "middle")
        yield Spot(x + 13, y + 4)
        yield Spot(x - 13, y + 4, "end")

    def _squeezed(self, said: str, x: Fraction, y: Fraction) -> Spot:
        """Where there is no room, over something else but inside the paper."""
        width = text_width(said, self._layout.size)
        left = max(
            Fraction(self._layout.left), min(x - width - 13, self._layout.plot_right - width)
        )
        return Spot(left, min(max(y + 4, Fraction(self._top + 10)), Fraction(self._bottom - 2)))

    def _last_label(self) -> Iterator[Element]:
        """The latest value in figures, where there is room and only one series."""
        shown = [result for _, result in self._placed()]
        if len(self._panel.series) > 1 or not shown or shown[-1].rules:
            return
        x, y = self._x(shown[-1]), self._y(shown[-1])
        spots = [Spot(x - 9, y + 4, "end"), Spot(x, y - 9, "middle"), Spot(x + 9, y + 4)]
        said = self._value(shown[-1])
        if spot := self._paper.find(said, spots):
            yield words("course-value", said, spot.x, spot.y, spot.anchor)


def _apart(heights: Iterable[Fraction], top: int, bottom: int) -> list[Fraction]:
    """Heights of labels near those of their lines (the lowest line first), but legibly apart."""
    placed: list[Fraction] = []
    for height in heights:
        lowest = placed[-1] - _LABEL_GAP if placed else Fraction(bottom)
        placed.append(min(height, lowest))
    overflow = max(top - placed[-1], Fraction(0)) if placed else Fraction(0)
    return [min(each + overflow, Fraction(bottom)) for each in placed]
