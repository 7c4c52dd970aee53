"use strict";
// Draws what `correlate` answered: given in the page (a report file) or by the host of an MCP App over postMessage.
// Text of the cluster is only ever set as text, bounded, never as markup.

const MOST = { text: 700, name: 260, rows: 60, items: 40 };
const SVG = "http://www.w3.org/2000/svg";
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]+/g;

function words(value, most = MOST.text) {
  if (typeof value !== "string" && typeof value !== "number") return "";
  const text = String(value).slice(0, most + 1).replace(UNPRINTABLE, " ");
  return text.length > most ? text.slice(0, most) + "…" : text;
}

function list(value) {
  return Array.isArray(value) ? value.slice(0, MOST.items).filter((item) => item !== null && item !== undefined) : [];
}

function element(tag, name, ...children) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.append(...children.filter((child) => child !== ""));
  return made;
}

function shape(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function prose(text) {
  const parts = words(text, 4 * MOST.text).split("`");
  return element("p", "", ...parts.map((part, nth) => (nth % 2 ? element("code", "", part) : part)));
}

// ---- the axis of time

const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const STRIDES = [
  ...[1, 5, 15, 30].map((n) => n * SECOND), ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR), ...[1, 2, 7, 14, 30, 90, 365, 3650].map((n) => n * DAY),
];

function clock(time, from, to) {
  return new Date(time).toISOString().slice(from, to);
}

// What lies far before all else would press the rest together: it is drawn at the left edge instead.
function axisOf(moments) {
  const seen = moments.flatMap((moment) => [moment.from, moment.to]).filter(Number.isFinite);
  const times = [...new Set(seen)].sort((a, b) => a - b);
  if (!times.length) return null;
  const last = times.at(-1);
  while (times.length > 2 && times[1] - times[0] > 0.6 * (last - times[0])) times.shift();
  const span = Math.max(last - times[0], MINUTE);
  const begin = times[0] - 0.04 * span, end = last + 0.04 * span;
  const stride = STRIDES.find((step) => span / step <= 6) ?? span / 5;
  const ticks = [];
  for (let time = Math.ceil(begin / stride) * stride; time < end; time += stride) ticks.push(time);
  const days = new Set([times[0], last].map((time) => clock(time, 0, 10)));
  const form = stride >= DAY ? [0, 10] : days.size > 1 ? [5, 16] : stride < MINUTE ? [11, 19] : [11, 16];
  const place = (time) => `${(Math.min(Math.max((time - begin) / (end - begin), 0), 1) * 100).toFixed(2)}%`;
  const label = (time) => clock(time, ...form).replace("T", " ");
  return { begin, ticks, place, label, day: [...days].join(" to ") };
}

function plot(axis, ...marks) {
  const grid = axis.ticks.map((time) => shape("line", { class: "tick", x1: axis.place(time), x2: axis.place(time), y1: 0, y2: "100%" }));
  const drawn = shape("svg", { class: "plot", "aria-hidden": "true", focusable: "false" }, ...grid, ...marks);
  return element("span", "clip", drawn);
}

const MARKS = { dot: "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0", log: "M0-6L6 0L0 6L-6 0Z", status: "M-2-7h4v14h-4Z", before: "M5-5L-1 0L5 5Z" };

function mark(kind, x) {
  return shape("svg", { x, y: "50%", overflow: "visible", width: 1, height: 1 }, shape("path", { class: "mark", d: MARKS[kind] }));
}

function marksOf(moment, axis) {
  if (!Number.isFinite(moment.to)) return [shape("line", { class: "untimed", x1: "1%", x2: "99%", y1: "50%", y2: "50%" })];
  const from = axis.place(moment.from), to = axis.place(moment.to);
  if (moment.kind === "status") {
    const width = `${100 - parseFloat(to)}%`;
    const early = moment.to < axis.begin;
    return [shape("rect", { class: "holds", x: to, y: "50%", width, height: 8, transform: "translate(0 -4)" }), mark(early ? "before" : "status", to)];
  }
  const kind = moment.kind === "log" ? "log" : "dot";
  const span = from === to ? [] : [shape("line", { class: "span", x1: from, x2: to, y1: "50%", y2: "50%" }), mark(moment.from < axis.begin ? "before" : kind, from)];
  return [...span, mark(moment.to < axis.begin ? "before" : kind, to)];
}

