"""Notebooks run whole, in a process of their own; what they show is compared as nbformat has it."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

from tests.byoa.pipeline.notebook.conftest import Run


def kinds(outputs):
    return [output["output_type"] for output in outputs]


def test_everything_that_is_written_is_in_the_cell_in_its_order(run: Run):
    """Python, C, subprocesses and forks, on either stream."""
    ran = run(
        "# %%\n"
        "import ctypes, os, subprocess, sys\n"
        "print('one')\n"
        "os.write(1, b'two\\n')\n"
        "print('three', file=sys.stderr)\n"
        "subprocess.run(['echo', 'four'])\n"
        "print('five')\n"
        "pid = os.fork()\n"
        "if not pid:\n"
        "    print('six'); os._exit(0)\n"
        "os.waitpid(pid, 0)\n"
        "sys.stdout.buffer.write(b'seven\\n')\n"
        "ctypes.CDLL(None).puts(b'eight')\n"
        "None\n"
        "# %%\n"
        "# !echo nine\n"
        "print(_exit_code)\n"
    )
    assert ran.facts["failure"] is None
    words = ["one", "two", "three", "four", "five", "six", "seven", "eight"]
    assert ran.text(0).split() == words
    assert [one["name"] for one in ran.outputs(0)] == ["stdout", "stderr", "stdout"]
    assert ran.text(1) == "nine\n0\n"
    assert ran.log.split() == [*words, "nine", "0"]


def test_more_than_a_pipe_holds_from_c_code_that_keeps_the_lock(run: Run):
    ran = run(
        "# %%\nimport ctypes\nputs = ctypes.PyDLL(None).puts\n"
        "for _ in range(3000):\n    puts(b'x' * 99)\n"
    )
    assert ran.facts["failure"] is None
    assert ran.text(0).count("\n") == 3000


def test_results_displays_and_figures(run: Run):
    ran = run(
        "# %%\n"
        "from IPython.display import HTML, display\n"
        "display(HTML('<b>1</b>'))\n"
        "print('between')\n"
        "1 + 1\n"
        "# %%\n"
        "1 + 1;\n"
        "# %%\n"
        "import matplotlib.pyplot as plt\n"
        "plt.plot([1, 2]);\n"
        "# %%\n"
        "import numpy as np, pandas as pd\n"
        "pd.DataFrame({'a': [1]})\n"
        "# %%\n"
        "len?\n"
        "# %%\n"
        "names = !echo a b\n"
        "names, _, In[1][:4], __name__\n"
    )
    assert ran.facts["failure"] is None
    assert kinds(ran.outputs(0)) == ["display_data", "stream", "execute_result"]
    assert ran.outputs(0)[2]["data"] == {"text/plain": "2"}
    assert ran.outputs(0)[2]["execution_count"] == 2  # the injected cell was the first
    assert ran.outputs(1) == []
    [figure] = ran.outputs(2)
    assert figure["data"]["image/png"].startswith("iVBOR")
    assert set(ran.outputs(3)[0]["data"]) == {"text/plain", "text/html"}
    assert "Return the number of items" in ran.outputs(4)[0]["data"]["text/plain"]
    assert "['a b']" in ran.outputs(5)[0]["data"]["text/plain"]
    assert "'__main__'" in ran.outputs(5)[0]["data"]["text/plain"]


def test_cells_may_await_and_have_magics(run: Run):
    ran = run(
        "# %%\nimport asyncio\nawait asyncio.sleep(0)\n'done'\n"
        "# %%\nasyncio.run(asyncio.sleep(0))\n# %%\n# %%bash\n# echo a comment of bash\n"
        '# %% language="bash"\n# echo from bash\n'
        "# %%\n# %%capture out\nprint('hidden')\n"
        "# %%\nout.stdout\n"
        "# %%\n# %env TASK=1\nimport os\nos.environ['TASK']\n"
    )
    assert ran.facts["failure"] is None
    values = [one["data"]["text/plain"] for n in (0, 5) for one in ran.outputs(n)]
    assert values == ["'done'", "'hidden\\n'"]
    assert (ran.outputs(2), ran.text(3), ran.outputs(4)) == ([], "from bash\n", [])


def test_parameters_override_and_products_are_where_they_will_be(run: Run):
    ran = run(
        "# %% tags=['parameters']\nupstream = None\nproduct = None\nn = 0\n"
        "# %%\nfrom pathlib import Path\nPath(product['data']).write_text(str(n))\n"
        "product['data']\n",
        products={"nb": "out/nb.ipynb", "data": "out/data.txt"},
        params={"n": 3},
    )
    assert ran.facts["failure"] is None
    assert (ran.work / "out/data.txt").read_text() == "3"
    injected = ran.notebook["cells"][1]
    assert injected["metadata"]["tags"] == ["injected-parameters"]
    assert f'"data": "{ran.root}/out/data.txt"' in injected["source"]
    assert ran.outputs(1)[0]["data"]["text/plain"] == f"'{ran.root}/out/data.txt'"


def test_the_same_cells_give_the_same_bytes(run: Run):
    text = "# %% [markdown]\n# A title\n\n# %%\nprint(1)\n"
    products = {"nb": "out/nb.ipynb", "page": "out/nb.html"}
    more = {"products": products, "options": {"nb_product_key": ["nb", "page"]}}
    first = run(text, **more)
    before = [(first.work / path).read_bytes() for path in products.values()]
    second = run(text, **more)
    assert [(second.work / path).read_bytes() for path in products.values()] == before


def test_local_execution_is_in_the_sources_folder(run: Run):
    text = "# %%\nimport os\nos.path.basename(os.getcwd())\n"
    assert run(text, options={"local_execution": True}).outputs(0)[0]["data"] == {
        "text/plain": "'scripts'"
    }


def test_classes_of_a_notebook_can_be_pickled(run: Run):
    ran = run("# %%\nimport pickle\nclass A: pass\ntype(pickle.loads(pickle.dumps(A()))) is A\n")
    assert ran.outputs(0)[0]["data"] == {"text/plain": "True"}


def test_an_ipynb_with_old_outputs(run: Run):
    cell = {"cell_type": "code", "source": ["print(2)"], "metadata": {}, "execution_count": 9,
            "outputs": [{"output_type": "stream", "name": "stdout", "text": "old"}]}  # fmt: skip
    ran = run(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4}), ".ipynb")
    assert ran.text(0) == "2\n"


def test_this_process_is_left_as_it_was(tmp_path: Path, capfd):
    """`build --debug` runs a notebook in the driver's own process."""
    import builtins
    import sys

    from byoa.pipeline.notebook.execute import execute

    before = sys.stdout, sys.displayhook, sys.modules["__main__"], signal.getsignal(signal.SIGTERM)
    sources = ("print('hello')\n!echo there", "1")
    cells = [{"cell_type": "code", "source": one, "metadata": {}, "outputs": []} for one in sources]
    made: dict[str, Any] = {"cells": cells}
    threads = threading.active_count()
    for _ in range(2):
        execute(made, tmp_path / "ipython")
    assert made["cells"][0]["outputs"][0]["text"] == "hello\nthere\n"
    after = sys.stdout, sys.displayhook, sys.modules["__main__"], signal.getsignal(signal.SIGTERM)
    assert after == before and threading.active_count() == threads
    assert not hasattr(builtins, "get_ipython") and os.environ.get("MPLBACKEND") is None
