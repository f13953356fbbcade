
// The detections as a table: one stop of the Tab key, arrow keys move in it, and the row with the
// focus is the one that stands out in the picture.

/** Tell `onFocus(number or null)` and `onPin(number)` what the reader does in the table. */
function listenToTable(body, onFocus, onPin) {
  body.addEventListener("focusin", (event) => {
    for (const button of body.querySelectorAll("button")) button.tabIndex = button === event.target ? 0 : -1;
    onFocus(numberAt(event));
  });
  body.addEventListener("focusout", () => onFocus(null));
  body.addEventListener("mouseover", (event) => onFocus(numberAt(event)));
  body.addEventListener("mouseleave", () => onFocus(null));
  body.addEventListener("click", (event) => onPin(numberAt(event)));
  body.addEventListener("keydown", (event) => moveFocus(body, event));
}

function fillTable(body, found, colours) {
  body.replaceChildren(...found.map((one) => rowOf(one, colours.get(one.number))));
}

function rowOf(detection, colour) {
  const row = document.createElement("tr");
  row.dataset.number = detection.number;
  const head = document.createElement("th");
  head.scope = "row";
  const button = document.createElement("button");
  button.type = "button";
  button.tabIndex = -1;
  button.setAttribute("aria-pressed", "false");
  const swatch = document.createElement("span");
  swatch.className = "swatch";
  swatch.style.backgroundColor = colour;
  button.append(swatch, `${detection.number} ${detection.label}`);
  head.append(button);
  const [x, y, width, height] = detection.box.map((value) => Math.round(value));
  row.append(head, cell(scoreText(detection) || "–"), cell(`${x}, ${y}`), cell(`${width} × ${height}`));
  return row;
}

function cell(text) {
  const made = document.createElement("td");
  made.textContent = text;
  return made;
}

function numberAt(event) {
  const row = event.target.closest("tr");
  return row ? Number(row.dataset.number) : null;
}

/** Show the rows of what is visible, best first; one of them can be reached by Tab. */
function showRows(body, visible) {
  const rows = new Map([...body.rows].map((row) => [Number(row.dataset.number), row]));
  for (const row of rows.values()) row.hidden = true;
  for (const { number } of visible) rows.get(number).hidden = false;
  const buttons = shownButtons(body);
  if (buttons.length && !buttons.some((button) => button.tabIndex === 0)) buttons[0].tabIndex = 0;
}

/** Mark the row that stands out in the picture, and the one that stays so. */
function markRows(body, focus, pinned) {
  for (const row of body.rows) {
    row.classList.toggle("marked", Number(row.dataset.number) === focus);
    row.querySelector("button").setAttribute("aria-pressed", String(Number(row.dataset.number) === pinned));
  }
}

function shownButtons(body) {
  return [...body.querySelectorAll("tr:not([hidden]) button")];
}

function moveFocus(body, event) {
  const buttons = shownButtons(body);
  const at = buttons.indexOf(event.target);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (at < 0 || next === undefined) return;
  event.preventDefault();
  buttons[Math.max(0, Math.min(next, buttons.length - 1))].focus();
}
