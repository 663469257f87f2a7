const shared = await unpacked(document.getElementById("shared").textContent);
const COLORS = ["#0072b2", "#d55e00", "#009e73", "#aa3377", "#5b5b5b", "#8a6d00", "#2f4b9a", "#7a3b00"];
const DASHES = ["", "7 3", "2 3", "9 3 2 3"];
const tables = [...document.querySelectorAll("table.results")].map(enhance);

// Details, specifications and curves: JSON, compressed by gzip, in base64.
function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

function enhance(table) {
  const what = table.dataset.what;
  const api = new DataTable(table, {
    autoWidth: false,
    order: [],
    pageLength: 25,
    layout: { topStart: "search", topEnd: "pageLength", bottomStart: "info", bottomEnd: "paging" },
    language: {
      search: `Search the ${what}`,
      lengthMenu: "_MENU_ a page",
      info: `_START_ to _END_ of _TOTAL_ ${what}`,
      infoEmpty: `none of the ${what}`,
      infoFiltered: "(of _MAX_ in all)",
      zeroRecords: "Nothing has all of this.",
    },
  });
  // Where a table is wider than the screen it scrolls in its frame, which the keyboard has to reach.
  Object.assign(table.parentElement, { tabIndex: 0, role: "region", ariaLabel: `Table of ${what}` });
  api.table().container().querySelector("nav").ariaLabel = `Pages of the ${what}`;
  const form = document.getElementById(table.dataset.filters);
  const chosen = (row) => [...form.elements].every((list) => !list.value || row.dataset[list.name] === list.value);
  api.search.fixed("filters", (text, data, index) => chosen(api.row(index).node()));
  form.addEventListener("change", () => api.draw());
  table.addEventListener("click", (event) => {
    const button = event.target.closest("button.open");
    if (button) open(api, button);
  });
  return { api, form };
}

function open(api, button, always = false) {
  const row = api.row(button.closest("tr"));
  const shown = always || !row.child.isShown();
  if (shown && !row.child.isShown()) row.child(detail(row.node().id), "opened").show();
  if (!shown) row.child.hide();
  button.setAttribute("aria-expanded", shown);
}

function detail(id) {
  const made = document.createElement("div");
  made.className = "detail";
  made.innerHTML = shared.details[id];
  for (const each of made.querySelectorAll("details.specification")) {
    each.querySelector("pre").textContent = shared.specifications[each.dataset.run];
  }
  made.querySelectorAll("figure.history").forEach(history);
  return made;
}

function visit() {
  const id = decodeURIComponent(location.hash.slice(1));
  document.getElementById(id)?.scrollIntoView(); // the page was longer before the tables had pages
  for (const { api, form } of tables) {
    const row = api.row((index, data, node) => node.id === id);
    if (!row.any()) continue;
    form.reset();
    api.search("").draw();
    const position = api.rows({ order: "applied" }).indexes().indexOf(row.index());
    api.page(Math.floor(position / api.page.len())).draw("page");
    const button = row.node().querySelector("button.open");
    open(api, button, true);
    button.scrollIntoView({ block: "start" });
    button.focus({ preventScroll: true });
  }
}
addEventListener("hashchange", visit);
visit();

function history(figure) {
  const series = JSON.parse(figure.dataset.series);
  const quantities = [...new Set(series.flatMap((each) => Object.keys(shared.curves[each.key])))];
  const list = Object.assign(document.createElement("select"), { ariaLabel: "Quantity of the plot" });
  for (const name of quantities) list.add(new Option(name.replaceAll("_", " "), name));
  const wanted = figure.dataset.quantity;
  list.value = [wanted, "test_error", quantities[0]].find((name) => quantities.includes(name));
  const drawing = document.createElement("div");
  const draw = () => drawing.replaceChildren(...plot(series, list.value));
  list.addEventListener("change", draw);
  draw();
  const caption = document.createElement("figcaption");
  caption.append("History of ", list, " by epoch: mean over the seeds, and their range.");
  figure.append(caption, drawing);
}

function plot(series, quantity) {
  const lines = series
    .map(({ key, label }, index) => ({ label, index, curve: shared.curves[key][quantity] }))
    .filter(({ curve }) => curve);
  const all = lines.flatMap(({ curve }) => [...curve[2], ...curve[3]]).filter(Number.isFinite);
  const last = Math.max(...lines.map(({ curve }) => curve[0].at(-1)));
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const width = Math.min(560, innerWidth - 60);
  const [height, left, bottom, top] = [220, 48, 28, 8];
  const x = (epoch) => left + ((epoch - 1) / Math.max(1, last - 1)) * (width - left - 12);
  const y = (value) => height - bottom - ((value - low) / (high - low || 1)) * (height - bottom - top);
  const path = (epochs, values) => epochs.map((epoch, index) => `${x(epoch).toFixed(1)},${y(values[index]).toFixed(1)}`);
  const svg = node("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${quantity} by epoch` });
  for (const value of ticks(low, high)) {
    svg.append(node("line", { x1: left, x2: width - 12, y1: y(value), y2: y(value), class: "grid" }));
    svg.append(node("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, String(value)));
  }
  for (const epoch of new Set([1, Math.ceil(last / 2), last])) {
    svg.append(node("text", { x: x(epoch), y: height - 8, "text-anchor": "middle" }, String(epoch)));
  }
  for (const { curve: [epochs, mean, least, most], index } of lines) {
    const color = COLORS[index % COLORS.length];
    const range = [...path(epochs, most), ...path(epochs, least).reverse()];
    svg.append(node("polygon", { points: range.join(" "), fill: color, "fill-opacity": 0.12 }));
    const dash = DASHES[index % DASHES.length];
    const stroke = { stroke: color, "stroke-width": 2, "stroke-dasharray": dash, fill: "none" };
    svg.append(node("polyline", { points: path(epochs, mean).join(" "), ...stroke }));
  }
  const key = document.createElement("ul");
  key.className = "key";
  for (const { label, index } of lines) {
    const sample = node("svg", { viewBox: "0 0 28 8", "aria-hidden": "true" });
    const dash = DASHES[index % DASHES.length];
    const color = COLORS[index % COLORS.length];
    sample.append(node("line", { x1: 0, x2: 28, y1: 4, y2: 4, stroke: color, "stroke-width": 2, "stroke-dasharray": dash }));
    const item = document.createElement("li");
    item.append(sample, label);
    key.append(item);
  }
  return [svg, key];
}

function ticks(low, high) {
  const power = 10 ** Math.floor(Math.log10((high - low) / 3 || 1));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => (high - low) / each <= 5) ?? 1;
  const found = [];
  for (let index = Math.ceil(low / step); index * step <= high; index++) found.push(Number((index * step).toPrecision(6)));
  return found;
}

function node(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}
