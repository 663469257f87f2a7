"""Rows with `each` and patterns in claims, written out."""

from remixup.config.expansion import expand, fill_in


def test_a_placeholder_alone_keeps_the_type_of_its_value():
    values = {"alpha": 0.5, "n": 3}
    assert fill_in({"lr": "{alpha}", "sizes": ["{n}", 7]}, values) == {"lr": 0.5, "sizes": [3, 7]}
    assert fill_in("a{alpha}-{n}-{other}", values) == "a0.5-3-{other}"


def test_a_row_with_each_becomes_one_row_for_each_combination():
    row = {"id": "{m}-{k}", "label": "{m}, k = {k}", "each": {"m": ["MLP", "net"], "k": [1, 2]}, "run": {"k": "{k}"}}
    rows = expand({"rows": [row]})["rows"]
    assert [each["id"] for each in rows] == ["mlp-1", "mlp-2", "net-1", "net-2"]
    assert rows[1] == {"id": "mlp-2", "label": "MLP, k = 2", "run": {"k": 2}}


def test_a_pattern_in_a_claim_becomes_the_rows_that_match():
    rows = [{"id": "erm"}, {"id": "mix-{a}", "each": {"a": [1, 2]}}]
    pairs = [{"baseline": "erm", "treatment": "mix-*"}, {"baseline": "no-*", "treatment": "erm"}]
    (claim,) = expand({"rows": rows, "claims": [{"compare": pairs}]})["claims"]
    assert claim["compare"][0] == {"baseline": "erm", "treatment": ["mix-1", "mix-2"]}
    assert claim["compare"][1] == pairs[1], "the validation that follows reports it"


def test_invalid_parts_are_left_for_the_validation():
    for document in (
        None,
        [],
        {"rows": 3},
        {"rows": [3, {"each": 3}], "claims": [3, {"compare": 3}, {"compare": [3]}]},
    ):
        assert expand(document) == document
