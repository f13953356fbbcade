"""Says what an answer holds, the surest first: `told.py ANSWER.json`."""

import json
import sys
from pathlib import Path

detections = json.loads(Path(sys.argv[1]).read_text())["predictions"][0]["detections"]
for found in sorted(detections, key=lambda one: -one["score"])[:5]:
    x, y, width, height = found["bbox"]
    where = f"{x:.0f},{y:.0f}, {width:.0f} x {height:.0f}"
    print(f"{found['category_name']} {found['score']:.2f} at {where}")
