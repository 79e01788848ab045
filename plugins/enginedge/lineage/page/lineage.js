// Draws the graph around one dataset or job from the relay's own API. Everything is text set as text: names come from events.

const SVG = "http://www.w3.org/2000/svg";
const SIZE = { table: [230, 44], source: [230, 44], job: [190, 32] };
const GAP = { x: 70, y: 16 };
const READABLE = 0.7; // below this scale names cannot be read
const el = (id) => document.getElementById(id);
const view = { x: 0, y: 0, scale: 1 };
let drawn = { nodes: new Map(), box: [0, 0, 1, 1] };

async function ask(path) {
  const response = await fetch(path, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error((await response.json().catch(() => ({}))).message ?? `${path}: ${response.status}`);
  return response.json();
}

function make(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) key in node ? (node[key] = value) : node.setAttribute(key, value);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function shape(name, attributes, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

const kindOf = (node) => (node.type === "JOB" ? "job" : node.data.namespace.startsWith("hive://") ? "table" : "source");
const short = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);
const when = (instant) => (instant ? instant.replace("T", " ").replace(/(\.\d+)?Z$/, " UTC") : "–");
const idOf = (kind, at) => `${kind}:${at.namespace}:${at.name}`;

// Layout: a node stands one layer right of the furthest that feeds it; what closes a circle is left out of that reckoning.
function layersOf(nodes) {
  const layer = new Map(), open = new Set(), inward = new Map(nodes.map((node) => [node.id, node.inEdges.map((e) => e.origin)]));
  const depth = (id) => {
    if (layer.has(id)) return layer.get(id);
    open.add(id);
    const feeds = inward.get(id).filter((from) => inward.has(from) && !open.has(from));
    const found = feeds.length ? Math.max(...feeds.map(depth)) + 1 : 0;
    open.delete(id);
    layer.set(id, found);
    return found;
  };
  nodes.forEach((node) => depth(node.id));
  const outward = new Map(nodes.map((node) => [node.id, node.outEdges.map((e) => e.destination).filter((id) => layer.has(id))]));
  for (const node of [...nodes].sort((a, b) => layer.get(b.id) - layer.get(a.id))) {
    const next = outward.get(node.id).map((id) => layer.get(id)).filter((n) => n > layer.get(node.id));
    if (next.length) layer.set(node.id, Math.min(...next) - 1);
  }
  return layer;
}

function place(nodes) {
  const layer = layersOf(nodes), columns = [];
  for (const node of nodes) (columns[layer.get(node.id)] ??= []).push(node);
  const rank = new Map();
  columns.forEach((column) => column?.sort((a, b) => a.id.localeCompare(b.id)).forEach((node, n) => rank.set(node.id, n)));
  const mean = (ids, self) => {
    const known = ids.filter((id) => rank.has(id));
    return known.length ? known.reduce((sum, id) => sum + rank.get(id), 0) / known.length : rank.get(self);
  };
  for (let sweep = 0; sweep < 8; sweep++) {
    const order = sweep % 2 ? [...columns].reverse() : columns;
    for (const column of order.filter(Boolean)) {
      const pull = new Map(column.map((node) => [node.id, mean(
        sweep % 2 ? node.outEdges.map((e) => e.destination) : node.inEdges.map((e) => e.origin), node.id)]));
      column.sort((a, b) => pull.get(a.id) - pull.get(b.id) || a.id.localeCompare(b.id));
      const middle = (column.length - 1) / 2;
      column.forEach((node, n) => rank.set(node.id, n - middle));
    }
  }
  const at = new Map();
  let x = 0;
  for (const column of columns.filter(Boolean)) {
    const width = Math.max(...column.map((node) => SIZE[kindOf(node)][0]));
    const height = column.reduce((sum, node) => sum + SIZE[kindOf(node)][1] + GAP.y, -GAP.y);
    let y = -height / 2;
    for (const node of column) {
      const [w, h] = SIZE[kindOf(node)];
      at.set(node.id, { x: x + (width - w) / 2, y, w, h });
      y += h + GAP.y;
    }
    x += width + GAP.x;
  }
  return at;
}

function draw(nodes, chosen) {
  const at = place(nodes), svg = el("graph");
  const edges = shape("g", {}), boxes = shape("g", {}), stage = shape("g", { id: "stage" });
  const tip = shape("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto" });
  tip.append(shape("path", { d: "M0 0 8 4 0 8z" }));
  for (const node of nodes) for (const edge of node.outEdges) {
    const from = at.get(edge.origin), to = at.get(edge.destination);
    if (!from || !to) continue;
    const path = shape("path", { class: "edge", d: way(from, to), "marker-end": "url(#tip)" });
    Object.assign(path.dataset, edge);
    edges.append(path);
  }
  for (const node of nodes) boxes.append(box(node, at.get(node.id), node.id === chosen));
  stage.append(shape("defs", {}), edges, boxes);
  stage.firstChild.append(tip);
  svg.replaceChildren(stage);
  const all = [...at.values()];
  drawn = { nodes: new Map(nodes.map((node) => [node.id, node])), box: [
    Math.min(...all.map((p) => p.x)), Math.min(...all.map((p) => p.y)),
    Math.max(...all.map((p) => p.x + p.w)), Math.max(...all.map((p) => p.y + p.h))], chosen: at.get(chosen) };
  fit(READABLE);
}

