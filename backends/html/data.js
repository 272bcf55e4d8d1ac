const data = JSON.parse(document.getElementById("data").textContent);
const KIND = { program: 0, caller: 1, function: 2, syscall: 3 };
const names = [];
for (let i = 0; i < data.names.length; i += 2) names.push({ kind: data.names[i], text: data.names[i + 1] });

// ---- Words

function duration(ns) {
  for (const [unit, size] of [["min", 6e10], ["s", 1e9], ["ms", 1e6], ["\u00b5s", 1e3]])
    if (ns >= size) return `${(ns / size).toPrecision(3).replace(/e\+\d+/, "")} ${unit}`;
  return `${ns} ns`;
}
const count = (n) => n.toLocaleString("en");

// ---- The spans of the time line

// By thread and depth, where spans follow one another: start and end from the begin of the run.
function unpackSpans() {
  const text = atob(data.spans);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  let at = 0;
  const number = () => {
    let value = 0, size = 1;
    for (; ; size *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * size;
      if (byte < 128) return value;
    }
  };
  return data.tracks.map(([pid, tid, program, spans]) => {
    const rows = [];
    let start = 0;
    for (let i = 0; i < spans; i++) {
      start += number();
      const length = number(), name = number(), depth = number();
      while (rows.length <= depth) rows.push({ start: [], end: [], name: [] });
      rows[depth].start.push(start);
      rows[depth].end.push(start + length);
      rows[depth].name.push(name);
    }
    return { pid, tid, program: names[program].text, spans, rows };
  });
}

// ---- The tree

// Columns: parent, name, count, errors, ns. What a node is worth is at least what its children are.
function readTree() {
  const nodes = [];
  for (let i = 0; i < data.tree.length; i += 5) {
    const [parent, name, times, errors, ns] = data.tree.slice(i, i + 5);
    const kind = names[name].kind;
    nodes.push({ parent, name, kind, errors, ns, times, children: [], calls: kind === KIND.syscall ? times : 0,
      time: kind >= KIND.function ? ns : 0 });
  }
  // A child stands behind its parent.
  for (let i = nodes.length - 1; i > 0; i--) {
    const node = nodes[i], parent = nodes[node.parent];
    node.children.forEach((child) => { node.inner = (node.inner || 0) + child.time; });
    node.time = Math.max(node.time, node.inner || 0);
    parent.children.push(node);
    parent.calls += node.calls;
  }
  nodes[0].time = nodes[0].children.reduce((sum, node) => sum + node.time, 0);
  for (const node of nodes) node.children.reverse();
  return nodes[0];
}

// ---- Head

function showHead() {
  const shell = data.argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, "'\\''")}'`)).join(" ");
  const command = shell || "running processes";
  document.getElementById("command").textContent = command;
  document.title = `${command.slice(0, 60)} \u2013 wc-intercept`;
  document.getElementById("machine").textContent = [data.time, `${data.host}, Linux ${data.kernel}`, `engine ${data.engine}`,
    data.wrapped && `functions ${data.wrapped}`, data.breakpoints && `breakpoints ${data.breakpoints}`,
    `wc-intercept ${data.version}`].filter(Boolean).join(" \u00b7 ");
  const sum = (rows, column) => rows.reduce((total, row) => total + row[column], 0);
  const totals = [["duration", duration(data.end - data.start)], ["processes", count(data.processes)],
    ["threads", count(new Set(data.tracks.map(([pid, tid]) => `${pid} ${tid}`)).size)], ["calls", count(sum(data.functions, 5))],
    ["system calls", count(sum(data.syscalls, 1))], ["time in them", duration(sum(data.syscalls, 3))],
    ["errors", count(sum(data.syscalls, 2))]];
  for (const [name, value] of totals) {
    const box = document.createElement("div");
    box.append(Object.assign(document.createElement("dt"), { textContent: name }),
      Object.assign(document.createElement("dd"), { textContent: value }));
    document.getElementById("totals").append(box);
  }
  const warnings = [];
  if (data.lost) warnings.push(`${count(data.lost)} events were lost: all numbers are too small.`);
  if (data.dropped) warnings.push(`The time line has the first events only; ${count(data.dropped)} further ones are in everything else.`);
  const line = document.getElementById("warnings");
  line.hidden = warnings.length === 0;
  line.textContent = warnings.join(" ");
}
showHead();
