
// What is on the page now, and how it is drawn in a window of this size.

const ui = Object.fromEntries([...document.querySelectorAll("[id]")].map((element) => [element.id, element]));
const MOST_SHOWN = 3e6; // pixels of the canvas

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

/** Give the canvas its size in this window and make a new scene for it. */
function layOut() {
  const { picture, answer } = state;
  const { width, height } = picture || answer;
  ui.shown.hidden = false;
  if (!answer) ui.canvas.setAttribute("aria-label", "The picture, without detections");
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
  fillTable(ui.rows, sorted, state.colours);
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
