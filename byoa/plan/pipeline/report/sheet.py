"""The style sheet of the report's pages."""

from __future__ import annotations

from byoa.plan.pipeline.report.seen import SIGNS
from byoa.plan.pipeline.report.style import FONT, PICTURE, SERIES, colours

PAGE = """
*{box-sizing:border-box}
body{margin:0 auto;padding:24px 28px;max-width:1280px;background:var(--page);color:var(--ink);
  font:14px/1.5 FONT}
h1{font-size:24px;margin:0;overflow-wrap:anywhere}
h2{font-size:18px;margin:0 0 10px}
h3{font-size:14px;margin:14px 0 6px;overflow-wrap:anywhere}
section{padding:20px 0 8px;border-top:1px solid var(--line);margin-top:20px}
a{color:var(--accent)}
p{margin:4px 0 10px}
small,.soft{color:var(--soft)}
small{font-size:12px}
code,pre{font:12px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}
code{background:var(--inside);padding:1px 5px;border-radius:4px;overflow-wrap:anywhere}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
nav{display:flex;flex-wrap:wrap;gap:4px 16px}
footer{padding:24px 0 8px;font-size:12px}
.bar{display:flex;gap:2px;height:10px;margin:14px 0 8px;border-radius:5px;overflow:hidden}
.bar span{min-width:3px;border:0!important;background:var(--edge)}
ul{list-style:none;display:flex;flex-wrap:wrap;gap:6px 18px;padding:0;margin:0 0 12px}
.chip{border:1px solid var(--edge);border-radius:10px;padding:0 8px;font-size:12px;
  white-space:nowrap;display:inline-block;background:var(--fill)}
.tiles{display:flex;flex-wrap:wrap;gap:10px;margin:0 0 14px}
.tiles div{background:var(--inside);border-radius:8px;padding:8px 14px;min-width:96px}
dt{color:var(--soft);font-size:12px}
dd{margin:0;font-size:18px;font-weight:600}
dd.point{font-size:12px;font-weight:400;max-width:260px}
.picture{overflow-x:auto;padding:2px}
.picture svg{display:block;margin:auto;max-width:100%;height:auto}
.failure{border:1px solid var(--failed-edge);border-radius:8px;padding:2px 14px;margin:0 0 12px;
  border-left-width:5px}
.failure p{font-weight:600;color:var(--failed-edge);overflow-wrap:anywhere}
pre{background:var(--inside);border-radius:6px;padding:10px 12px;overflow:auto;max-height:320px;
  margin:0 0 12px}
.scroll{overflow:auto;max-height:640px;margin:0 0 14px}
table{border-collapse:collapse;min-width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:4px 14px 4px 0;border-bottom:1px solid var(--line);
  vertical-align:top;white-space:nowrap}
thead th{position:sticky;top:0;background:var(--page);color:var(--soft);font-weight:600;z-index:1}
tbody th{font-weight:600}
td.n,th.n{text-align:right}
td.why{white-space:normal;min-width:190px;max-width:420px;overflow-wrap:anywhere}
th button{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer}
th button::after{content:" ↕";opacity:.45}
th[aria-sort=ascending] button::after{content:" ↑";opacity:1}
th[aria-sort=descending] button::after{content:" ↓";opacity:1}
tr:target th,tr:target td{background:var(--outdated)}
details{margin:0 0 10px}
summary{cursor:pointer;padding:4px 0}
#find{display:flex;flex-wrap:wrap;gap:6px 14px;align-items:center;margin:0 0 12px}
#find[hidden]{display:none}
input[type=search]{font:inherit;color:inherit;background:var(--inside);
  border:1px solid var(--way);border-radius:6px;padding:4px 10px;width:240px}
.plots{display:flex;flex-wrap:wrap;gap:8px 20px}
figure{margin:0;width:288px;max-width:100%}
.heat{fill:var(--accent)}
.figure{fill:var(--ink);font-size:10.5px}
figcaption{font-size:12px;color:var(--soft);padding-left:46px}
.series{margin:0;font-size:12px;padding-left:46px;gap:2px 12px}
.mark{vertical-align:-1px;margin-right:5px}
svg.chart{max-width:100%;height:auto;font-family:FONT}
svg.timeline{width:100%;min-width:680px;max-width:none}
.grid{stroke:var(--line);fill:none}
.axis{stroke:var(--way);fill:none}
.tick{fill:var(--soft);font-size:10.5px}
.axis-name{fill:var(--ink);font-size:10.5px;font-weight:600}
.dot{fill-opacity:.75;stroke:var(--page);stroke-width:1}
a:hover>.dot,a:focus>.dot{stroke:var(--ink);stroke-width:2}
.mean{fill:none;stroke-width:1.5;stroke-opacity:.6}
.median{stroke:var(--ink);stroke-width:2;fill:none;stroke-opacity:.55}
text.bar{fill:var(--ink);font-size:10.5px;pointer-events:none}
.longest{list-style:none;padding:0;margin:0;display:grid;gap:4px}
.longest li{display:grid;grid-template-columns:minmax(80px,230px) minmax(60px,1fr) 118px;gap:12px;
  align-items:center}
.longest a{overflow-wrap:anywhere}
.track{background:var(--inside);height:10px;border-radius:5px;overflow:hidden}
.track span{display:block;height:100%;background:var(--edge)}
@media(max-width:620px){
body{padding:16px 14px}
.longest li{grid-template-columns:1fr 90px}
.longest .track{grid-column:1/-1;order:3}}
@media print{.scroll,pre{max-height:none;overflow:visible}
nav,#find{display:none}}
"""
STATUS = "".join(f".c-{one}{{--fill:var(--{one});--edge:var(--{one}-edge)}}" for one in SIGNS)
DOTS = "".join(
    f".dot.k{n}{{fill:var(--c{n})}}.mean.k{n}{{stroke:var(--c{n})}}" for n in range(SERIES)
)
SHEET = colours(":root") + PICTURE + PAGE.replace("FONT", FONT) + STATUS + DOTS
