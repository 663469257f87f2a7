"""The reader of the how-to pages."""

import pytest

from tests.pages import read_steps


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("Look:\n\n```python\nx = 1\n```\n", "nothing says what to do with the block after 'Look:'"),
        ("Run:\n\n```sh\nls\n```\n\n```sh\nls\n```\n", "nothing says what to do with the block after ''"),
        ("Run:\n\n```\nls\n```\n", "line 3: a block opens"),
        ("Run:\n\n~~~sh\nls\n~~~\n", "line 3: a block opens"),
        ("Run:\n\n```sh\nls\n", "not closed"),
        ("Run:\n\n    ls\n", "line 3: an indented block"),
    ],
)
def test_a_block_that_cannot_be_placed_is_refused(document, expected):
    with pytest.raises(ValueError, match=expected):
        read_steps(document)
