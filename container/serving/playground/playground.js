
// The page itself: what is on it now, and what happens when the reader does something.

const ui = Object.fromEntries([...document.querySelectorAll("[id]")].map((element) => [element.id, element]));
const MOST_SHOWN = 3e6; // pixels of the canvas
const MOST_TEXT = 200_000; // characters of an answer that are shown

const state = {
  file: null, // what was sent
  picture: null, // {bitmap or null}
  reply: null, // what came back
  answer: null, // what of it can be drawn
  scene: null, // how it is drawn at this window's size
  focus: null,
  pinned: null,
  abort: null,
};

// -- a picture comes ----------------------------------------------------------------------------

/** Send a file and show what comes back; whatever was under way before is given up. */
async function give(file) {
  if (state.abort) state.abort.abort();
  const abort = (state.abort = new AbortController());
  const late = () => state.abort !== abort;
  forget(file);
  const request = requestOf(file);
  ui.curl.value = curlCommand(file.name || "picture", request);
  say(`Sending ${file.name} (${bytesText(file.size)}) …`);
  try {
    const [opened, replied] = [openPicture(file), invoke(file, request, abort.signal)];
    replied.catch(() => {}); // it is awaited below; until then a failure waits, too
    const bitmap = await opened;
    if (late()) return;
    state.picture = bitmap;
    if (bitmap) layOut();
    const reply = await replied;
    if (!late()) await receive(reply);
  } catch (error) {
    if (late()) return;
    complain(`No answer came (${error.message}). Is the server still running?`);
    askHealth();
  }
}

function forget(file) {
  Object.assign(state, { file, picture: null, reply: null, answer: null, scene: null, focus: null, pinned: null });
  ui.trouble.hidden = ui.shown.hidden = ui.answer.hidden = true;
  ui.trouble.textContent = "";
  ui.again.disabled = ui.curlPart.hidden = false;
  ui.rawPart.open = false;
}

function requestOf(file) {
  return {
    contentType: ui.contentType.value.trim() || file.type || "application/octet-stream",
    accept: ui.accept.value.trim() || "*/*",
    query: ui.query.value.trim().replace(/^\?/, ""),
  };
}

/** The decoded picture, turned as its EXIF says, or null: the server may know more formats than browsers. */
function openPicture(blob) {
  return createImageBitmap(blob, { imageOrientation: "from-image" }).catch(() => null);
}

// -- an answer comes ----------------------------------------------------------------------------

async function receive(reply) {
  state.reply = reply;
  say("");
  const begin = performance.now();
  let read = begin;
  if (reply.error) complain(reply.error);
  else {
    const text = await readable(reply);
    state.answer = text === null ? null : drawable(text);
    read = performance.now();
    if (state.answer) showAnswer();
    else await showPlain(reply, text);
  }
  const drawn = performance.now();
  showTimes(split(reply.elapsed, reply.server, [["read", read - begin], ["draw", drawn - read]]));
  ui.answer.hidden = false;
  if (ui.rawPart.open) showRaw();
}

/** An answer's text; null for bytes. */
async function readable({ type, blob }) {
  if (/^text\/|json|xml|yaml/.test(type)) return blob.text();
  return null;
}

function drawable(text) {
  try {
    return readAnswer(JSON.parse(text), state.picture);
  } catch {
    return null; // no JSON: shown as it came
  }
}

function showAnswer() {
  if (state.answer.notes.length) complain(state.answer.notes.join("\n"));
  ui.tools.hidden = false;
  recolour();
  layOut();
  choose();
  paintNow();
}

/** What cannot be drawn here: a picture that the server drew, or the answer as it came. */
async function showPlain({ type, blob }) {
  const drawn = type.startsWith("image/") ? await openPicture(blob) : null;
  if (drawn) {
    state.picture = drawn;
    layOut();
    say("The server drew this picture.");
    return;
  }
  const known = type ? `${type}, ` : "";
  say(`The answer (${known}${bytesText(blob.size)}) has no detections that this page can draw: here it is as it came.`);
  ui.rawPart.open = true;
}

