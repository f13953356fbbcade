"use strict";

// COCO's masks: run lengths to bits. A part is the piece of a mask that is not empty:
// {left, top, width, height, bits}, one byte a pixel, row by row.

/** The run lengths in COCO's compressed text: outside, inside, outside, …, down the columns. */
function runsOfText(text) {
  const runs = [];
  let at = 0;
  while (at < text.length) {
    let value = 0;
    let scale = 1;
    let code;
    do {
      code = text.charCodeAt(at++) - 48;
      if (!(code >= 0 && code < 64)) throw new Error("the mask's counts are cut or no COCO counts");
      value += (code & 31) * scale;
      scale *= 32;
    } while (code & 32);
    if (code & 16) value -= scale;
    if (runs.length > 2) value += runs[runs.length - 2];
    runs.push(value);
  }
  return runs;
}

/** The run lengths of a COCO segmentation {size: [height, width], counts}; they must fill it. */
function readRuns(segmentation) {
  const [height, width] = segmentation.size;
  const counts = segmentation.counts;
  const runs = typeof counts === "string" ? runsOfText(counts) : Array.from(counts);
  let sum = 0;
  for (const run of runs) {
    if (!Number.isInteger(run) || run < 0) throw new Error(`a run of the mask is ${run} pixels long`);
    sum += run;
  }
  if (sum !== height * width)
    throw new Error(`the mask's runs cover ${sum} pixels, its size ${height} × ${width} has ${height * width}`);
  return runs;
}

/** [first row, first column, behind the last row, behind the last column] of the bits; or null. */
function boundsOfRuns(runs, height) {
  let [top, left, bottom, right] = [height, Infinity, 0, 0];
  let at = 0;
  runs.forEach((run, index) => {
    if (index % 2 && run) {
      const [first, last] = [Math.floor(at / height), Math.floor((at + run - 1) / height)];
      left = Math.min(left, first);
      right = Math.max(right, last + 1);
      top = Math.min(top, first === last ? at % height : 0);
      bottom = Math.max(bottom, first === last ? ((at + run - 1) % height) + 1 : height);
    }
    at += run;
  });
  return right ? [top, left, bottom, right] : null;
}

/**
 * The part that these runs draw when a picture of height × width is shown as tall × wide.
 * A shown pixel has the bit of the picture's pixel below its middle. null when none is left.
 */
function partOfRuns(runs, [height, width], [tall, wide]) {
  const bounds = boundsOfRuns(runs, height);
  if (!bounds) return null;
  const column = (x) => Math.ceil((x * wide) / width - 0.5); // the first one shown from x on
  const row = (y) => Math.ceil((y * tall) / height - 0.5);
  const part = emptyPart(column(bounds[1]), row(bounds[0]), column(bounds[3]), row(bounds[2]));
  if (!part) return null;
  let at = 0;
  runs.forEach((run, index) => {
    const end = at + run;
    while (index % 2 && at < end) {
      const x = Math.floor(at / height);
      const stop = Math.min(end, (x + 1) * height);
      const [from, to] = [row(at - x * height) - part.top, row(stop - x * height) - part.top];
      for (let shown = column(x); shown < column(x + 1); shown++)
        for (let y = from; y < to; y++) part.bits[y * part.width + shown - part.left] = 1;
      at = stop;
    }
    at = end;
  });
  return part;
}

/** The part that polygons [[x, y, x, y, …], …] of a height × width picture draw. */
function partOfPolygons(polygons, [height, width], [tall, wide]) {
  const xs = polygons.flatMap((points) => points.filter((_, index) => index % 2 === 0));
  const ys = polygons.flatMap((points) => points.filter((_, index) => index % 2 === 1));
  const ends = (values, scale, most) => [
    Math.max(0, Math.floor(values.reduce((a, b) => Math.min(a, b), Infinity) * scale)),
    Math.min(most, Math.ceil(values.reduce((a, b) => Math.max(a, b), 0) * scale)),
  ];
  const [left, right] = ends(xs, wide / width, wide);
  const [top, bottom] = ends(ys, tall / height, tall);
  const part = emptyPart(left, top, right, bottom);
  if (!part) return null;
  const context = canvasOf(part.width, part.height).getContext("2d", { willReadFrequently: true });
  for (const points of polygons) {
    context.beginPath();
    for (let i = 0; i + 1 < points.length; i += 2)
      context.lineTo((points[i] * wide) / width - left, (points[i + 1] * tall) / height - top);
    context.fill();
  }
  const { data } = context.getImageData(0, 0, part.width, part.height);
  for (let i = 0; i < part.bits.length; i++) part.bits[i] = data[4 * i + 3] > 127 ? 1 : 0;
  return part;
}

function emptyPart(left, top, right, bottom) {
  const [width, height] = [right - left, bottom - top];
  if (!(width > 0 && height > 0)) return null;
  return { left, top, width, height, bits: new Uint8Array(width * height) };
}

/** Whether the shown pixel (x, y) is in the part. */
function isInside(part, x, y) {
  const [column, row] = [Math.floor(x) - part.left, Math.floor(y) - part.top];
  if (column < 0 || row < 0 || column >= part.width || row >= part.height) return false;
  return part.bits[row * part.width + column] === 1;
}

function canvasOf(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}
