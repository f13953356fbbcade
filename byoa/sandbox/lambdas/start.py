"""Run by `python -S`: AWS's runtime client, with nothing to import but what Lambda has, too.

python -S start.py TASK_FOLDER LIBRARIES LAYERS HANDLER
"""

import sys

if __name__ == "__main__":
    task, libraries, layers, handler = sys.argv[1:]
    sys.path[0:1] = [task, f"{layers}/python", libraries]
    sys.argv = ["bootstrap", handler]
    from awslambdaric.__main__ import main

    main(sys.argv)
