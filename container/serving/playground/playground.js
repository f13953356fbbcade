
// The page's life: a picture comes, an answer comes, the reader does something.

const MOST_TEXT = 200_000; // characters of an answer that are shown

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
    if (state.reply) complain(`The answer cannot be shown: ${error.message}.`);
    else complain(`No answer came (${error.message}). Is the server still running?`);
    askHealth();
  }
}

function forget(file) {
  clearTimeout(choose.timer);
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

listen(ui, give, complain);
listenToTable(ui.rows, focusOn, pin);
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
let seenWidth = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === seenWidth || !state.scene) return; // a phone's address bar changes the height only
  seenWidth = innerWidth;
  layOut();
});
askHealth();