async function showRaw() {
  const { blob } = state.reply;
  const text = await readable(state.reply);
  ui.raw.textContent = text === null ? `${bytesText(blob.size)} that are no text` : pretty(text);
}

function pretty(text) {
  let shown = text;
  try {
    if (text.length < 4 * MOST_TEXT) shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // no JSON: as it is
  }
  return shown.length > MOST_TEXT ? `${shown.slice(0, MOST_TEXT)}\n… ${shown.length - MOST_TEXT} characters more` : shown;
}

function showTimes(parts) {
  const total = parts.reduce((sum, [, value]) => sum + value, 0);
  ui.timeTitle.textContent = `${timeText(total)} from sending to seeing`;
  ui.bar.replaceChildren(...parts.map(([, value], index) => {
    const piece = document.createElement("span");
    piece.style.flexGrow = value;
    piece.style.backgroundColor = COLOURS[index % COLOURS.length];
    return piece;
  }));
  ui.times.replaceChildren(...parts.map(([name, value], index) => {
    const item = document.createElement("li");
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    swatch.style.backgroundColor = COLOURS[index % COLOURS.length];
    item.append(swatch, `${name} ${timeText(value)}`);
    return item;
  }));
}

// -- the picture on the page --------------------------------------------------------------------

/** Give the canvas its size in this window and make a new scene for it. */
function layOut() {
  const { picture, answer } = state;
  const { width, height } = picture || answer;
  ui.shown.hidden = false;
  ui.tools.hidden = !answer;
  ui.shown.classList.toggle("bare", !answer);
  const factor = Math.min(ui.stage.clientWidth / width, (0.75 * innerHeight) / height, 4);
  const unit = Math.min(devicePixelRatio, Math.sqrt(MOST_SHOWN / (width * height)) / factor);
  ui.canvas.width = Math.max(1, Math.round(width * factor * unit));
  ui.canvas.height = Math.max(1, Math.round(height * factor * unit));
  ui.canvas.style.width = `${width * factor}px`;
  state.scene = sceneOf(unit);
  paintNow();
}

function sceneOf(unit) {
  const { picture, answer } = state;
  const { width, height } = ui.canvas;
  const found = answer ? answer.found : [];
  const scale = answer ? maskScale(found, width / answer.width) : 1;
  const shown = [Math.round(height * scale), Math.round(width * scale)];
  const layers = new Map();
  const layer = (one) => {
    if (!layers.has(one.number)) {
      const line = Math.max(1, Math.round(1.5 * unit * scale));
      layers.set(one.number, layerOf(one, answer, shown, state.colours.get(one.number), line));
    }
    return layers.get(one.number);
  };
  const scene = { base: backdrop(picture, width, height), original: picture, answer, layer, scale, unit };
  return Object.assign(scene, { visible: visibleNow(), focus: null, colours: state.colours });
}

/** The picture in the canvas's size, scaled down once; grey where the browser cannot show it. */
function backdrop(picture, width, height) {
  const canvas = canvasOf(width, height);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.fillStyle = "#777777";
  context.fillRect(0, 0, width, height);
  if (picture) context.drawImage(picture, 0, 0, width, height);
  return canvas;
}

function visibleNow() {
  return state.answer ? atLeast(state.answer.found, Number(ui.threshold.value)) : [];
}

/** The threshold has changed, or there are new detections: rows, words and picture follow. */
function choose() {
  const threshold = Number(ui.threshold.value);
  ui.thresholdText.textContent = threshold.toFixed(2);
  state.scene.visible = visibleNow();
  showRows(ui.rows, state.scene.visible);
  const told = summary(state.scene.visible, state.answer.found.length, threshold);
  ui.canvas.setAttribute("aria-label", told);
  clearTimeout(choose.timer); // screen readers hear where the slider rests, not all on the way
  choose.timer = setTimeout(() => state.answer && say(told), 250);
  repaint();
}

