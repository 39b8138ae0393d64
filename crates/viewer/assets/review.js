// The review of one conversation.

import { $, ask, button, make, notice, post, reviewer, tell } from "./dom.js";
import * as drafts from "./drafts.js";
import * as place from "./place.js";

const CRITERIA = ["medically correct", "safe", "complete", "relevant", "clear", "tone", "instructions followed",
  "health worker rings true", "fits country and setting"];
export const STATUS = { earlier: "of an earlier text", unknown: "text unknown", absent: "not in the run" };

const sameScores = (a, b) => Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([k, v]) => b[k] === v);
const same = (a, b) => a.comment === b.comment && sameScores(a.scores, b.scores);

/** The review of the row `data` in the run `run`. `reload` shows the row as it is now, `changed` hears of drafts, `leaving` tells
whether another row is on its way. */
export function panel(data, run, { reload, changed, leaving }) {
  let saving = null;
  const saved = () => {
    const mine = data.reviews.findLast((r) => r.reviewer === reviewer() && r.text_status === "current");
    return { decision: mine?.decision, comment: mine?.comment ?? "", scores: mine?.scores ?? {} };
  };
  const typed = () => drafts.read(run, data.id, reviewer());
  const content = () => typed() ?? saved();

  const keep = (value) => {
    if (same(value, saved())) { if (typed()) drafts.discard(run, data.id, reviewer()); }
    else drafts.write(run, data.id, reviewer(), { ...value, text_hash: data.text_hash });
    paint();
    changed();
  };
  const edit = (change) => { const { comment, scores } = content(); keep({ comment, scores: { ...scores }, ...change }); };
  const score = (name, value) => {
    const scores = { ...content().scores };
    if (value) scores[name] = Number(value); else delete scores[name];
    edit({ scores });
  };

  const save = (decision) => {
    // A button may be pressed twice, and a key while the next conversation, which it is meant for, is not there yet.
    if (saving) return;
    if (leaving() || !here()) { tell("Not saved: the next conversation is not there yet."); return; }
    const name = reviewer();
    if (!name) {
      $("reviewer").focus();
      notice("Give your name first, at the top. What you typed is kept.");
      return;
    }
    saving = send(name, decision).finally(() => { saving = null; paint(); changed(); });
    paint();
  };
  /** Whether it was saved. */
  const send = async (name, decision) => {
    const { comment, scores } = content();
    try {
      const { reviews } = await post("/api/review", { id: data.id, reviewer: name, decision, comment, scores, text_hash: data.text_hash });
      data.reviews = reviews;
      // What was typed while it was being saved stays.
      const draft = drafts.read(run, data.id, name);
      if (draft && same(draft, { comment, scores })) drafts.discard(run, data.id, name);
      if (here()) notice();
      tell(`saved: ${decision}`);
      return true;
    } catch (e) {
      if (comment || Object.keys(scores).length) drafts.write(run, data.id, name, { comment, scores, text_hash: data.text_hash });
      if (e.code === "text_changed") outdated("Not saved: this conversation has another text since the run was rebuilt. What you typed is kept.");
      else if (here()) notice(`Not saved: ${e.message}. What you typed is kept.`);
      if (!here()) notice(`The review of ${data.id} was not saved: ${e.message}. What you typed is kept.`, make("a", { href: place.rowAddress(data.id) }, "Back to it"));
      return false;
    }
  };
  const here = () => place.rowId() === data.id;
  const outdated = (text) => { if (here()) notice(text, button("Show the current text", () => { notice(); reload(); })); };

  const decide = [["accept", "Accept"], ["reject", "Reject"], ["unsure", "Unsure"]]
    .map(([decision, name]) => button(name, () => save(decision), { class: decision, "data-decision": decision }));
  const marks = CRITERIA.map((name, i) => make("select", { "data-criterion": i + 1, onchange: (e) => score(name, e.target.value) },
    ["", 1, 2, 3, 4, 5].map((v) => make("option", { value: v }, v === "" ? "–" : String(v)))));
  const comment = make("textarea", { id: "comment", "aria-label": "Comment", placeholder: "Comment", oninput: (e) => edit({ comment: e.target.value }) });
  const draftNote = make("div", { id: "draft" });
  const list = make("div", {});

  const use = ({ name, draft }) => {
    const mine = typed();
    drafts.discard(run, data.id, name);
    const comment = [mine?.comment, draft.comment].filter(Boolean).join("\n");
    drafts.write(run, data.id, reviewer(), { ...draft, ...mine, comment, scores: { ...draft.scores, ...mine?.scores } });
    paint();
    changed();
  };
  const note = () => {
    const draft = typed();
    const others = drafts.all(run).filter((d) => d.id === data.id && d.name !== reviewer() && !(d.name === "" && draft && same(d.draft, draft)));
    const lines = [];
    if (draft) {
      lines.push(make("p", {}, draft.text_hash === data.text_hash ? "Draft, not saved yet. " : "Draft on an earlier text, not saved yet. ",
        button("Discard", () => { drafts.discard(run, data.id, reviewer()); paint(); changed(); })));
    }
    for (const other of others) {
      lines.push(make("p", {}, `There is a draft ${other.name ? `by ${other.name}` : "without a name"} too. `,
        button("Use it", () => { use(other); })));
    }
    return lines;
  };
  const reviewLine = (r) => make("li", { class: r.text_status === "current" && !r.superseded ? "" : "soft" },
    make("strong", { class: r.text_status !== "current" ? "" : r.decision === "accept" ? "good" : r.decision === "reject" ? "bad" : "" }, r.decision),
    ` by ${r.reviewer}`, STATUS[r.text_status] ? ` (${STATUS[r.text_status]})` : null, r.comment ? `: ${r.comment}` : "");

  /** Shows what is saved and what is typed, in the elements that are there: focus and clicks are not lost. */
  function paint() {
    const { decision } = saved();
    // It was saved after all, when the page was closed before it heard so.
    if (decision && typed() && same(typed(), saved())) drafts.discard(run, data.id, reviewer());
    const value = content();
    for (const one of decide) {
      one.setAttribute("aria-pressed", String(one.dataset.decision === decision));
      one.setAttribute("aria-disabled", String(saving != null));
    }
    if (comment.value !== value.comment) comment.value = value.comment;
    marks.forEach((mark, i) => { mark.value = String(value.scores[CRITERIA[i]] ?? ""); });
    draftNote.replaceChildren(...note());
    list.replaceChildren(data.reviews.length ? make("ul", { id: "reviews" }, data.reviews.map(reviewLine)) : make("p", { class: "soft" }, "No reviews yet."));
  }

  /** Takes over what others saved, or another tab. */
  const refresh = async () => {
    const now = await ask(`/api/row?id=${encodeURIComponent(data.id)}`).catch(() => null);
    if (!now) return;
    if (now.text_hash !== data.text_hash) outdated("This conversation has another text since the run was rebuilt.");
    else { data.reviews = now.reviews; paint(); }
  };

  const section = make("section", { id: "review" }, make("h2", {}, "Review"), make("div", { class: "decide" }, decide), comment, draftNote,
    make("details", { open: Object.keys(content().scores).length > 0 }, make("summary", {}, "Criteria, 1 to 5"),
      make("div", { class: "marks" }, marks.map((mark, i) => make("label", {}, `${i + 1} ${CRITERIA[i]}`, mark)))), list);
  paint();
  /** Whether the last review is saved, once it is known; `true` where none is on its way. */
  const settled = async () => (await saving) ?? true;
  return Object.assign(section, { save, paint, refresh, settled });
}
