// What was typed and not saved yet, kept in this browser by run, row and name until it is saved or discarded.

import { storage } from "./dom.js";

const MARK = "clinstruct.draft";
const key = (run, id, name) => JSON.stringify([MARK, run, id, name]);

function parse(text) {
  try { return JSON.parse(text); } catch { return null; }
}

/** The draft under exactly this name; `null` where there is none. */
const exactly = (run, id, name) => parse(storage.get(key(run, id, name)));

/** The draft of a row: one's own, or one that was typed before a name was given. */
export const read = (run, id, name) => exactly(run, id, name) ?? exactly(run, id, "");

/** Keeps a draft: `{ comment, scores, text_hash }`. */
export function write(run, id, name, draft) {
  // One that was typed before a name was given goes on under the name.
  if (name && !exactly(run, id, name)) storage.remove(key(run, id, ""));
  storage.set(key(run, id, name), JSON.stringify(draft));
}

/** Discards what `read` gives. */
export function discard(run, id, name) {
  storage.remove(key(run, id, exactly(run, id, name) ? name : ""));
}

/** All drafts, or those of a run: `[{ run, id, name, draft }]`. */
export function all(run = null) {
  const found = [];
  for (const stored of storage.keys()) {
    const parts = stored.startsWith(`["${MARK}"`) ? parse(stored) : null;
    if (parts?.length !== 4 || (run !== null && parts[1] !== run)) continue;
    const draft = parse(storage.get(stored));
    if (draft) found.push({ run: parts[1], id: parts[2], name: parts[3], draft });
  }
  return found.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

/** Whether a change in another tab, as its `storage` event tells, is to a draft of this row. */
export function isOf(stored, run, id) {
  const parts = stored?.startsWith(`["${MARK}"`) ? parse(stored) : null;
  return parts?.[1] === run && parts[2] === id;
}
