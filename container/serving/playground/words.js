
// What the page says in words.

const TIME_COLOURS = [...COLOURS, "#8a8a8a", "#7a4fb5"];

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

function showTimes(parts) {
  const total = parts.reduce((sum, [, value]) => sum + value, 0);
  ui.timeTitle.textContent = `${timeText(total)} from sending to seeing`;
  ui.bar.replaceChildren(...parts.map(([, value], index) => {
    const piece = document.createElement("span");
    piece.style.flexGrow = value;
    piece.style.backgroundColor = TIME_COLOURS[index % TIME_COLOURS.length];
    return piece;
  }));
  ui.times.replaceChildren(...parts.map(([name, value], index) => {
    const item = document.createElement("li");
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    swatch.style.backgroundColor = TIME_COLOURS[index % TIME_COLOURS.length];
    item.append(swatch, `${name} ${timeText(value)}`);
    return item;
  }));
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