// An edge goes from right side to left side; one that leads back (a job that reads what it writes) goes round below.
function way(from, to) {
  const [x1, y1, x2, y2] = [from.x + from.w, from.y + from.h / 2, to.x, to.y + to.h / 2];
  if (x2 >= x1) {
    const bend = Math.max(30, (x2 - x1) / 2);
    return `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  }
  const [a, b, low] = [from.x + from.w * 0.7, to.x + to.w * 0.7, Math.max(from.y + from.h, to.y + to.h) + 26];
  return `M${a} ${from.y + from.h} C${a} ${low} ${b} ${low} ${b} ${to.y + to.h}`;
}

function box(node, p, isChosen) {
  const kind = kindOf(node), group = shape("g", { class: `node ${kind}${isChosen ? " chosen" : ""}`, transform: `translate(${p.x} ${p.y})`, tabindex: 0, role: "link", "data-id": node.id });
  const name = kind === "job" ? node.data.simpleName : node.data.name;
  group.append(shape("title", {}, `${node.data.namespace}\n${node.data.name}`), shape("rect", { width: p.w, height: p.h }));
  if (kind === "job") {
    const state = node.data.latestRun?.state ?? "NEW";
    group.append(shape("circle", { class: state, cx: 16, cy: p.h / 2, r: 5 }), shape("text", { x: 28, y: p.h / 2 + 4 }, short(name, 25)));
  } else {
    group.append(shape("text", { x: 12, y: 19 }, short(name, 33)), shape("text", { x: 12, y: 34, class: "under" },
      kind === "table" ? `${node.data.fields.length} columns` : short(node.data.namespace, 38)));
  }
  group.addEventListener("click", () => go(node.id));
  group.addEventListener("keydown", (event) => event.key === "Enter" && go(node.id));
  return group;
}

function show() { el("stage")?.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.scale})`); }

// All of the graph; no smaller than `least`, where what does not fit is cut off around the chosen node.
function fit(least = 0) {
  const [x1, y1, x2, y2] = drawn.box, { width, height } = el("graph").getBoundingClientRect();
  view.scale = Math.max(least, Math.min(1.25, (width - 60) / (x2 - x1), (height - 60) / (y2 - y1)));
  const { x, y, w, h } = drawn.chosen ?? { x: x1, y: y1, w: x2 - x1, h: y2 - y1 };
  view.x = placed(width, x1 * view.scale, x2 * view.scale, (x + w / 2) * view.scale);
  view.y = placed(height, y1 * view.scale, y2 * view.scale, (y + h / 2) * view.scale);
  show();
}

// Where what reaches from `low` to `high` begins: in the middle of `room`, or, where it is longer, `centre` is there.
function placed(room, low, high, centre) {
  if (high - low <= room - 60) return room / 2 - (low + high) / 2;
  return Math.min(30 - low, Math.max(room - 30 - high, room / 2 - centre));
}

const go = (id) => { location.hash = encodeURIComponent(id); };

async function open(id) {
  el("empty").hidden = true;
  try {
    const { graph } = await ask(`/api/v1/lineage?nodeId=${encodeURIComponent(id)}&depth=${el("depth").value}`);
    const own = graph.find((node) => node.id === id) ?? graph[0];
    draw(graph, own?.id);
    if (own) await describe(own);
    document.title = own ? `${own.data.name} – Lineage` : "Lineage";
  } catch (error) { say(error.message); }
}

