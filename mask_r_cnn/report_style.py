"""The report's style sheet: light and dark, from a phone to a wide screen."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --page: #fff; --text: #1c1e21; --quiet: #5b6168; --rule: #d9dde2; --soft: #f4f6f8;
  --line-0: #0b62b8; --line-1: #c2410c; --line-2: #067647;
  --line-3: #8b3fb0; --line-4: #946200; --line-5: #be185d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #15181c; --text: #e7eaee; --quiet: #a2abb5; --rule: #333a42; --soft: #1d2126;
    --line-0: #6cb2ff; --line-1: #ff9b6a; --line-2: #4ccf91;
    --line-3: #d39bf0; --line-4: #e0b040; --line-5: #ff86b4;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 72rem; padding: 1rem;
  background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .7rem; }
p { max-width: 45rem; }
.quiet { color: var(--quiet); }
.tiles {
  display: grid;
  gap: .7rem;
  grid-template-columns: repeat(auto-fit, minmax(7.3rem, 1fr));
  padding: 0;
  margin: 1rem 0;
}
.tiles div {
  background: var(--soft);
  border: 1px solid var(--rule);
  border-radius: .5rem;
  padding: .6rem .8rem;
}
.tiles dt { color: var(--quiet); font-size: .85rem; }
.tiles dd { margin: 0; font-size: 1.45rem; font-variant-numeric: tabular-nums; }
.charts, .columns {
  display: grid;
  gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr));
  align-items: start;
}
figure { margin: 0; min-width: 0; }
.charts figure { border: 1px solid var(--rule); border-radius: .5rem; padding: .7rem; }
figcaption { font-weight: 600; margin-bottom: .4rem; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--quiet); font: 12px system-ui, sans-serif; }
svg .grid { stroke: var(--rule); }
polyline { fill: none; stroke: var(--line); stroke-width: 2; stroke-linejoin: round; }
circle { fill: var(--line); stroke: var(--line); }
.line-0 { --line: var(--line-0); }
.line-1 { --line: var(--line-1); }
.line-2 { --line: var(--line-2); }
.line-3 { --line: var(--line-3); }
.line-4 { --line: var(--line-4); }
.line-5 { --line: var(--line-5); }
.legend {
  display: flex;
  flex-wrap: wrap;
  gap: .2rem 1rem;
  list-style: none;
  margin: .5rem 0 0;
  padding: 0;
  font-size: .85rem;
}
.legend i {
  display: inline-block;
  width: .9rem;
  height: .25rem;
  margin-right: .4rem;
  vertical-align: middle;
  background: var(--line);
  border-radius: 2px;
}
.scroll { overflow-x: auto; }
.scroll.tall { max-height: 36rem; overflow-y: auto; }
table {
  border-collapse: collapse;
  width: 100%;
  font-variant-numeric: tabular-nums;
  overflow-wrap: normal;
}
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid var(--rule); }
th { font-weight: 600; vertical-align: bottom; }
th:first-child, td.text { text-align: left; }
tbody th { font-weight: 400; overflow-wrap: anywhere; min-width: 7rem; }
td.text { overflow-wrap: anywhere; }
.tall thead th { position: sticky; top: 0; background: var(--page); }
meter { width: 4rem; vertical-align: middle; margin-left: .4rem; }
.sample { margin: 0 0 1.5rem; }
.sample h3 { font-size: 1rem; margin: 0 0 .4rem; }
.pair {
  display: grid;
  gap: .7rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr));
  align-items: start;
}
.pair figcaption { font-weight: 400; color: var(--quiet); font-size: .85rem; margin: .2rem 0 0; }
img {
  display: block;
  width: 100%;
  max-height: 40rem;
  object-fit: contain;
  object-position: left top;
}
summary { cursor: pointer; margin: .6rem 0; }
@media (max-width: 30rem) {
  svg text { font-size: 14.5px; }
}
"""
