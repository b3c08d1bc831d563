"""The page of an audit: one HTML file that needs no other."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup

import rate_distortion
from rate_distortion.figures.style import NOISE_STYLES

if TYPE_CHECKING:
    from rate_distortion.own_audit.measure import Audit


def render(audit: Audit, title: str, svg: str) -> str:
    """The page as text.

    Args:
        audit: what was measured.
        title: of the page: the model's name, in any characters.
        svg: the picture (:func:`rate_distortion.own_audit.drawing.make`).
    """
    template = resources.files("rate_distortion.own_audit").joinpath("audit.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(template).render(
        title=title,
        facts=audit.facts,
        masked=audit.masked,
        confidence=audit.confidence,
        picture=Markup(svg[svg.index("<svg") :]),
        names={noise: name for noise, (_, name) in NOISE_STYLES.items()},
        summary=audit.summary.to_dict("records"),
        masking=audit.masking.to_dict("records"),
        version=rate_distortion.__version__,
    )
