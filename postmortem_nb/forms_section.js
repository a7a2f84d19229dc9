// The form of one section of the postmortem, drawn from a description of its blanks.
//
// Edits leave as small messages and count as saved when the kernel says that they are on disk.
// Until then they are kept in this browser, and are offered again when the form is back.

import { Evidence } from "./forms_evidence.js";
import { Field, block, fold, fresh, keep, make } from "./forms_inputs.js";
import { Kept } from "./forms_kept.js";
import { Queue, SILENT, STORE, mend, shelf } from "./forms_queue.js";
import { Group } from "./forms_rows.js";

const ZONE = `${STORE}zone`;
const WAITING = 800;
const AWAY = 30000;

const clock = () => new Date().toLocaleTimeString([], { hour12: false });
const edits = (count) => `${count} ${count === 1 ? "edit" : "edits"}`;

/** The whole form of one section. */
export class Form {
  /** `at` is the section's place in the widget; `told` hears how much of it is filled. */
  constructor({ model, at, told }) {
    this.model = model;
    this.at = at;
    this.told = told;
    const { id, sections } = model.get("state");
    this.state = { id, ...sections[at] };
    this.client = Math.random().toString(36).slice(2, 10);
    this.lists = new Map();
    this.facts = new Map();
    this.groups = new Map();
    this.measures = new Map();
    this.counters = [];
    this.inputs = new WeakMap();
    this.queue = new Queue(this);
    this.root = this.draw();
    this.show(this.state.values);
    this.drawn = true;
    this.count();
    this.listen();
  }

  // -- drawing ---------------------------------------------------------------------------------

  draw() {
    this.progress = make("span", { class: "pm-progress" });
    this.bar = make("span", { class: "pm-bar-done" });
    this.needed = make("span", { class: "pm-needed" });
    this.status = make("span", { class: "pm-status", role: "status" });
    this.retry = make("button", { type: "button", class: "pm-undo", text: "Try again", hidden: true, on: { click: () => this.again() } });
    this.offer = make("div", { class: "pm-offer", role: "alert", hidden: true });
    this.kept = new Kept(this);
    const bar = make("span", { class: "pm-bar", "aria-hidden": "true" }, this.bar);
    const head = make("div", { class: "pm-head" }, bar, this.progress, this.needed, this.zone(), this.status, this.retry);
    const root = make("div", { class: "pm-form", role: "form", "aria-label": this.state.title }, head, this.zoneless, this.offer, this.kept.element);
    if (this.state.values.answers) root.append((this.evidence = new Evidence(this)).element);
    root.append(...this.parts(this.state.parts));
    return root;
  }

  parts(parts) {
    return parts.map((part) => {
      if (part.t === "part") return this.part(part);
      if (part.t === "fields") return this.fields(part);
      if (part.t === "rows") return this.group(part);
      return make("p", { class: "pm-words", text: part.text });
    });
  }

  part(part) {
    const count = make("span", { class: "pm-count" });
    const name = make("span", { class: "pm-part-name", text: part.title });
    const before = this.everything();
    const { element } = fold({}, [name, count], ...this.parts(part.parts));
    const inside = this.everything().filter((thing) => !before.includes(thing));
    this.counters.push({ count, inside });
    return element;
  }

  everything() {
    return [...this.facts.values(), ...this.groups.values()];
  }

  fields(part) {
    const rows = part.fields.map((spec) => {
      if (spec.d) return this.derived(spec);
      const place = { table: "incident", row: "incident", slot: null, group: null };
      const field = new Field(spec, place, this);
      this.facts.set(spec.n, field);
      return field;
    });
    if (!part.caption) return block(rows);
    const caption = make("div", { class: "pm-caption", id: fresh(), text: part.caption });
    return make("div", { role: "group", "aria-labelledby": caption.id }, caption, block(rows));
  }

  /** A fact that is computed: its value and definition are read, never typed. */
  derived(spec) {
    const label = make("span", { class: "pm-label", id: fresh(), text: spec.l });
    const value = make("output", { class: "pm-derived", "aria-labelledby": label.id });
    const help = make("div", { class: "pm-help" });
    this.measures.set(spec.n, { value, help });
    return { element: make("div", { class: "pm-field" }, label, make("div", { class: "pm-value" }, value, help)) };
  }

  group(spec) {
    const group = new Group(spec, this);
    this.groups.set(spec.g, group);
    return group.element;
  }

  /** Return the id of a list of completions, made when a field first asks for it. */
  list(name) {
    if (!name) return undefined;
    if (!this.lists.has(name)) this.lists.set(name, make("datalist", { id: fresh() }));
    return this.lists.get(name).id;
  }

