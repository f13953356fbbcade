
// Pictures with what was found in them. Masks are made into little canvases once; painting only
// puts these on top of each other, so that the slider stays fluid with a hundred of them.

// Okabe and Ito's colours, which people who see few colours tell apart; numbers say it, too.
const COLOURS = ["#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#0072b2"];
const MASK_BUDGET = 24e6; // pixels of all mask canvases together: 96 MB
const CROWD = 25; // with more than these, labels are numbers

/** number -> colour: one for each detection, or for each class. */
function coloursOf(found, byClass) {
  const categories = [...new Set(found.map((one) => one.category))].sort();
  const index = (one) => (byClass ? categories.indexOf(one.category) : one.number - 1);
  return new Map(found.map((one) => [one.number, COLOURS[index(one) % COLOURS.length]]));
}

/** How much smaller than the shown picture masks are kept, so that all of them fit into memory. */
function maskScale(found, factor) {
  const area = found.reduce((sum, one) => sum + (one.shape ? one.box[2] * one.box[3] : 0), 0);
  return Math.min(1, Math.sqrt(MASK_BUDGET / (area * factor * factor || 1)));
}

/** A mask to paint: {part, canvas}, of a picture shown as tall × wide; null without a mask. */
function layerOf(detection, answer, shown, colour, line) {
  const part = partOf(detection.shape, [answer.height, answer.width], shown);
  return part && { part, canvas: tinted(part, colour, line) };
}

/** The part as a canvas: a veil in its colour with a firm edge, `line` pixels wide. */
function tinted(part, colour, line) {
  const { width, height, bits } = part;
  const image = new ImageData(width, height);
  const words = new Uint32Array(image.data.buffer);
  const [veil, edge] = [wordOf(colour, 110), wordOf(colour, 255)];
  const inside = (x, y) => x >= 0 && y >= 0 && x < width && y < height && bits[y * width + x];
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at++)
      if (bits[at]) {
        const deep = inside(x - line, y) && inside(x + line, y) && inside(x, y - line) && inside(x, y + line);
        words[at] = deep ? veil : edge;
      }
  const canvas = canvasOf(width, height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** "#rrggbb" and an alpha as a pixel of ImageData. */
function wordOf(colour, alpha) {
  const channels = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  return new Uint32Array(Uint8Array.of(...channels, alpha).buffer)[0];
}

/**
 * Paint the scene onto the whole canvas: {base, answer, visible, focus, show, colours, layer, unit}.
 * `layer(detection)` gives its mask, made for a picture `scale` times as large as the canvas.
 */
function paint(canvas, scene) {
  const context = canvas.getContext("2d");
  context.globalAlpha = 1;
  context.drawImage(scene.base, 0, 0, canvas.width, canvas.height);
  const order = smallestFirst(scene.visible).reverse(); // what is small would vanish below what is large
  for (const detection of order) {
    context.globalAlpha = faded(detection, scene) ? 0.15 : 1;
    if (scene.show.masks) paintMask(context, scene.layer(detection), scene.scale);
    if (scene.show.boxes) paintBox(context, detection, scene);
  }
  if (scene.show.labels) for (const detection of order) paintLabel(context, detection, scene);
  context.globalAlpha = 1;
}

function smallestFirst(detections) {
  const area = ({ box: [, , width, height] }) => width * height;
  return [...detections].sort((a, b) => area(a) - area(b));
}

function faded(detection, scene) {
  return scene.focus !== null && scene.focus !== detection.number;
}

function paintMask(context, layer, scale) {
  if (!layer) return;
  const { left, top, width, height } = layer.part;
  context.drawImage(layer.canvas, left / scale, top / scale, width / scale, height / scale);
}

/** A detection's box in the canvas's pixels. */
function placeOf(detection, canvas, answer) {
  const [across, down] = [canvas.width / answer.width, canvas.height / answer.height];
  const [x, y, width, height] = detection.box;
  return [x * across, y * down, width * across, height * down];
}

function paintBox(context, detection, { answer, colours, unit }) {
  const place = placeOf(detection, context.canvas, answer);
  for (const [colour, line] of [["#000", 3 * unit], [colours.get(detection.number), 1.6 * unit]]) {
    context.strokeStyle = colour; // the dark line below keeps a bright one visible on bright ground
    context.lineWidth = line;
    context.strokeRect(...place);
  }
}

function paintLabel(context, detection, scene) {
  if (faded(detection, scene)) return;
  const { unit, answer, colours, visible, focus } = scene;
  const short = visible.length > CROWD && focus !== detection.number;
  const text = short ? `${detection.number}` : `${detection.number} ${detection.label} ${scoreText(detection)}`.trim();
  const [x, y] = placeOf(detection, context.canvas, answer);
  context.font = `600 ${12 * unit}px system-ui, sans-serif`;
  const [width, height] = [context.measureText(text).width + 8 * unit, 17 * unit];
  const left = Math.max(0, Math.min(x - unit, context.canvas.width - width));
  const top = Math.max(0, Math.min(y - height, context.canvas.height - height));
  context.fillStyle = colours.get(detection.number);
  context.fillRect(left, top, width, height);
  context.fillStyle = inkOn(colours.get(detection.number));
  context.textBaseline = "middle";
  context.fillText(text, left + 4 * unit, top + height / 2 + unit * 0.5);
}

/** Black or white, whichever is easier to read on a colour. */
function inkOn(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}

/** The topmost of the visible at the canvas's pixel (x, y): in its mask, or in its box without one. */
function detectionAt(canvas, scene, x, y) {
  return smallestFirst(scene.visible).find((one) => {
    const layer = scene.layer(one);
    if (layer) return isInside(layer.part, x * scene.scale, y * scene.scale);
    const [left, top, width, height] = placeOf(one, canvas, scene.answer);
    return !one.shape && x >= left && y >= top && x < left + width && y < top + height;
  });
}
