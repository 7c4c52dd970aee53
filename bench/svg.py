"""A result as a picture: curves where cases have an order, bars where they have none."""

from html import escape
from math import floor, log10

from bench.result import Result

_WIDTH, _HEIGHT = 720, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 190, 46, 46
_COLOURS = ("#0b6e99", "#d9730d", "#448361", "#9065b0", "#d44c47", "#787774")
_STYLE = "font-family:system-ui,sans-serif;font-size:12px;fill:#37352f"


def draw(result: Result) -> str:
    """The picture's text; numbers on both axes begin at nothing except on logarithmic ones."""
    top = max((row.values[name] for row in result.rows for name in result.drawn), default=1) or 1
    body = _curves(result, top) if result.axis else _bars(result, top)
    title = f'<text x="{_LEFT}" y="24" style="{_STYLE};font-size:15px">{escape(result.title)}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">\n'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>\n{title}\n'
        + "\n".join([*_scale(top, result.unit), *body])
        + "\n</svg>\n"
    )


def _scale(top: float, unit: str) -> list[str]:
    lines = []
    step = 10 ** floor(log10(top)) / (2 if top / 10 ** floor(log10(top)) < 4 else 1)
    for index in range(int(top / step) + 1):
        y = _height(index * step, top)
        lines.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#e3e2e0"/>')
        lines.append(_text(_LEFT - 8, y + 4, f"{index * step:g}", "end"))
    return [*lines, _text(_LEFT - 8, _TOP - 8, unit, "end")]


def _curves(result: Result, top: float) -> list[str]:
    lines = []
    last = max(1, len(result.rows) - 1)
    places = [_LEFT + 20 + index * (_WIDTH - _LEFT - _RIGHT - 40) / last for index in range(len(result.rows))]
    for x, row in zip(places, result.rows, strict=True):
        lines.append(_text(x, _HEIGHT - _BOTTOM + 20, row.case, "middle"))
    for number, name in enumerate(result.drawn):
        colour = _COLOURS[number % len(_COLOURS)]
        points = [(x, _height(row.values[name], top)) for x, row in zip(places, result.rows, strict=True)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        lines.append(_legend(number, name, colour))
    return lines


def _bars(result: Result, top: float) -> list[str]:
    lines = []
    room = (_WIDTH - _LEFT - _RIGHT) / max(1, len(result.rows))
    width = room * 0.7 / max(1, len(result.drawn))
    for place, row in enumerate(result.rows):
        left = _LEFT + place * room + room * 0.15
        for number, name in enumerate(result.drawn):
            y = _height(row.values[name], top)
            colour = _COLOURS[number % len(_COLOURS)]
            lines.append(
                f'<rect x="{left + number * width:.1f}" y="{y:.1f}" width="{width * 0.92:.1f}" '
                f'height="{_HEIGHT - _BOTTOM - y:.1f}" fill="{colour}"/>'
            )
        lines.append(_text(left + room * 0.35, _HEIGHT - _BOTTOM + 20, row.case, "middle"))
    return lines + [_legend(number, name, _COLOURS[number % len(_COLOURS)]) for number, name in enumerate(result.drawn)]


def _legend(number: int, name: str, colour: str) -> str:
    y = _TOP + 10 + 20 * number
    x = _WIDTH - _RIGHT + 16
    return f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{colour}"/>' + _text(x + 16, y, name, "start")


def _height(value: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - value / top * (_HEIGHT - _TOP - _BOTTOM)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" style="{_STYLE}">{escape(text)}</text>'
