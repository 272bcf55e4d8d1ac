// ---- What both charts share

function colors() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(`--${name}`).trim();
  return { kinds: ["program", "caller", "function", "syscall"].map(get), error: get("error"), found: get("found"),
    text: get("text-on"), quiet: get("quiet"), line: get("line"), back: get("back") };
}

// A canvas of this height in CSS pixels, as wide as its place; sharp on fine screens.
function prepare(canvas, height) {
  const ratio = window.devicePixelRatio || 1, width = canvas.parentElement.clientWidth;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.font = "12px ui-monospace, monospace";
  pen.textBaseline = "middle";
  return { pen, width };
}

function box(pen, left, top, width, height, color, textColor, text) {
  pen.fillStyle = color;
  pen.fillRect(left, top, Math.max(width - (width > 3 ? 1 : 0), 0.5), height);
  const room = Math.floor((width - 8) / 7.3);
  if (room < 2 || !text) return;
  pen.fillStyle = textColor;
  pen.fillText(text.length > room ? `${text.slice(0, room - 1)}\u2026` : text, left + 4, top + height / 2 + 0.5);
}

const redraws = [];
window.addEventListener("resize", () => redraws.forEach((draw) => draw()));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraws.forEach((draw) => draw()));

// ---- Flame graph

const flame = { root: readTree(), weight: "time", wanted: "", boxes: [] };
flame.top = flame.root;

function drawFlame() {
  const ROW = 19, MOST_ROWS = 60, canvas = document.getElementById("flame-canvas"), paint = colors();
  const value = (node) => (flame.weight === "time" ? node.time : node.calls);
  const levels = [];
  const place = (node, left, width, level) => {
    if (width < 0.3 || level >= MOST_ROWS) return;
    (levels[level] ||= []).push({ node, left, width });
    const sum = Math.max(value(node), node.children.reduce((total, child) => total + value(child), 0)) || 1;
    for (const child of node.children) {
      const part = (width * value(child)) / sum;
      place(child, left, part, level + 1);
      left += part;
    }
  };
  const width = canvas.parentElement.clientWidth;
  place(flame.top, 0, width, 0);
  const { pen } = prepare(canvas, levels.length * ROW);
  flame.boxes = levels;
  let found = 0;
  levels.forEach((level, i) => level.forEach(({ node, left, width: wide }) => {
    const text = names[node.name].text, isFound = flame.wanted && text.toLowerCase().includes(flame.wanted);
    if (isFound) found += 1;
    box(pen, left, i * ROW, wide, ROW - 1, isFound ? paint.found : paint.kinds[node.kind], paint.text, text);
    // How many of them failed.
    if (node.errors) box(pen, left, i * ROW + ROW - 4, (wide * node.errors) / node.calls, 3, paint.error, "", "");
  }));
  document.getElementById("flame-found").textContent = flame.wanted ? `${count(found)} found` : "";
}

function flameAt(event) {
  const area = event.target.getBoundingClientRect(), level = flame.boxes[Math.floor((event.clientY - area.top) / 19)] || [];
  const x = event.clientX - area.left;
  return (level.find((one) => x >= one.left && x < one.left + one.width) || {}).node;
}

function flameWords(node) {
  const whole = flame.weight === "time" ? flame.root.time : flame.root.calls, part = flame.weight === "time" ? node.time : node.calls;
  const path = [];
  for (let at = node; at !== flame.root; at = at.up) path.unshift(names[at.name].text);
  return `${path.join(" \u203a ") || "all"}: ${duration(node.time)}, ${count(node.calls)} system calls, ${count(node.errors)} failed, ` +
    `${whole ? ((100 * part) / whole).toFixed(1) : 0} %`;
}

(function link(node) {
  const left = [node];
  for (let one = left.pop(); one; one = left.pop()) for (const child of one.children) child.up = one, left.push(child);
})(flame.root);

function startFlame() {
  const canvas = document.getElementById("flame-canvas"), text = document.getElementById("flame-text");
  const zoom = (node) => { flame.top = node; drawFlame(); };
  canvas.addEventListener("mousemove", (event) => { const node = flameAt(event); text.textContent = node ? flameWords(node) : ""; });
  canvas.addEventListener("click", (event) => {
    const node = flameAt(event);
    if (node) zoom(node === flame.top && node.up ? node.up : node), text.textContent = flameWords(node);
  });
  document.getElementById("flame-reset").addEventListener("click", () => zoom(flame.root));
  document.getElementById("flame-search").addEventListener("input", (event) => {
    flame.wanted = event.target.value.trim().toLowerCase();
    drawFlame();
  });
  for (const radio of document.querySelectorAll("input[name=weight]"))
    radio.addEventListener("change", () => { flame.weight = radio.value; drawFlame(); });
  redraws.push(drawFlame);
  drawFlame();
}
startFlame();

// ---- Time line

