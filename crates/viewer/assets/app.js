// The viewer's pages. Whatever a model wrote is set as text, never as HTML.

import { $, ask, button, make, notice, post, reviewer, storage, tell } from "./dom.js";
import * as drafts from "./drafts.js";
import * as place from "./place.js";
import { STATUS, panel } from "./review.js";

const { state } = place;
/** The run that is served; drafts are kept under it. */
let about = { run: "" };
/** Which view is displayed, and of a row its panel and the page of the list that it is on. */
let shown = { view: null };
/** Counts the views that were asked for: what arrives late must not replace a later one. */
let views = 0;
const open = new Set(["status"]);

function show(view, ...parts) {
  // A box or a choice that was used keeps the focus when the list is displayed again.
  const focus = document.activeElement?.dataset?.focus;
  shown = { view };
  $("main").replaceChildren(...parts.filter((p) => p != null));
  if (focus) $("main").querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
}

function links() {
  const path = place.path();
  for (const link of document.querySelectorAll("nav a")) {
    link.setAttribute("href", place.address(link.dataset.path, { page: shown.page ?? state.page }));
    if (link.dataset.path === path) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const count = drafts.all(about.run).length;
  $("drafts").textContent = count ? ` · ${count} ${count === 1 ? "draft" : "drafts"}` : "";
}

/** What the server needs to leave out conversations that were reviewed. */
const unseen = () => (state.unseen ? reviewer() : "");
const here = () => place.address("/", { page: shown.page ?? state.page });
/** Another list. It opens at its top, where `top` says so; one more filter keeps it where it is scrolled to. */
function change(to, { replace = false, top = true } = {}) {
  const next = place.address("/", to);
  if (next === (location.hash || "#/")) return;
  toTop = top;
  place.go(next, { replace });
}
let toTop = false;

// The list ---------------------------------------------------------------------------------------------

async function list(stale) {
  const found = await ask(`/api/search?${place.query({ reviewer: unseen() })}`);
  if (stale()) return;
  const pages = Math.max(1, Math.ceil(found.total / 50));
  // There are fewer than there were: the last page is better than none.
  if (!found.rows.length && state.page > 0) { change({ page: pages - 1 }, { replace: true }); return; }
  const facets = Object.entries(found.facets).map(([name, values]) => {
    const boxes = values.filter(([v]) => v !== "").map(([value, count]) => {
      const key = `${name}:${value}`;
      const box = make("input", { type: "checkbox", checked: state.facets.includes(key), "data-focus": key,
        onchange: (e) => change({ page: 0, facets: e.target.checked ? [...state.facets, key] : state.facets.filter((f) => f !== key) }, { top: false }) });
      return make("label", {}, box, value, make("span", {}, String(count)));
    });
    if (!boxes.length) return null;
    const unfold = open.has(name) || state.facets.some((f) => f.startsWith(`${name}:`));
    return make("details", { open: unfold, ontoggle: (e) => open[e.target.open ? "add" : "delete"](name) }, make("summary", { "data-focus": name }, name), boxes);
  });
  const orders = [["plan", "as planned"], ["random", "at random"], ["trouble", "trouble first"]];
  const order = make("select", { "aria-label": "Order", "data-focus": "order", onchange: (e) => change({ page: 0, order: e.target.value }) },
    orders.map(([value, name]) => make("option", { value, selected: state.order === value }, name)));
  const turnTo = (page) => () => change({ page });
  const bar = make("div", { class: "bar" },
    make("strong", { id: "total" }, `${found.total} conversations`), order,
    state.order === "random" ? button("Shuffle again", () => change({ page: 0, seed: state.seed + 1 }), { "data-focus": "shuffle" }) : null,
    make("label", {}, make("input", { type: "checkbox", checked: state.unseen, "data-focus": "unseen", onchange: (e) => change({ page: 0, unseen: e.target.checked }) }), " not reviewed by me"),
    state.unseen && !reviewer() ? make("span", { class: "bad" }, "Give your name first, at the top.") : null,
    button("Previous", turnTo(state.page - 1), { disabled: state.page === 0, "data-focus": "previous" }),
    make("span", { class: "soft" }, `page ${state.page + 1} of ${pages}`),
    button("Next", turnTo(state.page + 1), { disabled: state.page + 1 >= pages, "data-focus": "next" }));
  const typed = new Set(drafts.all(about.run).map((d) => d.id));
  const from = shown.view === "row" ? shown.id : null;
  const hits = found.rows.map((hit) => make("li", {}, make("a", { href: place.rowAddress(hit.id), dir: "auto", "aria-current": hit.id === from ? "true" : null },
    make("div", { class: "soft" }, hit.id, hit.status === "in dataset" ? null : make("span", { class: "bad" }, ` · ${hit.status}`),
      typed.has(hit.id) ? make("span", { class: "tag draft" }, "draft") : null),
    hit.opening)));
  const { y } = history.state ?? {};
  const stay = shown.view === "list" && !toTop;
  toTop = false;
  show("list", make("div", { class: "list" },
    make("section", { class: "facets", "aria-label": "Filters" }, facets),
    make("section", { "aria-label": "Conversations" }, bar, hits.length ? make("ol", { class: "hits" }, hits) : make("p", {}, "Nothing fits. Take out a word or a filter."))));
  if (y != null) scrollTo(0, y);
  else if (!stay) {
    scrollTo(0, 0);
    $("main").querySelector("ol.hits a[aria-current]")?.scrollIntoView({ block: "center" });
  }
  tell(`${found.total} conversations`);
}

// One conversation -------------------------------------------------------------------------------------

/** Text with its spans marked; spans that overlap are joined. */
function marked(text, spans) {
  const sorted = spans.filter(Boolean).sort((a, b) => a[0] - b[0]);
  const parts = [];
  let at = 0;
  for (const [start, end] of sorted) {
    if (end <= at) continue;
    const from = Math.max(start, at);
    parts.push(text.slice(at, from), make("mark", {}, text.slice(from, end)));
    at = end;
  }
  parts.push(text.slice(at));
  return parts;
}

function turn(message, checks, provenance) {
  const failed = checks.found.concat(checks.asked.filter((v) => !v.strict));
  const verdicts = checks.asked.map((v) => make("span", { class: `tag ${v.strict ? "good" : "bad"}`, title: v.seen || "obeyed" },
    `${v.strict ? "✓" : "✗"} ${v.check}`));
  const found = checks.found.map((v) => make("span", { class: "tag bad" }, `✗ ${v.check}: ${v.detail}`));
  const raw = make("details", { ontoggle: async (e) => {
    const details = e.target;
    if (!details.open || details.querySelector("pre")) return;
    const { raw } = await ask(`/api/raw?id=${encodeURIComponent(provenance.request)}`).catch((e) => ({ raw: `It cannot be read: ${e.message}` }));
    if (!details.querySelector("pre")) details.append(make("pre", { tabindex: "0" }, raw ?? "The run's raw responses are not there."));
  } }, make("summary", { class: "soft" }, `response ${provenance.request.slice(0, 8)}, ${provenance.attempts} ${provenance.attempts === 1 ? "attempt" : "attempts"}${provenance.mended?.length ? `, mended: ${provenance.mended.join(", ")}` : ""}`));
  return make("article", { class: `turn ${message.role}` }, make("h3", {}, message.role === "user" ? "Health worker" : "Assistant"),
    make("p", { class: "said", dir: "auto" }, marked(message.content, failed.map((v) => v.span))), make("div", {}, verdicts, found), raw);
}

function talk(data) {
  if (data.rejected) return make("div", {}, make("p", {}, make("strong", { class: "bad" }, data.row.reason), `: ${data.row.detail}`),
    make("p", { class: "soft" }, `stage: ${data.row.stage}; ${data.row.failed ? "no answer could be had" : "answers came, none was good"}`));
  return make("div", {}, data.row.messages.map((m, i) => turn(m, data.turns[i], data.row.provenance.turns[i])));
}

function facts(pairs) {
  return make("dl", {}, pairs.filter(([, v]) => v != null && v !== "").flatMap(([k, v]) => [make("dt", {}, k), make("dd", {}, String(v))]));
}

/** The patient of a row: the case, the card of rows of earlier versions, or nobody. What was drawn says so. */
function patient({ case: known, card }) {
  const age = (a) => a.months == null ? `${a.years} ${a.years === 1 ? "year" : "years"}` : `${a.years * 12 + a.months} months`;
  const listed = (all) => all.length ? all.join("; ") : null;
  const medicine = (m) => [m.drug, m.dose, m.frequency].filter((part) => part).join(" ");
  if (known) {
    const { patient: p, vitals: v, origins } = known;
    const drawn = (origin) => origin === "drawn" ? " (drawn)" : "";
    const texts = (all) => listed(all.map((t) => t.text + drawn(t.origin)));
    const vital = (name, label, unit) => v[name] == null ? [] : [`${label} ${v[name]} ${unit}${drawn(origins[`vitals.${name}`])}`];
    const pressure = v.systolic == null || v.diastolic == null ? [] : [`blood pressure ${v.systolic}/${v.diastolic} mmHg${drawn(origins["vitals.systolic"])}`];
    return facts([["age", age(p.age)], ["sex", p.sex], ["gender", p.gender], ["pregnant", p.pregnancy_weeks == null ? null : `${p.pregnancy_weeks} weeks`],
      ["complaint", texts(known.complaint)], ["findings", texts(known.findings ?? [])], ["conditions", listed(known.conditions.map((c) => c.name + drawn(c.origin)))],
      ["medicines", listed(known.medicines.map((m) => medicine(m) + drawn(m.origin)))], ["allergies", texts(known.allergies)],
      ["vital signs", listed([...vital("heart_rate", "heart rate", "a minute"), ...vital("respiratory_rate", "respiratory rate", "a minute"), ...pressure,
        ...vital("temperature", "temperature", "°C"), ...vital("saturation", "saturation", "%"), ...vital("weight", "weight", "kg"), ...vital("height", "height", "cm")])],
      ["measurements", listed(known.measurements.map((m) => [m.name === "other" ? "" : m.name.replaceAll("_", " "), m.value, m.unit === "1" ? "" : m.unit].filter((part) => part).join(" ")))],
      ["history", texts(known.history)], ["family", texts(known.family)], ["social", texts(known.social)]]);
  }
  if (!card) return make("p", { class: "soft" }, "The question is not about a single patient.");
  return facts([["age", age(card.patient.age)], ["sex", card.patient.sex], ["presents with", card.presenting], ["conditions", listed(card.conditions)],
    ["medicines", listed(card.medicines.map(medicine))], ["allergies", card.allergies], ["past", listed(card.past)], ["family", card.family], ["social", card.social]]);
}

function background(row) {
  const { card, place: care, situation, subjects, voice } = row.attributes;
  const where = care ?? card?.patient;
  const styles = [...situation.asked_styles.map((s) => `asked: ${s.text}`), ...situation.system_styles.map((s) => `system: ${s.text}`),
    ...situation.user_styles.map((s) => `health worker: ${s.text}`)];
  return [
    make("section", {}, make("h2", {}, "Situation"), facts([["who asks", situation.specialty ? `${situation.profession}, ${situation.specialty}` : situation.profession],
      ["about", subjects.map((s) => s.name).join(" × ")], ["mode", situation.mode], ["turns", situation.turns], ["country", where?.country], ["setting", where?.setting],
      ["voice", voice && [`${voice.register} register`, voice.form, `opens with: ${voice.opening}`, `${voice.length} (${voice.words.join(" to ")} words)`, `questions: ${voice.questions}`, `place: ${voice.place}`].join(", ")]]),
      make("ul", {}, styles.map((s) => make("li", {}, s)))),
    make("section", {}, make("h2", {}, "Patient"), patient(row.attributes)),
    make("section", {}, make("h2", {}, "Provenance"), facts([["model", `${row.provenance.model} (${row.provenance.backend})`], ["seed", row.provenance.seed], ["rehearsal", row.provenance.rehearsal ? "yes: no model wrote this" : "no"]])),
  ];
}

const near = (id) => ask(`/api/neighbors?${place.query({ id, reviewer: unseen() })}`);

async function row(id, stale) {
  const [data, around] = await Promise.all([ask(`/api/row?id=${encodeURIComponent(id)}`), near(id).catch(() => null)]);
  if (stale()) return;
  const variants = make("div", { id: "variant" });
  const beside = async (other) => {
    const variant = await ask(`/api/row?id=${encodeURIComponent(other)}`).catch((e) => notice(e.message));
    if (variant) variants.replaceChildren(make("h2", {}, `Variant ${other}`), talk(variant));
  };
  const toVariants = data.variants.map((t) => button(`show variant ${t}`, () => beside(t), { class: "variant" }));
  const dropped = data.dropped && make("p", { id: "dropped" }, make("strong", { class: "bad" }, `Dropped from the dataset: ${data.dropped.reason}`), ` (${data.dropped.pass}: ${data.dropped.detail})`);
  const review = panel(data, about.run, { reload: route, changed: links, leaving: () => waiting > 0 });
  const page = around?.page ?? 0;
  const at = around && make("span", { class: "soft" }, `${around.position + 1} of ${Math.max(around.total, around.position + 1)}`);
  show("row", make("div", { class: "reading" },
    make("section", { "aria-label": "Conversation" }, make("p", { class: "bar" }, make("a", { href: place.address("/", { page }) }, "← list"),
      button("Previous", () => step(-1), { "data-focus": "back" }), button("Next", () => step(1), { "data-focus": "on" }), at),
      make("h2", { class: "soft" }, data.id), dropped, make("div", { class: "both" }, talk(data), variants), toVariants),
    make("aside", { "aria-label": "About the conversation", tabindex: "0" }, review, data.rejected ? null : background(data.row))));
  Object.assign(shown, { id, page, review });
  scrollTo(0, 0);
  tell(`conversation ${data.id}`);
}

// Each step begins where the one before it led to, however fast the keys are pressed.
let steps = Promise.resolve();
let waiting = 0;
function step(by) {
  waiting += 1;
  steps = steps.then(() => move(by)).catch((e) => notice(e.message)).finally(() => { waiting -= 1; });
}

async function move(by) {
  const id = place.rowId();
  // A review that cannot be saved is not left behind, and one that is being saved counts for what is next.
  if (id == null || (shown.view === "row" && !(await shown.review.settled()))) return;
  const around = await near(id);
  if (place.rowId() !== id) return;
  const to = by > 0 ? around.next : around.previous;
  if (to != null) place.go(place.rowAddress(to));
  else if (by < 0) notice("This is the first conversation of the list.");
  else notice(`This is the last conversation of the list.${unseen() && around.total ? ` ${around.total} before it are not reviewed by you.` : ""}`);
}

// Reviews and run --------------------------------------------------------------------------------------

const kappa = (k) => k == null ? "–" : k.toFixed(2);
const table = (head, rows) => make("div", { class: "wide" }, make("table", {}, make("thead", {}, make("tr", {}, head.map((h) => make("th", { scope: "col" }, h)))),
  make("tbody", {}, rows.map((cells) => make("tr", {}, cells.map((cell) => make("td", {}, cell)))))));
const rowLinks = (ids) => ids.flatMap((id, i) => [i ? ", " : "", make("a", { href: place.rowAddress(id) }, id)]);

/** Which texts the reviews are of, and the one action that confirms those of unknown texts. */
function texts(all) {
  const { current, earlier, unknown, absent } = all.texts;
  const kinds = [["of the current text", current, "count"], [STATUS.earlier, earlier, "do not count unless that text comes back"],
    [STATUS.unknown, unknown, "do not count until confirmed"], ["of rows that are not in the run", absent, "do not count"]];
  const named = (ids, count, what) => count ? make("details", {}, make("summary", {}, `Conversations with reviews ${what}`), make("p", {}, rowLinks(ids), ids.length === 100 ? ", .." : "")) : null;
  const confirm = async (e) => {
    e.target.disabled = true;
    try {
      const { confirmed } = await post("/api/reviews/confirm", { unknown_texts: all.unknown_texts });
      await route();
      notice(`${confirmed} ${confirmed === 1 ? "review" : "reviews"} confirmed.`);
    } catch (e) {
      await route();
      notice(`Not confirmed: ${e.message}`);
    }
  };
  return make("div", {}, table(["reviews", "number", ""], kinds.map(([name, n, what]) => [name, String(n), what])),
    unknown ? make("p", { id: "unknown" }, `An earlier version saved ${unknown} ${unknown === 1 ? "review" : "reviews"} without the text that was read. If the run has not been rebuilt since, they are of the current texts: `,
      button(unknown === 1 ? "Confirm this review" : `Confirm these ${unknown} reviews`, confirm)) : null,
    named(all.earlier_rows, earlier, STATUS.earlier), named(all.unknown_rows, unknown, "of an unknown text"));
}

/** What was typed in this browser and not saved. */
function unsaved() {
  const all = drafts.all();
  if (!all.length) return null;
  const item = ({ run, id, name, draft }) => {
    const line = make("li", {}, run === about.run ? make("a", { href: place.rowAddress(id) }, id) : id, name ? ` by ${name}` : " without a name",
      draft.comment ? `: ${draft.comment} ` : " ", button("Discard", () => { drafts.discard(run, id, name); line.remove(); links(); }));
    return line;
  };
  const [own, others] = [all.filter((d) => d.run === about.run), all.filter((d) => d.run !== about.run)];
  return make("section", { id: "unsaved" }, own.length ? [make("h2", {}, "Drafts in this browser"), make("ul", {}, own.map(item))] : [],
    // A run that was moved is another one to the browser; what was typed can still be read and copied.
    others.length ? make("details", {}, make("summary", {}, "Drafts of other runs"),
      [...new Set(others.map((d) => d.run))].map((run) => [make("h3", {}, run), make("ul", {}, others.filter((d) => d.run === run).map(item))]).flat()) : null);
}

async function agreement(stale) {
  const all = await ask("/api/agreement");
  if (stale()) return;
  const again = shown.view === "agreement";
  const people = Object.entries(all.reviewers).map(([name, n]) => [name, String(n)]);
  const pairs = all.pairs.map(([a, b, n, k]) => [`${a} and ${b}`, String(n), kappa(k)]);
  show("agreement", make("section", {}, make("h2", {}, "Reviews"), texts(all),
    people.length ? table(["reviewer", "conversations"], people) : make("p", {}, "Nobody has reviewed a current text yet."),
    make("h2", {}, "Agreement"), table(["reviewers", "both reviewed", "Cohen's kappa"], pairs),
    make("p", {}, `Fleiss' kappa over ${all.fleiss_rows} conversations: ${kappa(all.fleiss)}`),
    make("p", {}, make("a", { href: "/api/reviews.jsonl", download: "reviews.jsonl" }, "Download all reviews (JSONL)")),
    make("p", { class: "soft" }, `clinstruct export --only accepted keeps the conversations whose current text somebody accepted and nobody rejected: ${all.accepted} now.`)), unsaved());
  if (!again) scrollTo(0, 0);
}

async function run(stale) {
  const [{ run, summary, missed, verdicts, not_measured }, progress] = await Promise.all([ask("/api/summary"), ask("/api/progress")]);
  if (stale()) return;
  const parts = (summary?.parts || []).map((p) => make("tr", {}, make("td", {}, p.stem), make("td", {}, String(p.planned)), make("td", {}, String(p.in_dataset)), make("td", {}, String(Object.values(p.dropped ?? {}).reduce((s, n) => s + n, 0)))));
  const live = progress.journal ? [["jobs", progress.jobs], ["open jobs", progress.open], ["rows received", progress.rows],
    ["tokens", progress.prompt_tokens + progress.completion_tokens], ["spent", `$${(progress.micro_usd / 1e6).toFixed(2)}`],
    ["conversations done", progress.parts.reduce((s, p) => s + p.done, 0)], ["under way", progress.parts.reduce((s, p) => s + p.waiting + p.prompts_waiting, 0)],
    ["rejected", progress.parts.reduce((s, p) => s + p.rejected, 0)]] : [["journal", "none: only the rows can be read"]];
  show("run", make("section", {}, make("h2", {}, "Run"), make("p", {}, run), facts(live),
    make("div", { class: "wide" }, make("table", {}, make("thead", {}, make("tr", {}, ["part", "planned", "in the dataset", "dropped"].map((h) => make("th", { scope: "col" }, h)))), make("tbody", {}, parts))),
    verdicts ? make("p", {}, `Metrics: ${verdicts}`) : null,
    missed.length ? make("ul", {}, missed.map((m) => make("li", { class: "bad" }, m))) : null,
    not_measured.length ? make("p", { class: "soft" }, `Not measured: ${not_measured.join("; ")}`) : null));
  if (progress.open) setTimeout(() => { if (!stale()) run(stale).catch((e) => { if (!stale()) failed(e); }); }, 3000);
}

// Ways and keys ----------------------------------------------------------------------------------------

function failed(e) { show("failed", make("p", { class: "bad", role: "alert" }, `${e.message} `, button("Try again", route))); }

async function summary() {
  about = await ask("/api/summary");
  $("banner").textContent = about.rehearsal ? "A rehearsal: a grammar wrote all text, and no model." : "";
}

async function route() {
  const mine = ++views;
  const stale = () => mine !== views;
  place.read();
  const path = place.path();
  if (path !== "/") typing.stop();
  if (!typing.waits()) $("q").value = state.q;
  try {
    // Another run may be served at this address by now: drafts and the banner are of the run that is.
    await summary();
    if (stale()) return;
    if (place.rowId() != null) await row(place.rowId(), stale);
    else if (path === "/agreement") await agreement(stale);
    else if (path === "/run") await run(stale);
    else await list(stale);
  } catch (e) { if (!stale()) failed(e); }
  if (!stale()) links();
}

function key(e) {
  const field = e.target.closest("input, textarea, select, dialog");
  if (e.isComposing) return;
  if (e.key === "Escape" && !e.target.closest("dialog")) {
    // A search field would be emptied by it.
    if (field) { e.preventDefault(); field.blur(); $("main").focus({ preventScroll: true }); } else if (shown.view === "row") place.go(here());
    return;
  }
  if (field || e.ctrlKey || e.metaKey || e.altKey) return;
  // While another conversation is on its way, a key for the review is for neither.
  const review = waiting === 0 && shown.id === place.rowId() ? shown.review : null;
  const save = (decision) => { if (!e.repeat) shown.review?.save(decision); };
  const keys = { "/": () => $("q").focus(), "?": () => $("help").showModal(), j: () => step(1), k: () => step(-1),
    a: () => save("accept"), r: () => save("reject"), u: () => save("unsure"), c: () => { if (review) $("comment").focus(); },
    t: () => document.querySelector("button.variant")?.click(),
    Enter: () => { if (!e.target.closest("a, button, summary")) document.querySelector("ol.hits a")?.click(); } };
  if (/^[1-9]$/.test(e.key) && review) {
    review.querySelector("details").open = true;
    review.querySelector(`[data-criterion="${e.key}"]`).focus();
    e.preventDefault();
  } else if (Object.hasOwn(keys, e.key)) { if (e.key !== "Enter") e.preventDefault(); keys[e.key](); }
}

/** Searches a moment after the last letter. What is typed in one go is one step of the history. */
const typing = {
  timer: null,
  begun: false,
  waits: () => typing.timer != null,
  stop() { clearTimeout(typing.timer); typing.timer = null; },
  search() {
    typing.stop();
    change({ q: $("q").value, page: 0 }, { replace: typing.begun && place.path() === "/" });
    typing.begun = true;
  },
  later() { typing.stop(); typing.timer = setTimeout(typing.search, 150); },
};

function theme(value) { document.documentElement.dataset.theme = value; storage.set("theme", value); }

$("q").addEventListener("input", typing.later);
$("q").addEventListener("blur", () => { typing.begun = false; });
$("search").addEventListener("submit", (e) => { e.preventDefault(); typing.search(); $("main").focus({ preventScroll: true }); });
$("reviewer").value = storage.get("reviewer") || "";
$("reviewer").addEventListener("input", () => { storage.set("reviewer", reviewer()); shown.review?.paint(); });
$("reviewer").addEventListener("change", () => {
  if ($("notice").textContent.startsWith("Give your name")) notice();
  if (shown.view === "list") route();
});
$("reviewer").addEventListener("keydown", (e) => { if (e.key === "Enter") { e.preventDefault(); $("reviewer").blur(); $("main").focus({ preventScroll: true }); } });
$("theme").addEventListener("click", () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
$("keys").addEventListener("click", () => $("help").showModal());
theme(storage.get("theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
addEventListener("hashchange", () => { notice(); route(); });
addEventListener("keydown", key);
// What happened in other tabs, or to the run, while this one was away.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible") return;
  if (shown.view === "row") shown.review.refresh(); else if (shown.view !== "run") route();
});
addEventListener("focus", () => shown.review?.refresh());
addEventListener("storage", (e) => {
  links();
  if (shown.view !== "row" || !drafts.isOf(e.key, about.run, shown.id)) return;
  // A draft that is gone was saved, or discarded.
  if (e.newValue == null) shown.review.refresh();
  else if (!document.hasFocus() || document.activeElement !== $("comment")) shown.review.paint();
});
route();