  zone() {
    if (!this.state.timed) return null;
    const zones = make("datalist", { id: fresh() });
    const input = make("input", { type: "text", id: fresh(), list: zones.id, class: "pm-zone", autocomplete: "off", spellcheck: "false" });
    input.addEventListener("focus", () => {
      if (zones.children.length) return;
      const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
      const all = Intl.supportedValuesOf ? Intl.supportedValuesOf("timeZone") : [];
      zones.append(...[...new Set(["UTC", here, ...all])].map((value) => make("option", { value })));
    });
    input.addEventListener("change", () => this.send({ t: "zone", zone: input.value.trim() || "UTC" }));
    this.zoned = input;
    this.zoneless = make("div", { class: "pm-error pm-zone-error", id: fresh(), role: "alert", hidden: true });
    return make("span", { class: "pm-zone-box" }, make("label", { for: input.id, text: "Times typed in" }), input, zones);
  }

  // -- showing what the dataset holds ------------------------------------------------------------

  show(values) {
    for (const [name, cell] of Object.entries(values.facts || {})) this.facts.get(name)?.show(cell, { fresh: !this.drawn });
    for (const [at, rows] of Object.entries(values.groups || {})) this.groups.get(Number(at))?.show(rows);
    for (const [name, names] of Object.entries(values.lists || {})) {
      this.list(name);
      const list = this.lists.get(name);
      list.replaceChildren(...names.map((value) => make("option", { value })));
      if (!list.isConnected) this.root.append(list);
    }
    for (const [name, measure] of Object.entries(values.measures || {})) this.measure(name, measure);
    if (values.findings) this.advise(values.findings);
    this.offers(values);
    if ("needed" in values) this.needed.textContent = values.needed;
    if ("zone" in values && this.zoned) this.zoned.value = values.zone;
    this.count();
  }

  offers(values) {
    const told = ["steps", "answers", "held", "zone"].filter((name) => name in values);
    for (const name of told) this.state.values[name] = values[name];
    if (this.evidence && told.length) this.evidence.show(this.state.values);
  }

  measure(name, { value, text, help }) {
    const held = this.measures.get(name);
    if (!held) {
      this.facts.get(name)?.suggest(value, text, help);
      return;
    }
    held.value.textContent = value;
    held.help.textContent = help;
  }

  advise(findings) {
    const place = ([table, row, name]) => {
      if (table === "incident") return this.facts.get(name);
      for (const group of this.groups.values()) {
        if (group.spec.table !== table) continue;
        const found = group.rows.find((each) => each.id === row);
        if (found) return found.fields.find((field) => field.spec.n === name) || found.fields[0];
      }
      return null;
    };
    const told = new Map();
    for (const finding of findings) {
      const field = place(finding.at);
      if (field && !told.has(field)) told.set(field, finding);
    }
    for (const field of this.all()) {
      const finding = told.get(field);
      field.advise(finding?.severity || "", finding?.message || "");
    }
  }

  all(things = this.everything()) {
    return things.flatMap((thing) => (thing instanceof Group ? thing.rows.flatMap((row) => row.fields) : [thing]));
  }

  count() {
    if (!this.drawn) return;
    // what the template itself wrote into a row (a role, a priority) is nobody's answer
    const asked = (fields) => fields.filter((field) => field.spec.n !== field.place.preset?.name);
    const tally = (fields) => [asked(fields).filter((field) => field.filled()).length, asked(fields).length];
    const [done, total] = tally(this.all());
    this.told?.(done, total);
    this.progress.textContent = total ? `${done} of ${total} filled` : "Nothing to fill in";
    this.bar.parentElement.hidden = !total;
    this.bar.style.width = total ? `${Math.round((100 * done) / total)}%` : "0";
    for (const { count, inside } of this.counters) {
      const [some, all] = tally(this.all(inside));
      count.textContent = all ? `${some} of ${all}` : "";
    }
  }

  // -- speaking with the kernel --------------------------------------------------------------------

  listen() {
    for (const event of ["input", "change", "focusout", "keydown"]) {
      this.root.addEventListener(event, (heard) => this.inputs.get(heard.target)?.hear(heard));
    }
    keep(this.root, () => this.flush());
    this.heard = (message) => this.hear(message);
    this.model.on("msg:custom", this.heard);
    this.leave = () => {
      if (document.visibilityState === "hidden") {
        this.flush();
        this.away = Date.now();
      } else if (Date.now() - this.away > AWAY) this.send({ t: "hello" });
    };
    this.left = () => this.queue.leave(() => this.flush());
    document.addEventListener("visibilitychange", this.leave);
    window.addEventListener("pagehide", this.left);
    const zone = shelf.get(ZONE) || "UTC";
    if (this.state.timed && zone !== this.state.values.zone) {
      // JupyterLab needs a moment to find a way beside the running cell; said before, it would wait
      this.greeting = setTimeout(() => this.send({ t: "zone", zone }), 200);
    }
    this.find().then(() => this.report());
  }

  /** Try to save again; the button goes, so whoever pressed it goes on where it is about. */
  again() {
    const field = this.queue.unsaved()?.field || this.all()[0];
    this.queue.again();
    field?.control.main.focus();
  }

  flush() {
    for (const field of this.all()) if (field.dirty() || this.queue.holds(field)) field.commit();
  }

  send(message) {
    try {
      this.model.send({ ...message, s: this.at, c: this.client });
    } catch {
      // the way to the kernel is closed: what was typed stays in the queue, and the status says so
    }
  }

