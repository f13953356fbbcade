
// What an answer says, as far as it can be drawn. Any predictor may be behind the server, so
// nothing is taken for granted: what does not look like COCO results is shown as it came.

const MOST_PIXELS = 1 << 28;

/**
 * The detections of a parsed answer, or null when there is nothing that we know how to draw:
 * {height, width, found: [{number, label, category, score, box, shape, raw}], notes: [text]}.
 * `picture` ({height, width}, or null) fills in for sizes that the answer does not tell.
 */
function readAnswer(value, picture) {
  const notes = [];
  const results = resultsOf(value, notes);
  if (!results) return null;
  const size = sizeOf(results, picture);
  if (!size) return null;
  const found = [];
  results.list.forEach((raw, index) => {
    try {
      found.push(readDetection(raw, index + 1, size));
    } catch (error) {
      notes.push(`Detection ${index + 1} cannot be drawn: ${error.message}.`);
    }
  });
  return { height: size[0], width: size[1], found, notes };
}

/** {list, height, width} from one of three forms: {predictions: […]}, {detections: […]}, […]. */
function resultsOf(value, notes) {
  if (Array.isArray(value)) return value.length && value.every(isResult) ? { list: value } : null;
  if (value === null || typeof value !== "object") return null;
  if (Array.isArray(value.detections))
    return value.detections.every(isResult) ? { ...value, list: value.detections } : null;
  if (!Array.isArray(value.predictions) || !value.predictions.length) return null;
  const [first] = value.predictions;
  if (first === null || typeof first !== "object" || Array.isArray(first)) return null;
  if (value.predictions.length > 1 && Array.isArray(first.detections))
    notes.push(`The answer is about ${value.predictions.length} pictures: this is the first.`);
  if (isResult(first)) return resultsOf(value.predictions, notes);
  return Array.isArray(first.detections) ? resultsOf(first, notes) : null;
}

/** Whether this can be a COCO result: it says where something is. */
function isResult(value) {
  if (value === null || typeof value !== "object") return false;
  return Array.isArray(value.bbox) || isShape(value.segmentation);
}

function isShape(value) {
  return Array.isArray(value) || (value !== null && typeof value === "object" && Array.isArray(value.size));
}

function sizeOf(results, picture) {
  const told = results.list.find((raw) => raw.segmentation && Array.isArray(raw.segmentation.size));
  const sizes = [[results.height, results.width], told ? told.segmentation.size : []];
  if (picture) sizes.push([picture.height, picture.width]);
  const good = (side) => Number.isInteger(side) && side > 0;
  return sizes.find(([height, width]) => good(height) && good(width) && height * width <= MOST_PIXELS);
}

function readDetection(raw, number, size) {
  const shape = readShape(raw.segmentation, size);
  const box = raw.bbox === undefined ? boxOfShape(shape, size) : raw.bbox;
  if (box.length !== 4 || !box.every(Number.isFinite)) throw new Error("its bbox is not four numbers");
  const category = raw.category_id === undefined ? null : raw.category_id;
  const name = raw.category_name === undefined ? raw.label : raw.category_name;
  return {
    number,
    label: String(name === undefined ? (category === null ? "detection" : `class ${category}`) : name),
    category: String(category === null ? name : category),
    score: Number.isFinite(raw.score) ? raw.score : null,
    box,
    shape,
    raw,
  };
}

/** {runs} or {polygons}; null without a mask. */
function readShape(segmentation, [height, width]) {
  if (segmentation === undefined || segmentation === null) return null;
  if (Array.isArray(segmentation)) {
    const whole = segmentation.every((points) => Array.isArray(points) && points.every(Number.isFinite));
    if (!whole) throw new Error("its polygons are not lists of numbers");
    return segmentation.length ? { polygons: segmentation } : null;
  }
  const [tall, wide] = segmentation.size;
  if (tall !== height || wide !== width)
    throw new Error(`its mask is of ${tall} × ${wide} pixels, the picture of ${height} × ${width}`);
  return { runs: readRuns(segmentation) };
}

function partOf(shape, size, shown) {
  if (!shape) return null;
  return shape.runs ? partOfRuns(shape.runs, size, shown) : partOfPolygons(shape.polygons, size, shown);
}

function boxOfShape(shape, size) {
  const part = partOf(shape, size, size);
  return part ? [part.left, part.top, part.width, part.height] : [0, 0, 0, 0];
}

/** Those of at least this score, best first; what has no score is always among them. */
function atLeast(found, threshold) {
  const score = (detection) => (detection.score === null ? Infinity : detection.score);
  return found.filter((one) => score(one) >= threshold).sort((a, b) => score(b) - score(a) || a.number - b.number);
}

/** "2 detections at 0.50 or more: person 0.98, dog 0.71." */
function summary(visible, total, threshold) {
  const told = visible.slice(0, 5).map((one) => `${one.label} ${scoreText(one)}`.trim());
  const count = `${visible.length} of ${total} detection${total === 1 ? "" : "s"}`;
  const more = visible.length > 5 ? ` and ${visible.length - 5} more` : "";
  return `${count} at ${threshold.toFixed(2)} or more${told.length ? `: ${told.join(", ")}${more}` : ""}.`;
}

function scoreText(detection) {
  return detection.score === null ? "" : detection.score.toFixed(2);
}