const MOST_LANES = 200;
const time = { tracks: unpackSpans().filter((track) => track.spans), from: 0, to: Math.max(data.end - data.start, 1), wanted: "", lanes: [] };
time.whole = time.to;
// The busiest ones, in the order in which they came.
time.shown = [...time.tracks].sort((a, b) => b.spans - a.spans).slice(0, MOST_LANES);
time.shown = time.tracks.filter((track) => time.shown.includes(track));

// The first of a row that ends behind `at`: spans of a depth follow one another.
function firstBehind(ends, at) {
  let low = 0, high = ends.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[middle] <= at) low = middle + 1; else high = middle;
  }
  return low;
}

function drawRow(pen, paint, row, top, scale) {
  for (let i = firstBehind(row.end, time.from); i < row.start.length && row.start[i] < time.to;) {
    const left = Math.max((row.start[i] - time.from) * scale, 0), right = Math.min((row.end[i] - time.from) * scale, time.width);
    const name = names[row.name[i] >> 1], isError = row.name[i] & 1;
    const isFound = time.wanted && name.text.toLowerCase().includes(time.wanted);
    box(pen, left, top, Math.max(right - left, 0.7), 14, isFound ? paint.found : isError ? paint.error : paint.kinds[name.kind],
      paint.text, right - left > 20 ? name.text : "");
    // Of what one pixel covers, one is drawn.
    i = right - left < 0.7 ? Math.max(firstBehind(row.end, time.from + (left + 0.7) / scale), i + 1) : i + 1;
  }
}

function drawTime() {
  const canvas = document.getElementById("time-canvas"), paint = colors(), HEAD = 20, ROW = 15, MOST_DEPTH = 12;
  let height = 6;
  time.lanes = time.shown.map((track) => {
    const lane = { track, top: height, rows: Math.min(track.rows.length, MOST_DEPTH) };
    height += HEAD + lane.rows * ROW + 6;
    return lane;
  });
  const { pen, width } = prepare(canvas, Math.max(height, 40));
  time.width = width;
  const scale = width / (time.to - time.from);
  for (const { track, top, rows } of time.lanes) {
    pen.fillStyle = paint.quiet;
    pen.fillText(`${track.program} ${track.pid === track.tid ? track.pid : `${track.pid}, thread ${track.tid}`}`, 4, top + 10);
    for (let depth = 0; depth < rows; depth++) drawRow(pen, paint, track.rows[depth], top + HEAD + depth * ROW, scale);
    pen.fillStyle = paint.line;
    pen.fillRect(0, top + HEAD + rows * ROW + 2, width, 1);
  }
  const hidden = time.tracks.length - time.shown.length;
  document.getElementById("time-range").textContent =
    `${duration(time.from)} to ${duration(time.to)}${hidden ? `; ${hidden} threads with the fewest events are left out` : ""}`;
}

function zoomTime(factor, share) {
  const length = Math.min(Math.max((time.to - time.from) * factor, 50), time.whole);
  const middle = time.from + (time.to - time.from) * share;
  time.from = Math.min(Math.max(middle - length * share, 0), time.whole - length);
  time.to = time.from + length;
  drawTime();
}

function spanAt(event) {
  const area = event.target.getBoundingClientRect(), y = event.clientY - area.top;
  const at = time.from + ((event.clientX - area.left) / area.width) * (time.to - time.from), near = (time.to - time.from) / area.width;
  const lane = time.lanes.find((one) => y >= one.top && y < one.top + 20 + one.rows * 15);
  const row = lane && lane.track.rows[Math.floor((y - lane.top - 20) / 15)];
  if (!row) return "";
  const i = firstBehind(row.end, at - near);
  if (i >= row.start.length || row.start[i] > at + near) return "";
  return `${names[row.name[i] >> 1].text}: ${duration(row.end[i] - row.start[i])} at ${duration(row.start[i])}${row.name[i] & 1 ? ", failed" : ""}`;
}

function startTime() {
  const canvas = document.getElementById("time-canvas");
  let drag = null;
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && Math.abs(event.deltaX) > Math.abs(event.deltaY)) return;
    event.preventDefault();
    const area = canvas.getBoundingClientRect();
    zoomTime(event.deltaY < 0 ? 0.8 : 1.25, (event.clientX - area.left) / area.width);
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => { drag = { x: event.clientX, from: time.from }; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointerup", () => { drag = null; });
  canvas.addEventListener("pointermove", (event) => {
    document.getElementById("time-text").textContent = spanAt(event);
    if (!drag) return;
    const length = time.to - time.from;
    time.from = Math.min(Math.max(drag.from - ((event.clientX - drag.x) / canvas.clientWidth) * length, 0), time.whole - length);
    time.to = time.from + length;
    drawTime();
  });
  document.getElementById("time-in").addEventListener("click", () => zoomTime(0.5, 0.5));
  document.getElementById("time-out").addEventListener("click", () => zoomTime(2, 0.5));
  document.getElementById("time-reset").addEventListener("click", () => zoomTime(Infinity, 0));
  document.getElementById("time-search").addEventListener("input", (event) => { time.wanted = event.target.value.trim().toLowerCase(); drawTime(); });
  redraws.push(drawTime);
  drawTime();
}
startTime();