// ---- lanes: one for each object, those of the causal chain first and in its order

// A time that no cluster can have seen is as good as none.
function timeOf(value) {
  const time = Date.parse(words(value, 40));
  return time > 0 && time < Date.UTC(2200, 0) ? time : NaN;
}

function read(moment) {
  const to = timeOf(moment.time), since = timeOf(moment.since);
  const kind = ["log", "status", "config"].includes(moment.kind) ? moment.kind : "event";
  return {
    object: words(moment.object, MOST.name), text: words(moment.text), evidence: words(moment.evidence, 12), kind,
    from: Number.isFinite(since) ? since : to, to, step: Number.isInteger(moment.step) ? Math.max(moment.step, 0) : 0,
  };
}

function lanesOf(moments, roots) {
  const lanes = new Map();
  for (const moment of moments) {
    const lane = lanes.get(moment.object) ?? { object: moment.object, step: 0, moments: [] };
    lanes.set(moment.object, lane);
    lane.step = lane.step && moment.step ? Math.min(lane.step, moment.step) : lane.step || moment.step;
    lane.moments.push(Object.assign(moment, { root: moment.step > 0 && roots.includes(moment.evidence) }));
  }
  const order = (lane) => lane.step || Infinity;
  for (const lane of lanes.values()) {
    lane.moments.sort((a, b) => (a.step ? 0 : 1) - (b.step ? 0 : 1) || (a.from || 0) - (b.from || 0));
  }
  const sorted = [...lanes.values()].sort((a, b) => (order(a) === order(b) ? 0 : order(a) - order(b)));
  const linked = sorted.filter((lane) => lane.step);
  linked.forEach((lane, nth) => Object.assign(lane, { step: nth + 1, last: nth === linked.length - 1, of: linked.length }));
  return sorted;
}

function partOf(lane) {
  if (!lane.step) return "";
  const linked = lane.moments.filter((moment) => moment.step), isRoot = (moment) => moment.root;
  if (lane.step === 1 || (lane.last ? linked.every(isRoot) : linked.some(isRoot))) return "cause";
  return lane.last ? "symptom" : "effect";
}

function span(moment) {
  if (!Number.isFinite(moment.to)) return "no time";
  const last = clock(moment.to, 0, 19).replace("T", " ");
  if (moment.kind === "status") return `as of ${last} UTC`;
  return moment.from === moment.to ? `${last} UTC` : `${clock(moment.from, 0, 19).replace("T", " ")} to ${clock(moment.to, 11, 19)} UTC`;
}

function rowOf(moment, lane, axis, show) {
  const linked = moment.step > 0;
  const [, head, rest] = moment.text.match(/^(.{1,70}?)(: .*)?$/s) ?? [null, moment.text, ""];
  const part = linked ? `${partOf(lane)}, step ${lane.step} of ${lane.of}; ` : "";
  const text = element("span", "text", element("b", "", head), (rest ?? "").replace(/^: /, "  "));
  const says = element("span", "says", text, element("span", "id", moment.evidence), element("span", "spoken", ` ${part}${moment.kind}, ${span(moment)}`));
  const row = element("button", `row cells${linked ? "" : " other"}${moment.root ? " root" : ""}`, says, plot(axis, ...marksOf(moment, axis)));
  row.type = "button";
  for (const event of ["focus", "mouseenter", "click"]) row.addEventListener(event, () => show(row, moment));
  return row;
}

function laneOf(lane, axis, show) {
  const part = partOf(lane);
  const [kind, ...name] = lane.object.split(" ");
  const title = element("span", "name", element("i", "", `${kind} `), name.join(" "));
  title.title = lane.object;
  const badge = element("span", "badge", lane.step ? String(lane.step) : "");
  badge.setAttribute("aria-hidden", "true");
  const head = element("div", "cells", element("div", "head", badge, title, part ? element("span", "part", part) : ""), plot(axis));
  const rows = element("ul", "", ...lane.moments.map((moment) => element("li", "", rowOf(moment, lane, axis, show))));
  const tone = part === "cause" ? "cause" : part ? "effect" : "other";
  return element("li", `lane ${tone}${lane.step && !lane.last ? " leads" : ""}`, head, rows);
}