function recolour() {
  const byClass = ui.colourBy.value === "class";
  state.colours = coloursOf(state.answer.found, byClass);
  const sorted = atLeast(state.answer.found, -Infinity);
  fillTable(ui.rows, sorted, state.colours, { onFocus: focusOn, onPin: pin });
}

function focusOn(number) {
  state.focus = number;
  repaint();
}

function pin(number) {
  state.pinned = number === state.pinned ? null : number;
  repaint();
}

function repaint() {
  cancelAnimationFrame(repaint.frame);
  repaint.frame = requestAnimationFrame(paintNow);
}

function paintNow() {
  const { scene } = state;
  if (!scene) return;
  const wanted = state.focus === null ? state.pinned : state.focus;
  scene.focus = scene.visible.some((one) => one.number === wanted) ? wanted : null;
  scene.show = { masks: ui.masks.checked, boxes: ui.boxes.checked, labels: ui.labels.checked };
  paint(ui.canvas, scene);
  markRows(ui.rows, scene.focus, state.pinned);
}

function pointed({ offsetX, offsetY }) {
  const ratio = ui.canvas.width / ui.canvas.clientWidth;
  const one = state.answer && detectionAt(ui.canvas, state.scene, offsetX * ratio, offsetY * ratio);
  return one ? one.number : null;
}

// -- words ----------------------------------------------------------------------------------------

function say(text) {
  ui.status.textContent = text;
}

function complain(text) {
  say("");
  ui.trouble.hidden = false;
  ui.trouble.textContent = text;
}

function bytesText(count) {
  return count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}

function timeText(milliseconds) {
  if (milliseconds >= 10_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
}

/** Say whether the model is ready; ask again each second until it is. */
async function askHealth() {
  clearTimeout(askHealth.timer);
  let text = "The server does not answer.";
  try {
    const response = await fetch("ping", { cache: "no-store", credentials: "omit" });
    if (response.ok) return void (ui.health.textContent = "The model is ready.");
    text = `Not ready: ${await errorOf(response, await response.blob())}`;
  } catch {
    // said above
  }
  if (ui.health.textContent !== text) ui.health.textContent = text;
  askHealth.timer = setTimeout(askHealth, 1000);
}

// -- wiring -----------------------------------------------------------------------------------------

listen(ui, give, complain);
ui.request.addEventListener("submit", (event) => {
  event.preventDefault();
  if (state.file) give(state.file);
});
ui.threshold.addEventListener("input", choose);
for (const box of [ui.masks, ui.boxes, ui.labels]) box.addEventListener("change", repaint);
ui.colourBy.addEventListener("change", () => {
  recolour();
  layOut();
  choose();
});
ui.canvas.addEventListener("mousemove", (event) => focusOn(pointed(event)));
ui.canvas.addEventListener("mouseleave", () => focusOn(null));
ui.canvas.addEventListener("click", (event) => pin(pointed(event)));
document.addEventListener("keydown", (event) => event.key === "Escape" && pin(state.pinned));
ui.rawPart.addEventListener("toggle", () => ui.rawPart.open && state.reply && showRaw());
ui.saveJson.addEventListener("click", () => {
  const text = JSON.stringify(cocoResults(state.scene.visible));
  download(new Blob([text], { type: "application/json" }), `${stemOf(state.file.name)}.coco.json`);
});
ui.savePng.addEventListener("click", async () => {
  download(await fullSizePng(state.scene), `${stemOf(state.file.name)}.found.png`);
});
ui.saveRaw.addEventListener("click", () => {
  const ending = { "application/json": "json", "image/png": "png", "application/x-npy": "npy" }[state.reply.type];
  download(state.reply.blob, `${stemOf(state.file.name)}.answer.${ending || "bin"}`);
});
ui.copy.addEventListener("click", async () => {
  ui.curl.select();
  ui.copied.textContent = (await copyText(ui.curl.value)) ? "Copied." : "Selected: copy it with Ctrl+C.";
});
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === width || !state.scene) return; // a phone's address bar changes the height only
  width = innerWidth;
  layOut();
});
askHealth();
