// Where one is, all of it in the address: search, filters, order and row survive a reload, and back and forward work.

export const state = { q: "", facets: [], order: "plan", seed: 1, page: 0, unseen: false };

/** The address of a view, with the search that is under way. */
export function address(path = "/", change = {}) {
  const at = { ...state, ...change };
  const all = new URLSearchParams();
  if (at.q) all.set("q", at.q);
  if (at.facets.length) all.set("facets", at.facets.join("\n"));
  if (at.order !== "plan") all.set("order", at.order);
  if (at.order === "random") all.set("seed", at.seed);
  // The page of a row follows from the row.
  if (at.page && !path.startsWith("/row/")) all.set("page", at.page);
  if (at.unseen) all.set("unseen", "1");
  return `#${path}${all.size ? `?${all}` : ""}`;
}

export const rowAddress = (id) => address(`/row/${encodeURIComponent(id)}`);

/** The view that the address names. */
export const path = () => (location.hash.slice(1) || "/").split("?")[0];

/** The row that the address names. */
export function rowId() {
  if (!path().startsWith("/row/")) return null;
  try { return decodeURIComponent(path().slice(5)); } catch { return path().slice(5); }
}

/** Takes the search from the address. */
export function read() {
  const all = new URLSearchParams(location.hash.split("?").slice(1).join("?"));
  const number = (name, otherwise) => { const n = Number.parseInt(all.get(name), 10); return Number.isSafeInteger(n) && n >= 0 ? n : otherwise; };
  Object.assign(state, {
    q: all.get("q") || "", facets: (all.get("facets") || "").split("\n").filter(Boolean),
    order: all.get("order") || "plan", seed: number("seed", 1), page: number("page", 0), unseen: all.has("unseen"),
  });
}

/** Goes to an address; `replace` makes no new entry in the history, as for each letter that is typed. */
export function go(to, { replace = false } = {}) {
  if (replace) location.replace(to); else location.hash = to;
}

/** What the server is asked for a search. */
export function query(change) {
  const all = new URLSearchParams({ q: state.q, facets: state.facets.join("\n"), order: state.order, seed: state.seed, page: state.page });
  for (const [name, value] of Object.entries(change)) if (value) all.set(name, value);
  return all;
}

// How far a list is scrolled is kept in its entry of the history. The browser's own way scrolls before the list is there.
history.scrollRestoration = "manual";
let scrolled;
/** Keeps how far the list is scrolled. */
export function keepScroll() {
  clearTimeout(scrolled);
  if (scrolled != null && path() === "/" && document.querySelector("main .list")) history.replaceState({ y: scrollY }, "");
  scrolled = null;
}
addEventListener("scroll", () => { clearTimeout(scrolled); scrolled = setTimeout(keepScroll, 100); }, { passive: true });
for (const event of ["pointerdown", "keydown", "pagehide"]) addEventListener(event, keepScroll, { capture: true });
