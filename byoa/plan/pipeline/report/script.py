"""The page's only script, and the policy that lets nothing but it run. Without it all is there."""

from __future__ import annotations

import base64
import hashlib

#: Sorting: a click on a column's head; numbers by data-v, words as people sort them. Finding:
#: rows whose name holds the text and whose status is chosen. Both work by the keyboard.
SCRIPT = """
"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((one) => one.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const value = (row) => {
        const cell = row.cells[column];
        return "v" in cell.dataset ? Number(cell.dataset.v) : cell.textContent;
      };
      const words = new Intl.Collator(undefined, { numeric: true });
      const order = (a, b) => {
        if (a === "" || b === "") return (a === "") - (b === "");
        const sign = up ? 1 : -1;
        if (typeof a === "number" && typeof b === "number") return sign * (a - b);
        return sign * words.compare(a, b);
      };
      const rows = [...table.tBodies[0].rows].map((row) => [value(row), row]);
      rows.sort((a, b) => order(a[0], b[0]));
      const body = document.createElement("tbody");
      body.append(...rows.map((pair) => pair[1]));
      table.tBodies[0].replaceWith(body);
    });
  });
}
const find = document.getElementById("find");
if (find) {
  find.hidden = false;
  const text = find.querySelector("input[type=search]");
  const chosen = [...find.querySelectorAll("input[type=checkbox]")];
  const said = find.querySelector("output");
  const groups = [...document.querySelectorAll("#tasks details")];
  const were = groups.map((group) => group.open);
  const look = () => {
    const word = text.value.toLowerCase();
    const all = !chosen.some((box) => box.checked);
    const on = new Set(chosen.filter((box) => all || box.checked).map((box) => box.value));
    let count = 0;
    groups.forEach((group, at) => {
      let here = 0;
      for (const row of group.querySelectorAll("tbody tr")) {
        const shown = row.id.toLowerCase().includes(word, 2) && on.has(row.dataset.s);
        row.hidden = !shown;
        here += shown;
      }
      group.hidden = !here;
      group.open = (word || !all) && here <= 500 ? here > 0 : were[at];
      count += here;
    });
    said.textContent = word || !all ? count + " found" : "";
  };
  let wait = 0;
  text.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(look, 120); });
  chosen.forEach((box) => box.addEventListener("change", look));
}
const open = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  if (target) target.scrollIntoView();
};
addEventListener("hashchange", open);
open();
"""

HASH = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
#: What a page may load and run: nothing but its own styles and this very script.
POLICY = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{HASH}'; img-src data:"