function legend(moments) {
  const used = new Set(moments.map((moment) => (Number.isFinite(moment.to) ? moment.kind : "untimed")));
  const axis = { begin: 0, place: (time) => `${time}%` };
  const samples = [
    ["event", "events, first to last", { kind: "event", from: 25, to: 75 }], ["log", "log lines", { kind: "log", from: 25, to: 75 }],
    ["status", "a status, as of then", { kind: "status", from: 20, to: 20 }], ["untimed", "found, no time known", { kind: "config", to: NaN }],
  ];
  const shown = samples.filter(([kind]) => used.has(kind)).map(([, text, sample]) =>
    element("span", "other", shape("svg", { "aria-hidden": "true" }, ...marksOf(sample, axis)), text));
  return element("span", "legend", ...shown);
}

function picture(data) {
  const all = Array.isArray(data.timeline) ? data.timeline.filter((moment) => moment && typeof moment === "object") : [];
  const moments = all.slice(0, MOST.rows).map(read);
  if (!moments.length) return "";
  const axis = axisOf(moments) ?? { begin: 0, ticks: [], place: () => "0%", label: () => "", day: "" };
  const cited = data.cited && typeof data.cited === "object" ? data.cited : {};
  const panel = element("div", "panel");
  panel.setAttribute("aria-live", "polite");
  panel.setAttribute("aria-label", "Evidence");
  panel.setAttribute("role", "region");
  let current = null;
  const show = (row, moment) => {
    current?.removeAttribute("aria-current");
    current = row;
    row.setAttribute("aria-current", "true");
    const where = element("p", "where", element("b", "", moment.evidence), ` · ${moment.kind} · ${moment.object} · ${span(moment)}`);
    panel.replaceChildren(where, element("p", "", words(cited[moment.evidence]) || moment.text));
  };
  const roots = list(data.verdict.evidence);
  const lanes = lanesOf(moments, roots);
  const drawnLanes = element("ol", "", ...lanes.map((lane) => laneOf(lane, axis, show)));
  const labels = axis.ticks.map((time) => shape("text", { x: axis.place(time), y: 17, "text-anchor": "middle" }, axis.label(time)));
  const ruler = element("div", "axis cells", element("span", "day", axis.day && `${axis.day}, UTC`), plot(axis));
  ruler.querySelector("svg").append(...labels);
  const chain = moments.some((moment) => moment.step) ? "What happened, and what led to what" : "What happened";
  const more = all.length > moments.length ? `, the first ${moments.length} of ${all.length}` : "";
  const caption = element("figcaption", "", element("b", "", chain + more), legend(moments));
  const drawn = element("figure", "", caption, ruler, drawnLanes, panel);
  const shown = lanes.flatMap((lane) => lane.moments);
  const nth = Math.max(shown.findIndex((moment) => moment.evidence === roots[0]), 0);
  show(drawn.querySelectorAll(".row")[nth], shown[nth]);
  return drawn;
}

// ---- the page around it

function section(title, items, open) {
  if (!items.length) return "";
  const made = element("details", "", element("summary", "", title), element("ul", "", ...items.map((item) => element("li", "", ...[item].flat()))));
  made.open = open;
  return made;
}

function callsOf(calls, open) {
  if (!calls.length) return "";
  const cells = (tag, ...texts) => element("tr", "", ...texts.map((text, nth) => element(tag, nth > 1 ? "number" : "", text)));
  const count = (value) => (Number.isFinite(value) ? value.toLocaleString("en") : "");
  const rows = calls.map((call) => cells("td", words(call.tool, 60), words(call.status, 40), count(call.bytes), count(call.ms)));
  const made = element("details", "", element("summary", "", "Calls"), element("table", "", cells("th", "tool", "status", "bytes", "ms"), ...rows));
  made.open = open;
  return made;
}

function headOf(told, verdict) {
  const context = words(told.investigation?.context, MOST.name), unsure = ["possible", "insufficient"].includes(verdict.confidence);
  const category = words(verdict.category, 60).replaceAll("_", " ");
  const tone = verdict.category === "healthy" ? " healthy" : unsure ? " unsure" : "";
  const chip = element("span", `chip${tone}`, `${category} · ${words(verdict.confidence, 40)}`);
  const affected = list(verdict.affected).map((name) => words(name, MOST.name)).join(", ");
  document.title = `${words(verdict.title, 120)} - terway-mcp`;
  return [
    element("div", "kicker", chip, context && element("span", "", context), told.symptom ? element("span", "", `reported: ${words(told.symptom, 200)}`) : ""),
    element("h1", "", words(verdict.title)), prose(verdict.root_cause),
    affected ? element("p", "quiet", `${verdict.category === "healthy" ? "Asked about" : "Affected"}: ${affected}`) : "",
  ];
}

