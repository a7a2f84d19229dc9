// Edits on their way to the disk, and the way itself: what nobody acknowledged is kept and sent again.

/** What this package keeps in the browser begins so. */
export const STORE = "postmortem-nb:";

/** Milliseconds after which a window that says nothing is gone. */
export const ORPHANED = 5000;

/** Milliseconds after which a kernel that does nothing else should have answered. */
export const SILENT = 3000;

/** Read and write this browser's own storage; a browser without it loses only the safety net. */
export const shelf = {
  keys: () => {
    try {
      return Object.keys(localStorage);
    } catch {
      return [];
    }
  },
  get: (key) => {
    try {
      return JSON.parse(localStorage.getItem(key));
    } catch {
      return null;
    }
  },
  set: (key, value) => {
    try {
      if (value === null) localStorage.removeItem(key);
      else localStorage.setItem(key, JSON.stringify(value));
    } catch {
      // private windows and full stores: the edit is still on the page and on its way
    }
  },
};

/** Edits on their way to the disk: sent, kept, acknowledged or refused. */
export class Queue {
  constructor(form) {
    this.form = form;
    this.waiting = new Map();
    this.writers = new Map();
    this.sent = 0;
    this.left = false;
    this.key = `${STORE}${form.state.key}:${form.client}`;
    this.timer = setInterval(() => this.tick(), 500);
  }

  /** Remember what is being typed, before it is sent. */
  draft(field) {
    const held = this.waiting.get(field.key);
    this.left = false;
    this.waiting.set(field.key, { ...this.entry(field), n: held?.n ?? null, at: Date.now(), draft: true });
    clearTimeout(this.storing);
    this.storing = setTimeout(() => this.store(), 250);
  }

  entry(field) {
    const { table, row, slot, group, preset, title } = field.place;
    const label = title ? `${title} › ${field.spec.l}` : field.spec.l;
    const told = { name: field.spec.n, value: field.value(), label, base: field.base };
    return { field, table, row, slot, group, preset: preset?.value, ...told };
  }

  edit(field) {
    const held = this.waiting.get(field.key);
    const entry = this.entry(field);
    const again = held && !held.draft && JSON.stringify(held.value) === JSON.stringify(entry.value);
    if (again && !held.unsaved) return;
    if (!held?.n && !field.dirty()) {
      this.forget(field);
      return;
    }
    const { table, row, slot, group, preset, name, value } = entry;
    const before = row ? null : field.place.before?.();
    this.send(field.key, entry, { t: "set", table, row, slot, group, preset, name, value, before });
  }

  /** Send a change of rows: it is kept like an edit, with the name of the row. */
  act(message, label = message.t, title = "") {
    this.send(`act ${this.sent + 1}`, { ...message, label, title }, message);
  }

  send(key, entry, message) {
    this.sent += 1;
    this.waiting.set(key, { ...entry, message, n: this.sent, at: Date.now() });
    if (entry.field) this.writers.set(this.sent, entry.field);
    this.store();
    this.form.send({ ...message, n: this.sent });
    this.form.report();
  }

  holds(field) {
    return this.waiting.has(field.key);
  }

  forget(field) {
    this.waiting.delete(field.key);
    this.store();
    this.form.report();
  }

  /** Return whose edit message n was, once: somebody may have typed on since, and sent another. */
  writer(n) {
    const field = this.writers.get(n);
    this.writers.delete(n);
    return field;
  }

  /** The kernel answered message n. */
  answered(n, change) {
    for (const [key, entry] of this.waiting) {
      if (entry.n !== n) continue;
      if (change) this.waiting.set(key, { ...entry, ...change, n: null });
      else if (entry.draft) this.waiting.set(key, { ...entry, n: null });
      else this.waiting.delete(key);
      this.store();
      return entry;
    }
    return null;
  }

  drop(entry) {
    for (const [key, held] of this.waiting) if (held.message === entry.message) this.waiting.delete(key);
    this.store();
  }

  /** A virtual row has an id now: what waits for it is stored under that id. */
  bind(slot, id) {
    for (const [key, entry] of [...this.waiting]) {
      if (entry.slot !== slot || entry.row) continue;
      this.waiting.delete(key);
      this.waiting.set(entry.field ? entry.field.key : key, { ...entry, row: id });
    }
    this.store();
  }

  again() {
    for (const [key, entry] of [...this.waiting]) {
      if (!entry.refused && entry.message) this.send(key, { ...entry, unsaved: undefined }, entry.message);
    }
  }

  unsaved() {
    return [...this.waiting.values()].find((entry) => entry.unsaved);
  }

  /** Send once more, under their old numbers, what nobody answered: an edit done is not done twice. */
  repeat() {
    for (const { n, draft, message } of this.waiting.values()) if (n && !draft) this.form.send({ ...message, n });
  }

  /** Return the fields whose edit is nowhere but here. */
  lost() {
    return [...this.waiting.values()].filter((entry) => entry.unsaved || (entry.n && !entry.draft)).map((entry) => entry.field);
  }

  count() {
    const list = [...this.waiting.values()];
    return {
      refused: list.filter((entry) => entry.refused).length,
      unsaved: list.filter((entry) => entry.unsaved).length,
      sent: list.filter((entry) => entry.n && !entry.draft),
    };
  }

  /** Keep what is on its way; a page that goes says so, and the next one may ask for it at once. */
  store() {
    clearTimeout(this.storing);
    const kept = [...this.waiting.values()].map(({ field, message, ...entry }) => entry);
    shelf.set(this.key, kept.length ? { client: this.form.client, seen: this.left ? 0 : Date.now(), edits: kept } : null);
  }

  /** The page goes: nothing that is stored from now on is guarded by it. */
  leave(flush) {
    this.left = true;
    flush();
    this.store();
  }

  tick() {
    if (this.waiting.size && !this.left) this.store();
    this.form.report();
  }

  stop() {
    clearInterval(this.timer);
    this.left = true;
    this.store();
  }
}

let mended = 0;

/**
 * Find another way to a kernel that hears nothing. JupyterLab speaks for widgets over a subshell of
 * the kernel, and keeps to its name when another window restarted that kernel: every message is lost.
 * Switched off and on, it asks for a new one.
 */
export async function mend(kernel) {
  const way = kernel?.commsOverSubshells;
  if (!way || way === "disabled" || Date.now() - mended < 4 * SILENT) return false;
  mended = Date.now();
  for (const next of ["disabled", way]) {
    kernel.commsOverSubshells = next;
    await new Promise((done) => setTimeout(done, 300));
  }
  return true;
}
