// The viewer's pages. Whatever a model wrote is set as text, never as HTML.

const CRITERIA = ["medically correct", "safe", "complete", "relevant", "clear", "tone", "instructions followed",
  "health worker rings true", "fits country and setting"];
const $ = (id) => document.getElementById(id);
const state = { q: "", facets: [], order: "plan", seed: 1, page: 0, unseen: false, ids: [], row: null, open: new Set(["status"]) };

/** An element with attributes, handlers and children; strings become text. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((c) => c != null));
  return element;
}

function tell(text) { $("told").textContent = text; }

async function ask(path, options) {
  const response = await fetch(path, options);
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error || `${response.status} ${response.statusText}`);
  return body;
}

function show(...parts) {
  $("main").replaceChildren(...parts);
  for (const link of document.querySelectorAll("nav a")) {
    const here = location.hash.split("?")[0] || "#/";
    if (link.getAttribute("href") === here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

const reviewer = () => $("reviewer").value.trim();

// The list ---------------------------------------------------------------------------------------------

function listHash() {
  const all = new URLSearchParams();
  if (state.q) all.set("q", state.q);
  if (state.facets.length) all.set("facets", state.facets.join("\n"));
  if (state.order !== "plan") all.set("order", state.order);
  if (state.order === "random") all.set("seed", state.seed);
  if (state.page) all.set("page", state.page);
  if (state.unseen) all.set("unseen", "1");
  return `#/${all.size ? `?${all}` : ""}`;
}

function readHash(search) {
  const all = new URLSearchParams(search);
  state.q = all.get("q") || "";
  state.facets = (all.get("facets") || "").split("\n").filter(Boolean);
  state.order = all.get("order") || "plan";
  state.seed = Number(all.get("seed") || 1);
  state.page = Number(all.get("page") || 0);
  state.unseen = all.has("unseen");
  if (document.activeElement !== $("q")) $("q").value = state.q;
}

const go = (change) => { Object.assign(state, change); location.hash = listHash(); };

async function fetchList() {
  const all = new URLSearchParams({ q: state.q, facets: state.facets.join("\n"), order: state.order, seed: state.seed, page: state.page });
  if (state.unseen && reviewer()) all.set("reviewer", reviewer());
  const found = await ask(`/api/search?${all}`);
  state.ids = found.rows.map((r) => r.id);
  return found;
}

async function list() {
  const found = await fetchList();
  const pages = Math.max(1, Math.ceil(found.total / 50));
  const facets = Object.entries(found.facets).map(([name, values]) => {
    const boxes = values.filter(([v]) => v !== "").map(([value, count]) => {
      const key = `${name}:${value}`;
      const box = make("input", { type: "checkbox", checked: state.facets.includes(key),
        onchange: (e) => go({ page: 0, facets: e.target.checked ? [...state.facets, key] : state.facets.filter((f) => f !== key) }) });
      return make("label", {}, box, value, make("span", {}, String(count)));
    });
    if (!boxes.length) return null;
    const open = state.open.has(name) || state.facets.some((f) => f.startsWith(`${name}:`));
    return make("details", { open, ontoggle: (e) => state.open[e.target.open ? "add" : "delete"](name) }, make("summary", {}, name), boxes);
  });
  const orders = [["plan", "as planned"], ["random", "at random"], ["trouble", "trouble first"]];
  const order = make("select", { "aria-label": "Order", onchange: (e) => go({ order: e.target.value, page: 0 }) },
    orders.map(([value, name]) => make("option", { value, selected: state.order === value }, name)));
  const bar = make("div", { class: "bar" },
    make("strong", { id: "total" }, `${found.total} conversations`), order,
    state.order === "random" ? make("button", { type: "button", onclick: () => go({ seed: state.seed + 1, page: 0 }) }, "Shuffle again") : null,
    make("label", {}, make("input", { type: "checkbox", checked: state.unseen, onchange: (e) => go({ unseen: e.target.checked, page: 0 }) }), " not reviewed by me"),
    make("button", { type: "button", disabled: state.page === 0, onclick: () => go({ page: state.page - 1 }) }, "Previous"),
    make("span", { class: "soft" }, `page ${state.page + 1} of ${pages}`),
    make("button", { type: "button", disabled: state.page + 1 >= pages, onclick: () => go({ page: state.page + 1 }) }, "Next"));
  const hits = found.rows.map((hit) => make("li", {}, make("a", { href: `#/row/${encodeURIComponent(hit.id)}`, dir: "auto" },
    make("div", { class: "soft" }, hit.id, hit.status === "in dataset" ? null : make("span", { class: "bad" }, ` · ${hit.status}`)),
    hit.opening)));
  show(make("div", { class: "list" },
    make("section", { class: "facets", "aria-label": "Filters" }, facets),
    make("section", { "aria-label": "Conversations" }, bar, hits.length ? make("ol", { class: "hits" }, hits) : make("p", {}, "Nothing fits. Take out a word or a filter."))));
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
    const { raw } = await ask(`/api/raw?id=${encodeURIComponent(provenance.request)}`);
    details.append(make("pre", { tabindex: "0" }, raw ?? "The run's raw responses are not there."));
  } }, make("summary", { class: "soft" }, `response ${provenance.request.slice(0, 8)}, ${provenance.tries} ${provenance.tries === 1 ? "try" : "tries"}${provenance.mended?.length ? `, mended: ${provenance.mended.join(", ")}` : ""}`));
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

function card(row) {
  const { card, situation, subjects } = row.attributes;
  const p = card.patient;
  const listed = (all) => all.length ? all.join("; ") : "none";
  const styles = [...situation.asked_styles.map((s) => `asked: ${s.text}`), ...situation.system_styles.map((s) => `system: ${s.text}`),
    ...situation.user_styles.map((s) => `health worker: ${s.text}`)];
  return [
    make("section", {}, make("h2", {}, "Situation"), facts([["who asks", situation.specialty ? `${situation.profession}, ${situation.specialty}` : situation.profession],
      ["about", subjects.map((s) => s.name).join(" × ")], ["mode", situation.mode], ["turns", situation.turns]]),
      make("ul", {}, styles.map((s) => make("li", {}, s)))),
    make("section", {}, make("h2", {}, "Patient card"), facts([["age", p.age.months == null ? `${p.age.years} ${p.age.years === 1 ? "year" : "years"}` : `${p.age.years} years, ${p.age.months} months`], ["sex", p.sex], ["country", p.country], ["setting", p.setting],
      ["presents with", card.presenting], ["conditions", listed(card.conditions)], ["medicines", listed(card.medicines.map((m) => `${m.drug} ${m.dose} ${m.frequency}`))],
      ["allergies", card.allergies], ["past", listed(card.past)], ["family", card.family], ["social", card.social]])),
    make("section", {}, make("h2", {}, "Provenance"), facts([["model", `${row.provenance.model} (${row.provenance.backend})`], ["seed", row.provenance.seed], ["rehearsal", row.provenance.rehearsal ? "yes: no model wrote this" : "no"]])),
  ];
}

function panel(data) {
  const mine = [...data.reviews].reverse().find((r) => r.reviewer === reviewer());
  const draft = { decision: mine?.decision, comment: mine?.comment || "", scores: { ...(mine?.scores || {}) } };
  const save = async (decision) => {
    if (!reviewer()) { $("reviewer").focus(); tell("Give your name first."); $("banner").textContent = "Give your name first: it stands at the top."; return; }
    try {
      const saved = await ask("/api/review", { method: "POST", headers: { "content-type": "application/json" },
        body: JSON.stringify({ id: data.id, reviewer: reviewer(), decision, comment: draft.comment, scores: draft.scores }) });
      data.reviews = saved.reviews;
      $("banner").textContent = "";
      tell(`saved: ${decision}`);
      section.replaceWith(panel(data));
    } catch (e) { $("banner").textContent = `Not saved: ${e.message}`; }
  };
  const button = (decision, name) => make("button", { type: "button", class: decision, "aria-pressed": String(draft.decision === decision), onclick: () => save(decision) }, name);
  const marks = CRITERIA.map((name, i) => make("label", {}, `${i + 1} ${name}`,
    make("select", { "data-criterion": i + 1, onchange: (e) => { if (e.target.value) draft.scores[name] = Number(e.target.value); else delete draft.scores[name]; } },
      ["", 1, 2, 3, 4, 5].map((v) => make("option", { value: v, selected: String(draft.scores[name] ?? "") === String(v) }, v === "" ? "–" : String(v))))));
  const comment = make("textarea", { id: "comment", "aria-label": "Comment", placeholder: "Comment", oninput: (e) => { draft.comment = e.target.value; } });
  comment.value = draft.comment;
  const others = data.reviews.map((r) => make("li", {}, make("strong", { class: r.decision === "accept" ? "good" : r.decision === "reject" ? "bad" : "" }, r.decision), ` by ${r.reviewer}`, r.comment ? `: ${r.comment}` : ""));
  const section = make("section", { id: "review" }, make("h2", {}, "Review"),
    make("div", { class: "decide" }, button("accept", "Accept"), button("reject", "Reject"), button("unsure", "Unsure")),
    comment, make("details", { open: Object.keys(draft.scores).length > 0 }, make("summary", {}, "Criteria, 1 to 5"), make("div", { class: "marks" }, marks)),
    others.length ? make("ul", { id: "reviews" }, others) : make("p", { class: "soft" }, "No reviews yet."));
  section.save = save;
  return section;
}

async function row(id) {
  const data = await ask(`/api/row?id=${encodeURIComponent(id)}`);
  state.row = data;
  const twins = make("div", { id: "twin" });
  const beside = async (other) => { twins.replaceChildren(make("h2", {}, `Twin ${other}`), talk(await ask(`/api/row?id=${encodeURIComponent(other)}`))); };
  const links = data.twins.map((t) => make("button", { type: "button", class: "twin", onclick: () => beside(t) }, `show twin ${t}`));
  show(make("div", { class: "reading" },
    make("section", { "aria-label": "Conversation" }, make("p", { class: "bar" }, make("a", { href: listHash() }, "← list"),
      make("button", { type: "button", onclick: () => step(-1) }, "Previous"), make("button", { type: "button", onclick: () => step(1) }, "Next")),
      make("h2", { class: "soft" }, data.id), make("div", { class: "both" }, talk(data), twins), links),
    make("aside", { "aria-label": "About the conversation", tabindex: "0" }, panel(data), data.rejected ? null : card(data.row))));
  tell(`conversation ${data.id}`);
}

async function step(by) {
  if (!state.row) return;
  if (!state.ids.length) await fetchList();
  let at = state.ids.indexOf(state.row.id) + by;
  if (at >= state.ids.length || at < 0) {
    if (at < 0 && state.page === 0) return;
    state.page += by;
    await fetchList();
    at = by > 0 ? 0 : state.ids.length - 1;
  }
  if (state.ids[at]) location.hash = `#/row/${encodeURIComponent(state.ids[at])}`;
}

// Reviews and run --------------------------------------------------------------------------------------

const kappa = (k) => k == null ? "–" : k.toFixed(2);

async function agreement() {
  const all = await ask("/api/agreement");
  const people = Object.entries(all.reviewers).map(([name, n]) => make("tr", {}, make("td", {}, name), make("td", {}, String(n))));
  const pairs = all.pairs.map(([a, b, n, k]) => make("tr", {}, make("td", {}, `${a} and ${b}`), make("td", {}, String(n)), make("td", {}, kappa(k))));
  const table = (head, rows) => make("div", { class: "wide" }, make("table", {}, make("thead", {}, make("tr", {}, head.map((h) => make("th", { scope: "col" }, h)))), make("tbody", {}, rows)));
  show(make("section", {}, make("h2", {}, "Reviews"),
    people.length ? table(["reviewer", "conversations"], people) : make("p", {}, "Nobody has reviewed anything yet."),
    make("h2", {}, "Agreement"), table(["reviewers", "both reviewed", "Cohen's kappa"], pairs),
    make("p", {}, `Fleiss' kappa over ${all.fleiss_rows} conversations: ${kappa(all.fleiss)}`),
    make("p", {}, make("a", { href: "/api/reviews.jsonl", download: "reviews.jsonl" }, "Download all reviews (JSONL)")),
    make("p", { class: "soft" }, "clinstruct export --only accepted keeps the conversations that somebody accepted and nobody rejected.")));
}

async function run() {
  const [{ run, summary }, progress] = await Promise.all([ask("/api/summary"), ask("/api/progress")]);
  const parts = (summary?.parts || []).map((p) => make("tr", {}, make("td", {}, p.stem), make("td", {}, String(p.planned)), make("td", {}, String(p.in_dataset))));
  const live = progress.journal ? [["jobs", progress.jobs], ["open jobs", progress.open], ["rows received", progress.rows],
    ["tokens", progress.prompt_tokens + progress.completion_tokens], ["spent", `$${(progress.micro_usd / 1e6).toFixed(2)}`],
    ["conversations done", progress.parts.reduce((s, p) => s + p.done, 0)], ["under way", progress.parts.reduce((s, p) => s + p.waiting + p.prompts_waiting, 0)],
    ["rejected", progress.parts.reduce((s, p) => s + p.rejected, 0)]] : [["journal", "none: only the rows can be read"]];
  const missed = (summary?.quality?.figures?.metrics || []).filter((m) => !m.met).map((m) => make("li", { class: "bad" }, `${m.name}: ${m.value}`));
  show(make("section", {}, make("h2", {}, "Run"), make("p", {}, run), facts(live),
    make("div", { class: "wide" }, make("table", {}, make("thead", {}, make("tr", {}, ["part", "planned", "in the dataset"].map((h) => make("th", { scope: "col" }, h)))), make("tbody", {}, parts))),
    missed.length ? make("ul", {}, missed) : null));
  if (progress.open) setTimeout(() => { if (location.hash === "#/run") run().catch(failed); }, 3000);
}

// Ways and keys ----------------------------------------------------------------------------------------

function failed(e) { show(make("p", { class: "bad", role: "alert" }, e.message)); }

async function route() {
  const hash = location.hash || "#/";
  const [path, search] = hash.slice(1).split("?");
  try {
    if (path.startsWith("/row/")) await row(decodeURIComponent(path.slice(5)));
    else { state.row = null; if (path === "/agreement") await agreement(); else if (path === "/run") await run(); else { readHash(search); await list(); } }
  } catch (e) { failed(e); }
}

function key(e) {
  const field = e.target.closest("input, textarea, select, dialog");
  if (e.key === "Escape" && !e.target.closest("dialog")) {
    if (field) { field.blur(); $("main").focus(); } else if (state.row) location.hash = listHash();
    return;
  }
  if (field || e.ctrlKey || e.metaKey || e.altKey) return;
  const review = $("review");
  const keys = { "/": () => $("q").focus(), "?": () => $("help").showModal(), j: () => step(1), k: () => step(-1),
    a: () => review?.save("accept"), r: () => review?.save("reject"), u: () => review?.save("unsure"), c: () => $("comment")?.focus(),
    t: () => document.querySelector("button.twin")?.click(),
    Enter: () => { if (!e.target.closest("a, button, summary")) document.querySelector("ol.hits a")?.click(); } };
  if (/^[1-9]$/.test(e.key) && review) {
    review.querySelector("details").open = true;
    review.querySelector(`[data-criterion="${e.key}"]`).focus();
    e.preventDefault();
  } else if (keys[e.key]) { if (e.key !== "Enter") e.preventDefault(); keys[e.key](); }
}

function theme(value) { document.documentElement.dataset.theme = value; localStorage.setItem("theme", value); }

let waiting;
$("q").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => go({ q: $("q").value, page: 0 }), 150); });
$("search").addEventListener("submit", (e) => { e.preventDefault(); clearTimeout(waiting); go({ q: $("q").value, page: 0 }); $("main").focus(); });
$("reviewer").value = localStorage.getItem("reviewer") || "";
$("reviewer").addEventListener("change", () => { localStorage.setItem("reviewer", reviewer()); route(); });
$("theme").addEventListener("click", () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
$("keys").addEventListener("click", () => $("help").showModal());
theme(localStorage.getItem("theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
addEventListener("hashchange", route);
addEventListener("keydown", key);
ask("/api/summary").then(({ summary }) => { if (summary?.rehearsal) $("banner").textContent = "A rehearsal: a grammar wrote all text, and no model."; }).catch(() => {});
route();
