from __future__ import annotations

import jupytext
import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byoa.plan.pipeline import percent

SCRIPT = '''\
#!/usr/bin/env python
# ---
# jupyter:
#   kernelspec:
#     name: python3
# ---

"""what it is"""

# %% [markdown]
# # A title
#
# with *text*

# %% [md] tags=["x"]
"""
as a docstring
"""

# %% A title of its own tags=["parameters", "other"] key=1
a = """
# %% not a cell
"""
#%%
# %matplotlib inline
# !ls -l
# files = !ls
# # %time escaped twice
# a comment; ls is no command here
b = 'it''s' # "
# In[3]:
c = 1

# %% [raw]
# raw

# %% language="bash"
# echo 1

# %% {"tags": ["json"]}
'''


def cells(text):
    return percent.read(text)[0]


def test_every_form_of_a_cell():
    assert cells(SCRIPT) == [
        ("code", '"""what it is"""', {}),
        ("markdown", "# A title\n\nwith *text*", {}),
        ("markdown", "as a docstring", {"tags": ["x"]}),
        ("code", 'a = """\n# %% not a cell\n"""', {"tags": ["parameters", "other"], "key": 1}),
        (
            "code",
            "%matplotlib inline\n!ls -l\nfiles = !ls\n# %time escaped twice\n"
            "# a comment; ls is no command here\nb = 'it''s' # \"",
            {},
        ),
        ("code", "c = 1", {}),
        ("raw", "raw", {}),
        ("code", "%%bash\necho 1", {}),
        ("code", "", {"tags": ["json"]}),
    ]


def test_the_header_says_which_kernel():
    assert percent.read(SCRIPT)[1] == {"kernelspec": {"name": "python3"}}


@pytest.mark.parametrize(
    "text, ours",
    [
        ("# %%\n1", True),
        ("#%%\n1", True),
        ("# In[ ]:\n1", True),
        ("# %%time\n1", False),
        ("# + tags=['a']\n1", False),
        ("x = 1\n\ny = 2\n", False),
        ('"""\n# %%\n"""\n', False),
        ("# ---\n# jupyter:\n#   jupytext:\n#     text_representation:\n"
         "#       format_name: light\n# ---\n# %% x\n", False),
        ('# %% active="py"\n1', False),
    ],
)  # fmt: skip
def test_only_percent_scripts_are_read_here(text, ours):
    assert percent.fits(text) is ours


def test_magics_that_are_no_comments_leave_comments_alone():
    """The hydrogen format: magics stand in the script as they are."""
    assert cells("# %%\n%time 1\n# %time 2") == [("code", "%time 1\n# %time 2", {})]


LINES = st.sampled_from(
    ["x = 1", "", "'a'", '"""', "'''", "# note", "%time x", "!ls", "if x:", "    y = '# %%'", "#",
     "%%bash", "échelle = 2"]
)  # fmt: skip
SOURCES = st.lists(LINES, max_size=5).map("\n".join)
TAGS = st.lists(st.sampled_from(["parameters", "a b", 'q"', "é"]), max_size=2, unique=True)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.booleans(), SOURCES, TAGS), min_size=1, max_size=5))
def test_what_jupytext_writes_is_read_as_jupytext_reads_it(drawn):
    made = nbformat.v4.new_notebook(cells=[
        (nbformat.v4.new_code_cell if code else nbformat.v4.new_markdown_cell)(
            source, metadata={"tags": tags} if tags else {}
        )
        for code, source, tags in drawn
    ])  # fmt: skip
    text = jupytext.writes(made, "py:percent")
    if not percent.fits(text):
        return
    theirs = [
        (cell.cell_type, cell.source.strip("\n"), list(cell.metadata.get("tags", [])))
        for cell in jupytext.reads(text, "py:percent").cells
    ]
    ours = [(kind, source.strip("\n"), said.get("tags", [])) for kind, source, said in cells(text)]
    assert ours == theirs


@settings(deadline=None)
@given(st.text(st.sampled_from("#% \n\"'\\[]{}=:-!a1é\r"), max_size=60))
def test_no_text_is_too_strange(text):
    for kind, source, options in cells(text):
        assert kind in ("code", "markdown", "raw")
        assert isinstance(source, str) and isinstance(options, dict)
