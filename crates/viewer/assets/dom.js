// Elements, requests, messages, and what the browser keeps.

export const $ = (id) => document.getElementById(id);

/** An element with attributes, handlers and children; strings become text. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((c) => c != null));
  return element;
}

export const button = (text, onclick, attributes = {}) => make("button", { type: "button", onclick, ...attributes }, text);

/** For those who hear the page. */
export function tell(text) { $("told").textContent = text; }

/** A message for everybody, wherever the page is scrolled to; it stays until the next one, or until one moves on. */
export function notice(text = "", ...actions) { $("notice").replaceChildren(...(text ? [make("span", {}, text), ...actions] : [])); }

/** Asks the server; an error has its `status`, and its `code` where the server gave one. */
export async function ask(path, options) {
  const response = await fetch(path, options).catch(() => { throw new Error("the viewer does not answer; is clinstruct serve still running?"); });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(body.error || `${response.status} ${response.statusText}`), { status: response.status, code: body.code });
  return body;
}

/** Sends something to be saved, also where the page is closed meanwhile. */
export const post = (path, body) => ask(path, { method: "POST", keepalive: true, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

// Where the browser keeps nothing (a private window, a full disk), this page does until it is closed.
const memory = new Map();
export const storage = {
  get(key) {
    if (memory.has(key)) return memory.get(key);
    try { return localStorage.getItem(key); } catch { return null; }
  },
  set(key, value) {
    try { localStorage.setItem(key, value); memory.delete(key); } catch {
      if (!memory.size) notice("This browser keeps no drafts: what you type is lost when this page is closed.");
      memory.set(key, value);
    }
  },
  remove(key) {
    memory.delete(key);
    try { localStorage.removeItem(key); } catch { /* it keeps nothing */ }
  },
  keys() {
    let kept = [];
    try { kept = Object.keys(localStorage); } catch { /* it keeps nothing */ }
    return [...new Set([...kept, ...memory.keys()])];
  },
};

export const reviewer = () => $("reviewer").value.trim();
