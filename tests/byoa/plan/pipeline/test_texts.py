"""The meaning of SQL and shell: comments and layout do not count, everything else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.pipeline import texts

SQL = "SELECT a, 'x -- y' AS b FROM t WHERE c > 1 GROUP BY a"
SAME_SQL = [
    "select a, 'x -- y' as b from t where c > 1 group by a",
    "SELECT a,'x -- y' AS b\nFROM t -- the table\nWHERE c>1\n\nGROUP  BY a",
    "/* what it does */ SELECT a, 'x -- y' AS b FROM t WHERE c > 1 GROUP\tBY a",
]
OTHER_SQL = [
    "SELECT a, 'x -- z' AS b FROM t WHERE c > 1 GROUP BY a",
    "SELECT a, 'x  -- y' AS b FROM t WHERE c > 1 GROUP BY a",
    "SELECT A, 'x -- y' AS b FROM t WHERE c > 1 GROUP BY a",
    "SELECT a, 'x -- y' AS b FROM t WHERE c > 11 GROUP BY a",
    "SELECT /*+ PARALLEL(4) */ a, 'x -- y' AS b FROM t WHERE c > 1 GROUP BY a",
    "SELECT a, 'x -- y' AS b FROM t WHERE c > {{n}} GROUP BY a",
]


@pytest.mark.parametrize("text", SAME_SQL)
def test_the_same_sql(text):
    assert texts.sql(text) == texts.sql(SQL)


@pytest.mark.parametrize("text", OTHER_SQL)
def test_other_sql(text):
    assert texts.sql(text) != texts.sql(SQL)


SHELL = "#!/bin/sh\nset -e\nls -l {{upstream}} > {{product}}\n"
SAME_SHELL = [
    "#!/bin/sh\n# lists\nset -e\n\n\nls -l {{upstream}} > {{product}}",
    "#!/bin/sh\nset -e  \n  # so\nls -l {{upstream}} > {{product}}\n",
]
OTHER_SHELL = [
    "#!/bin/bash\nset -e\nls -l {{upstream}} > {{product}}\n",
    "#!/bin/sh\nls -l {{upstream}} > {{product}}\n",
    "#!/bin/sh\nset -e\nls -l {{upstream}} > {{product}} # so\n",
]


@pytest.mark.parametrize("text", SAME_SHELL)
def test_the_same_shell(text):
    assert texts.shell(text) == texts.shell(SHELL)


@pytest.mark.parametrize("text", OTHER_SHELL)
def test_other_shell(text):
    assert texts.shell(text) != texts.shell(SHELL)


@pytest.mark.parametrize(
    "text",
    ["cat <<E\n# %s\nE\n", "echo 'a\n# %s\n'\n", "echo a \\\n# %s\n", 'x="\n# %s\n"\n'],
)
def test_what_looks_like_a_comment_in_a_text_counts(text):
    assert texts.shell(text % "a") != texts.shell(text % "b")


@given(st.text())
def test_any_text(text):
    assert texts.shell(text) == texts.shell(text)
    assert texts.sql(text) == texts.sql(text)
