"""The forest plot: what is drawn, where, and how it is marked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from remixup.reporting.evidence import Judged, judge
from remixup.reporting.figures.drawing import HEIGHT, WIDTH
from remixup.reporting.figures.forest import forest, named, style

from .sample_claims import experiment, judged, results, with_ours
from .small_experiment import result_of


@pytest.fixture(scope="module")
def drawn() -> Figure:
    return forest(list(judged().values()))


def labels(axes: Axes) -> dict[str, float]:
    """Name at the left of a panel -> the height of its line."""
    return {text.get_text(): text.get_position()[1] for text in axes.texts}


def at(axes: Axes, height: float) -> tuple[Line2D, Line2D]:
    """The interval and the mark of a line."""
    interval, mark = (line for line in axes.lines if set(line.get_ydata()) == {height})
    return interval, mark


def of(figure: Figure, name: str) -> tuple[list[float], list[float], Line2D]:
    for axes in figure.axes:
        if name in labels(axes):
            interval, mark = at(axes, labels(axes)[name])
            return list(interval.get_xdata()), list(mark.get_xdata()), mark
    raise AssertionError(f"{name} is not drawn")


def test_effects_stand_where_they_are_in_smallest_effects_of_interest(drawn: Figure) -> None:
    assert of(drawn, "confirmed")[:2] == ([3.0, 5.0], [4.0])
    assert of(drawn, "refuted")[:2] == ([-3.0, -1.0], [-2.0])
    assert of(drawn, "dissent")[0] == pytest.approx([0.8, 3.2]), "of the best kind only"


def test_kinds_differ_in_color_and_in_shape(drawn: Figure) -> None:
    names = {"confirmed": "paper", "shown": "reduced", "dissent": "reduced-cpu"}
    marks = {name: of(drawn, name)[2] for name in names}
    for name, kind in names.items():
        assert (marks[name].get_marker(), marks[name].get_color()) == (style(kind)["marker"], style(kind)["color"])
    assert len({mark.get_marker() for mark in marks.values()}) == 3
    lightness = [sum(style(kind)["color"]) for kind in names.values()]
    assert lightness == sorted(lightness), "the better, the darker, in grayscale too"
    (legend,) = drawn.legends
    shown = [text.get_text() for text in legend.get_texts()]
    assert shown[:3] == ["paper", "reduced", "reduced-cpu"]
    assert "surrogate" not in shown, "no kind that is not drawn"


def test_a_claim_that_holds_to_the_left_is_hollow_and_says_so(drawn: Figure) -> None:
    assert of(drawn, r"$\leq$ no-more")[2].get_markerfacecolor() == "white"
    mark = of(drawn, "confirmed")[2]
    assert mark.get_markerfacecolor() == mark.get_color()


def test_what_is_beyond_the_scale_is_an_arrow_at_its_edge(drawn: Figure) -> None:
    _, effect, mark = of(drawn, "huge")
    assert (effect, mark.get_marker()) == ([100.0], ">")


def test_limits_and_claims_without_evidence_are_left_out(drawn: Figure) -> None:
    names = {name for axes in drawn.axes for name in labels(axes)}
    assert not names & {"limit", "never", "meaning"}


def many(papers: list[str], title: str = "t") -> list[Judged]:
    experiments = [experiment(f"e{index}", paper, title=f"{title}{index}") for index, paper in enumerate(papers)]
    found = [result_of(claims=results()).model_copy(update={"experiment": each.id}) for each in experiments]
    return judge(experiments, found)


def test_a_hundred_claims_fit_a_page_in_type_that_can_be_read() -> None:
    papers = ["zhang2018mixup"] * 5 + ["zhang2021"] * 3 + ["guo2023"] * 3
    figure = forest(many(papers))
    width, height = figure.get_size_inches()
    assert width == pytest.approx(WIDTH)
    assert height <= HEIGHT
    left, right = figure.axes
    heights = [sorted(text.get_position()[1] for text in axes.texts) for axes in (left, right)]
    assert len({height for each in heights for height in each}) <= 61, "11 headings and 99 claims in two columns"
    assert min(text.get_fontsize() for axes in (left, right) for text in axes.texts) >= 5.5
    apart = (left.get_position().height * height * 72) / (left.get_ylim()[0] - left.get_ylim()[1])
    assert apart >= 6, "points between lines"
    first = [text.get_text() for text in left.texts]
    assert first[:2] == ["t0", "Zhang 2018"]
    assert right.texts[0].get_text().startswith("t"), "a column begins with an experiment"
    assert right.texts[1].get_text() in ("Zhang 2021", "Zhang 2018"), "and names its paper"


def test_no_text_leaves_its_column() -> None:
    figure = forest(many(["chidambaram2022"] * 4, title="The strength of mixup, and the capacity of "))
    canvas = FigureCanvasAgg(figure)
    for axes, left in zip(figure.axes, (0.0, 0.5), strict=True):
        for text in axes.texts:
            box = text.get_window_extent(canvas.get_renderer()).transformed(figure.transFigure.inverted())
            assert left - 0.003 <= box.x0, text.get_text()
            assert box.x1 <= left + 0.5, text.get_text()


def test_papers_are_named_by_their_keys() -> None:
    assert named("zhang2018mixup") == "Zhang 2018"
    assert named("somebody") == "somebody"


def test_without_claims_there_is_still_a_figure() -> None:
    assert len(forest([]).axes) == 2


def test_claims_of_ours_are_not_drawn() -> None:
    drawn = [name for axes in forest(with_ours()).axes for name in labels(axes)]
    assert "refuted" in drawn
    assert not [name for name in drawn if name.startswith("own-")]


def test_a_surrogate_that_is_not_informative_is_left_out() -> None:
    shown = judged()["shown"]
    assert shown.test is not None
    assert shown.drawn
    silent = replace(shown, test=shown.test.model_copy(update={"outcome": "not informative"}))
    assert not silent.drawn
    assert "shown" not in {name for axes in forest([silent]).axes for name in labels(axes)}


def test_a_smoke_test_is_left_out(drawn: Figure) -> None:
    assert judged()["not-shown"].test is None
    assert "not-shown" not in {name for axes in drawn.axes for name in labels(axes)}
