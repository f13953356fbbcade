
// What can be taken along.

/** The list that pycocotools' loadRes reads: the results as they came, each with an image_id. */
function cocoResults(visible) {
  return visible.map(({ raw }) => ({ image_id: 1, ...raw }));
}

/** The scene on a canvas of the picture's own size, as a PNG. Masks are made one at a time. */
function fullSizePng(scene) {
  const { answer, colours } = scene;
  const { width, height } = scene.original || answer;
  const unit = Math.max(1, Math.min(width, height) / 500);
  const line = Math.max(1, Math.round(1.5 * unit));
  const canvas = canvasOf(width, height);
  const layer = (one) => layerOf(one, answer, [height, width], colours.get(one.number), line);
  paint(canvas, { ...scene, base: scene.original || scene.base, layer, scale: 1, unit });
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** Hand a blob to the browser as a download. */
function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Put a text on the clipboard; false where the browser does not let us (no https, no localhost). */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** A file's name without its ending. */
function stemOf(name) {
  return name.replace(/\.[^.]*$/, "") || "picture";
}
