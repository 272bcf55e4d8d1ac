// ---- Tables

const MOST_ROWS_SHOWN = 300;

// Pairs of power of two and number, as bars.
function histogram(pairs) {
  const space = "http://www.w3.org/2000/svg", svg = document.createElementNS(space, "svg");
  const first = 5, last = 36, most = Math.max(...pairs.filter((_, i) => i % 2), 1), words = [];
  svg.setAttribute("viewBox", `0 0 ${(last - first + 1) * 4} 22`);
  svg.setAttribute("preserveAspectRatio", "none");
  for (let i = 0; i < pairs.length; i += 2) {
    const bar = document.createElementNS(space, "rect"), height = 2 + (19 * pairs[i + 1]) / most;
    const place = Math.min(Math.max(pairs[i], first), last) - first;
    for (const [key, value] of [["x", place * 4], ["y", 22 - height], ["width", 3.5], ["height", height]]) bar.setAttribute(key, value);
    svg.append(bar);
    words.push(`${duration(2 ** pairs[i])} and more: ${count(pairs[i + 1])}`);
  }
  const title = document.createElementNS(space, "title");
  title.textContent = words.join("\n");
  svg.prepend(title);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", words.join(", "));
  return svg;
}

const COLUMN = {
  text: { cell: (td, value) => { td.textContent = value; td.className = "text"; } },
  count: { isNumber: true, cell: (td, value) => { td.textContent = count(value); } },
  id: { isNumber: true, cell: (td, value) => { td.textContent = value; } },
  time: { isNumber: true, cell: (td, value) => { td.textContent = duration(value); } },
  bars: { cell: (td, value) => td.append(histogram(value)), isFixed: true },
};

// columns: [name, kind, value of a row]. The first click on a column sorts numbers from the largest.
function addTable(id, rows, columns, sorted) {
  const section = document.getElementById(id);
  if (rows.length === 0) {
    section.append(Object.assign(document.createElement("p"), { className: "quiet", textContent: "None." }));
    return;
  }
  const tools = document.createElement("div"), filter = document.createElement("input"), found = document.createElement("output");
  const all = Object.assign(document.createElement("button"), { type: "button", textContent: "show all" });
  Object.assign(filter, { type: "search", placeholder: "filter", id: `${id}-filter` });
  filter.setAttribute("aria-label", `filter ${id}`);
  tools.className = "tools";
  tools.append(filter, found, all);
  const scroll = document.createElement("div"), table = document.createElement("table"), head = table.createTHead().insertRow();
  const body = table.createTBody();
  scroll.className = "scroll";
  scroll.append(table);
  section.append(tools, scroll);
  const state = { column: sorted, down: true, most: MOST_ROWS_SHOWN };

  const fill = () => {
    const [, kind, value] = columns[state.column], wanted = filter.value.trim().toLowerCase();
    const texts = columns.filter((column) => column[1] === "text");
    const kept = rows.filter((row) => !wanted || texts.some((column) => String(column[2](row)).toLowerCase().includes(wanted)));
    kept.sort((a, b) => (COLUMN[kind].isNumber ? value(a) - value(b) : String(value(a)).localeCompare(value(b))));
    if (state.down) kept.reverse();
    body.replaceChildren(...kept.slice(0, state.most).map((row) => {
      const line = document.createElement("tr");
      for (const [, of, get] of columns) {
        const cell = line.insertCell();
        if (COLUMN[of].isNumber) cell.className = "number";
        COLUMN[of].cell(cell, get(row));
      }
      return line;
    }));
    found.textContent = `${count(Math.min(kept.length, state.most))} of ${count(rows.length)}`;
    all.hidden = kept.length <= state.most;
    [...head.cells].forEach((cell, i) => (i === state.column ? cell.setAttribute("aria-sort", state.down ? "descending" : "ascending")
      : cell.removeAttribute("aria-sort")));
  };
  columns.forEach(([name, kind], i) => {
    const cell = document.createElement("th"), button = document.createElement("button");
    if (COLUMN[kind].isNumber) cell.className = "number";
    button.type = "button";
    button.textContent = name;
    button.disabled = Boolean(COLUMN[kind].isFixed);
    button.addEventListener("click", () => {
      state.down = state.column === i ? !state.down : Boolean(COLUMN[kind].isNumber);
      state.column = i;
      fill();
    });
    cell.append(button);
    head.append(cell);
  });
  filter.addEventListener("input", fill);
  all.addEventListener("click", () => { state.most = Infinity; fill(); });
  fill();
}

const column = (name, kind, i) => [name, kind, (row) => row[i]];
const average = (ns, times) => ["average", "time", (row) => (row[times] ? Math.round(row[ns] / row[times]) : 0)];
addTable("functions", data.functions, [column("function", "text", 0), column("library", "text", 1), column("calls", "count", 5),
  column("time", "time", 7), average(7, 5), column("longest", "time", 8), column("system calls", "count", 2),
  column("errors", "count", 3), column("time in them", "time", 4), column("how long calls took", "bars", 9)], 3);
addTable("syscalls", data.syscalls, [column("system call", "text", 0), column("times", "count", 1), column("errors", "count", 2),
  column("time", "time", 3), average(3, 1), column("longest", "time", 4), column("how long they took", "bars", 5)], 3);
addTable("errors", data.errors, [column("times", "count", 0), column("system call", "text", 1), column("error", "text", 2),
  column("path", "text", 3), column("function", "text", 4), column("caller", "text", 5)], 0);
addTable("slowest-calls", data.slowest_calls, [column("time", "time", 0), ["at", "time", (row) => row[1] - data.start], column("call", "text", 2),
  column("library", "text", 3), column("caller", "text", 4), column("thread", "id", 5)], 0);
addTable("slowest", data.slowest, [column("time", "time", 0), ["at", "time", (row) => row[1] - data.start], column("system call", "text", 2),
  column("function", "text", 3), column("caller", "text", 4), column("thread", "id", 5)], 0);
addTable("injected", data.injected, [column("times", "count", 0), column("system call", "text", 1), column("what was done", "text", 2),
  column("path", "text", 3), column("function", "text", 4), column("caller", "text", 5)], 0);
addTable("signals", data.signals, [column("times", "count", 0), column("signal", "text", 1), column("more", "text", 2)], 0);
document.documentElement.dataset.ready = "yes";