  hear(message) {
    if (message.s !== this.at) return;
    if (message.t === "values") this.show(message.values);
    if (message.rows) this.groups.get(message.group)?.show(message.rows);
    if (message.c !== this.client) return;
    if (message.t === "found") this.evidence.hear(message);
    if (message.t === "kept") this.kept.hear(message);
    if (message.t === "ack") this.saved(message);
    else if (message.t === "refused") this.refused(message, { refused: true });
    else if (message.t === "unsaved") this.refused(message, { unsaved: true });
    else if (message.t === "zone") this.rezone(message);
    this.report();
  }

  saved(message) {
    this.last = clock();
    this.root.dataset.answered = message.n;
    if (message.slot) {
      this.groups.get(message.group)?.bind(message.slot, message.row);
      this.queue.bind(message.slot, message.row);
    }
    const entry = this.queue.answered(message.n);
    const writer = this.queue.writer(message.n);
    if (entry?.t === "take") this.evidence.added(entry);
    if (!entry?.field || entry.draft) {
      writer?.settle(message.cell);
      return;
    }
    const mine = JSON.stringify(entry.field.value()) === JSON.stringify(entry.value);
    entry.field.show(message.cell, { mine });
    if (mine) entry.field.refuse("");
    this.count();
  }

  refused(message, kind) {
    const entry = this.queue.answered(message.n, kind);
    this.queue.writer(message.n);
    // what keeps all of them from the disk is said once, on top
    entry?.field?.refuse(kind.refused ? message.message : "");
    if (kind.unsaved) this.trouble = message.message;
    if (entry && !entry.field && kind.refused) {
      // a change of rows that cannot be: say why, and show the rows as they are
      this.queue.drop(entry);
      this.offer.replaceChildren(make("p", { text: message.message }));
      this.offer.hidden = false;
      this.send({ t: "hello" });
    }
  }

  rezone({ zone, message }) {
    this.zoned.setAttribute("aria-invalid", message ? "true" : "false");
    this.zoned.setAttribute("aria-describedby", message ? this.zoneless.id : "");
    this.zoneless.textContent = message ? `Times typed in: ${message}` : "";
    this.zoneless.hidden = !message;
    if (message) return;
    shelf.set(ZONE, zone);
    this.evidence?.rezone();
  }

  /** Find the widget's own model and kernel: they know whether anybody can answer. */
  async find() {
    this.raw = await this.model.widget_manager?.get_model?.(this.state.id).catch(() => null);
  }

  /** Say in one line where the edits are. */
  report() {
    const { refused, unsaved, sent } = this.queue.count();
    const oldest = Math.min(...sent.map((entry) => entry.at));
    const age = sent.length ? Date.now() - oldest : 0;
    const kernel = this.model.widget_manager?.kernel;
    const gone = this.raw?.comm_live === false || ["dead", "restarting", "autorestarting", "terminating"].includes(kernel?.status);
    const silent = age > SILENT && kernel?.status !== "busy";
    const [kind, text] = this.words({ refused, unsaved, sent: sent.length, age, gone, silent });
    this.status.className = `pm-status pm-is-${kind}`;
    if (this.status.textContent !== text) this.status.textContent = text;
    this.retry.hidden = !unsaved;
    // the line that says so may be far above the blanks whose edit is nowhere but here
    const lost = kind === "lost" ? this.queue.lost() : [];
    for (const field of this.all()) field.element.classList.toggle("pm-lost", lost.includes(field));
    if (sent.length && silent && !gone) mend(kernel).then((mended) => mended && this.queue.repeat());
  }

  words({ refused, unsaved, sent, age, gone, silent }) {
    if (unsaved) return ["lost", `NOT SAVED: ${edits(unsaved)}. ${this.trouble || "The disk did not take it."}`];
    if (sent && (gone || silent)) {
      const then = gone ? "Run all cells again, then save it here." : "It is saved as soon as the kernel answers.";
      return ["lost", `NOT SAVED: ${edits(sent)}. The kernel does not answer; what you typed is kept here. ${then}`];
    }
    if (sent && age > WAITING) return ["waiting", `Waiting for the kernel: ${edits(sent)}`];
    if (sent) return ["waiting", "Saving …"];
    if (gone) return ["lost", "No kernel: run all cells again before you type."];
    if (refused) return ["refused", `Not taken: ${refused === 1 ? "1 value" : `${refused} values`}, see below${this.last ? `. Else saved ${this.last}` : ""}`];
    return ["saved", this.last ? `Saved ${this.last}` : "Saved as you type"];
  }

  field({ table, row, name }) {
    return this.all().find((each) => each.place.table === table && each.place.row === row && each.spec.n === name && (row || table === "incident"));
  }

  stop() {
    this.flush();
    this.kept.stop();
    clearTimeout(this.greeting);
    this.model.off("msg:custom", this.heard);
    document.removeEventListener("visibilitychange", this.leave);
    window.removeEventListener("pagehide", this.left);
    this.queue.stop();
  }
}
