"""The figure of learnt features: what is drawn is what was measured, absent rows are named."""

import numpy

from remixup.reporting.figures import views

from .test_theory_figures import ERM, MIXUP, measured, rows_of, said


def seed(number, strength):
    return {"seed": number, "strength": strength}


def test_a_mark_for_each_class_and_seed():
    first, second = [[4.0, 0.0], [0.5, 3.0]], [[0.0, 2.0], [1.0, 1.0]]
    found = [seed(0, first), seed(1, None), seed(2, second)]
    figure = views.feature_plane(measured("learned_features", **{ERM: found}), rows_of(ERM, MIXUP))
    axes, absent = figure.axes
    assert [numpy.asarray(each.get_offsets()).tolist() for each in axes.collections] == [first, second]
    colours = [tuple(each.get_facecolor()[0]) for each in axes.collections]
    assert colours[0] != colours[1]
    assert axes.get_xlim() == axes.get_ylim()
    assert axes.get_xlim()[1] > 4.0
    assert said(absent)
    assert not absent.collections