function say(text) {
  el("graph").replaceChildren();
  el("empty").textContent = text;
  el("empty").hidden = false;
}

async function describe(node) {
  const part = node.type === "JOB" ? "jobs" : "datasets";
  const path = `/api/v1/namespaces/${encodeURIComponent(node.data.namespace)}/${part}/${encodeURIComponent(node.data.name)}`;
  const full = await ask(path);
  const head = [make("h1", {}, full.name), make("p", { className: "soft" }, full.namespace), full.description && make("p", {}, full.description)];
  const tags = full.tags.map((tag) => make("span", { className: "tag" }, tag));
  el("details").replaceChildren(...head.filter(Boolean), ...tags, ...(node.type === "JOB" ? aboutJob(full) : aboutDataset(full, node)));
}

function aboutDataset(full, node) {
  const rows = full.fields.map((field) => {
    const button = make("button", { className: "column", type: "button", title: field.description ?? "" }, field.name);
    button.setAttribute("aria-expanded", "false");
    const cell = make("td", {}, button, ...field.tags.map((tag) => make("span", { className: "tag" }, tag)));
    button.addEventListener("click", () => trace(full, field.name, button, cell));
    return make("tr", {}, cell, make("td", {}, field.type ?? ""));
  });
  const links = (title, jobs) => jobs.length ? [make("h2", {}, title), ...jobs.map((id) => make("p", {}, make("button", { className: "link", type: "button", onclick: () => go(id) }, id.replace(/^job:/, ""))))] : [];
  return [
    make("p", { className: "soft" }, `last written ${when(full.updatedAt)}`),
    make("h2", {}, `Columns (${rows.length})`), rows.length ? make("table", {}, make("tbody", {}, ...rows)) : make("p", { className: "soft" }, "none are known"),
    ...links("Written by", node.inEdges.map((edge) => edge.origin)), ...links("Read by", node.outEdges.map((edge) => edge.destination))];
}

function aboutJob(full) {
  const runs = (full.latestRuns ?? []).map((run) => make("tr", {},
    make("td", {}, make("b", { className: run.state }, run.state.toLowerCase()), make("br"), make("small", { className: "soft" }, run.id)),
    make("td", {}, when(run.startedAt ?? run.endedAt), make("br"), run.durationMs === null ? "" : `${(run.durationMs / 1000).toFixed(1)} s`)));
  const ends = (title, list) => list.length ? [make("h2", {}, title), ...list.map((at) => make("p", {}, make("button", { className: "link", type: "button", onclick: () => go(idOf("dataset", at)) }, at.name)))] : [];
  const failure = full.latestRun?.facets?.errorMessage?.message, sql = full.facets?.sql?.query;
  return [
    full.parentJobName && make("p", { className: "soft" }, `part of ${full.parentJobName}`),
    failure && make("pre", {}, failure), make("h2", {}, "Last runs"), make("table", {}, make("tbody", {}, ...runs)),
    ...ends("Reads", full.inputs), ...ends("Writes", full.outputs), sql && make("h2", {}, "Statement"), sql && make("pre", {}, sql)].filter(Boolean);
}

// One column: the ways back to the stores, listed under it, and the tables on them lit in the graph.
async function trace(full, field, button, cell) {
  const isOpen = button.getAttribute("aria-expanded") === "true";
  document.querySelectorAll(".column").forEach((other) => other.setAttribute("aria-expanded", "false"));
  document.querySelectorAll(".ways").forEach((list) => list.remove());
  light(null);
  if (isOpen) return;
  button.setAttribute("aria-expanded", "true");
  const list = make("ol", { className: "ways" });
  cell.append(list);
  try {
    const { ways } = await ask(`/api/relay/ways?namespace=${encodeURIComponent(full.namespace)}&dataset=${encodeURIComponent(full.name)}&field=${encodeURIComponent(field)}`);
    const seen = new Set();
    for (const way of ways) for (const step of way.slice(1)) {
      const text = `${step.dataset}.${step.field}`;
      if (!seen.has(text)) list.append(make("li", { className: step === way.at(-1) ? "end" : "", title: step.namespace }, `← ${text}`));
      seen.add(text);
    }
    light(new Set(ways.flat().map((step) => `dataset:${step.namespace}:${step.dataset}`)));
  } catch (error) { list.append(make("li", {}, error.message)); }
}