function todo(finding) {
  const parts = [["Fix", finding?.fix], ["Verify", finding?.verify]].filter(([, text]) => text);
  return parts.length ? element("div", "todo", ...parts.flatMap(([title, text]) => [element("h2", "", title), prose(text)])) : "";
}

function draw(told, open) {
  const page = document.getElementById("page");
  const data = told?.data;
  if (!data?.verdict) {
    const message = words(told?.message) || "There is no verdict yet.";
    page.replaceChildren(...[element("h1", "", "No verdict"), element("p", "", message), callsOf(list(told?.calls), open)].filter(Boolean));
    return;
  }
  const [finding, ...others] = list(data.findings);
  const ids = (one) => (list(one.evidence).length ? ` (${list(one.evidence).map((id) => words(id, 12)).join(", ")})` : "");
  const parts = [
    ...headOf(told, data.verdict), picture(data), todo(finding),
    section("Also found", others.map((other) => `${words(other.title)} (${words(other.confidence, 40)}): ${words(other.meaning)}${ids(other)}`), open),
    section("Evidence", Object.entries(data.cited ?? {}).slice(0, MOST.items).map(([id, text]) => [element("b", "", words(id, 12)), words(text)]), open),
    section("Ruled out", list(data.ruled_out).map((one) => `${words(one.title)}: ${words(one.why)}${ids(one)}`), open),
    section("Not explained", list(data.unexplained).map((text) => words(text)), open),
    section("Missing evidence", list(data.missing_evidence).map((text) => words(text)), open),
    section("Checked", list(told.checked).map((text) => words(text)), open),
    callsOf(list(told.calls), open),
  ];
  page.replaceChildren(...parts.filter(Boolean));
}

// ---- a guest of an MCP host (MCP Apps, protocol 2026-01-26): JSON-RPC with the window around this one

function post(message) {
  window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
}

function dress(context) {
  const root = document.documentElement;
  if (context?.theme === "light" || context?.theme === "dark") root.style.colorScheme = context.theme;
  for (const [name, value] of Object.entries(context?.styles?.variables ?? {})) {
    if (/^--[a-z0-9-]{1,60}$/.test(name) && typeof value === "string") root.style.setProperty(name, value);
  }
}

function answered(result) {
  if (result?.structuredContent) return result.structuredContent;
  const text = list(result?.content).find((part) => part.type === "text")?.text ?? "";
  try {
    return JSON.parse(text);
  } catch {
    return { message: text };
  }
}

const HEARD = {
  "ui/notifications/tool-result": (params) => draw(answered(params), false),
  "ui/notifications/tool-cancelled": (params) => draw({ message: `The call was cancelled. ${words(params?.reason)}` }, false),
  "ui/notifications/host-context-changed": dress,
};

function attach() {
  document.documentElement.classList.add("app");
  window.addEventListener("message", ({ source, data }) => {
    if (source !== window.parent || data?.jsonrpc !== "2.0") return;
    if (data.id === 1 && !data.method) {
      dress(data.result?.hostContext);
      post({ method: "ui/notifications/initialized", params: {} });
      new ResizeObserver(() => {
        post({ method: "ui/notifications/size-changed", params: { height: Math.ceil(document.body.getBoundingClientRect().height) } });
      }).observe(document.body);
    } else if (data.id === undefined) {
      HEARD[data.method]?.(data.params);
    } else if (data.method === "ping" || data.method === "ui/resource-teardown") {
      post({ id: data.id, result: {} });
    } else if (data.method) {
      post({ id: data.id, error: { code: -32601, message: "Method not found" } });
    }
  });
  const params = { appInfo: { name: "terway-mcp", version: "1" }, appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] }, protocolVersion: "2026-01-26" };
  post({ id: 1, method: "ui/initialize", params });
}

const told = document.getElementById("told").textContent.trim();
if (told) draw(JSON.parse(told), true);
else if (window.parent !== window) attach();