function light(ids) {
  const near = ids && new Set([...drawn.nodes.values()].filter((node) => node.type === "JOB" &&
    node.inEdges.some((e) => ids.has(e.origin)) && node.outEdges.some((e) => ids.has(e.destination))).map((node) => node.id));
  const lit = (id) => ids?.has(id) || near?.has(id);
  document.querySelectorAll(".node").forEach((node) => {
    node.classList.toggle("lit", Boolean(lit(node.dataset.id)));
    node.classList.toggle("dim", Boolean(ids) && !lit(node.dataset.id));
  });
  document.querySelectorAll(".edge").forEach((edge) => {
    const both = lit(edge.dataset.origin) && lit(edge.dataset.destination);
    edge.classList.toggle("lit", Boolean(both));
    edge.classList.toggle("dim", Boolean(ids) && !both);
  });
}

async function find() {
  const text = el("query").value.trim();
  el("results").hidden = !text;
  if (!text) return;
  const { results } = await ask(`/api/v1/search?q=${encodeURIComponent(text)}&limit=30`);
  if (text !== el("query").value.trim()) return;
  const items = results.map((found) => make("li", {}, make("button", { type: "button", onclick: () => { el("results").hidden = true; go(found.nodeId); } },
    found.name, make("br"), make("small", {}, `${found.type.toLowerCase()} · ${found.namespace}`))));
  el("results").replaceChildren(...(items.length ? items : [make("li", { className: "soft" }, "nothing is called so")]));
}

async function status() {
  try {
    const state = await ask("/api/relay/state");
    const trouble = state.spool?.trouble || state.marquez?.trouble;
    el("state").className = trouble ? "trouble" : "";
    el("state").textContent = trouble || `${state.events.toLocaleString()} events · ${(state.edges.datasets + state.edges.columns).toLocaleString()} edges`
      + (state.rejected.length ? ` · ${state.rejected.length} set aside` : "") + (state.marquez?.configured ? ` · ${state.forwarding.waiting} to forward` : "");
  } catch (error) { el("state").className = "trouble"; el("state").textContent = error.message; }
}

async function start() {
  const id = decodeURIComponent(location.hash.slice(1));
  if (id) return open(id);
  const { results } = await ask("/api/v1/search?q=mart.&filter=DATASET&sort=UPDATE_AT&limit=30");
  const first = results.find((found) => found.name.startsWith("mart.")) ?? (await ask("/api/v1/search?q=.&filter=DATASET&sort=UPDATE_AT&limit=1")).results[0];
  return first ? go(first.nodeId) : say("No event has come yet. Run a night, then look again.");
}

let timer;
el("query").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, 150); });
el("search").addEventListener("submit", (event) => { event.preventDefault(); el("results").querySelector("button")?.click(); });
document.addEventListener("click", (event) => { if (!el("search").contains(event.target)) el("results").hidden = true; });
el("depth").addEventListener("change", start);
el("fit").addEventListener("click", () => fit());
window.addEventListener("hashchange", start);
window.addEventListener("resize", () => fit(READABLE));
el("graph").addEventListener("wheel", (event) => {
  event.preventDefault();
  const { left, top } = el("graph").getBoundingClientRect(), by = Math.exp(-event.deltaY / 500);
  const [x, y] = [event.clientX - left, event.clientY - top], scale = Math.min(3, Math.max(0.1, view.scale * by));
  Object.assign(view, { x: x - (x - view.x) * (scale / view.scale), y: y - (y - view.y) * (scale / view.scale), scale });
  show();
}, { passive: false });
el("graph").addEventListener("pointerdown", (down) => {
  const from = { ...view };
  const move = (event) => { Object.assign(view, { x: from.x + event.clientX - down.clientX, y: from.y + event.clientY - down.clientY }); el("graph").classList.add("moving"); show(); };
  window.addEventListener("pointermove", move);
  window.addEventListener("pointerup", () => { window.removeEventListener("pointermove", move); el("graph").classList.remove("moving"); }, { once: true });
});
status();
setInterval(status, 5000);
start().catch((error) => say(error.message));
