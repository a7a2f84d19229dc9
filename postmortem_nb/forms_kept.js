// Edits of a form that is gone: found in this browser, judged by the kernel, which has the log, and
// offered one by one where they never reached it.

import { make } from "./forms_inputs.js";
import { ORPHANED, STORE, shelf } from "./forms_queue.js";

/** Milliseconds until JupyterLab has found a way beside the running cell, and the zone is told. */
const ASK = 400;
const LONGEST = 160;

const DONE = { move: "a row was moved", remove: "a row was removed", duplicate: "a row was duplicated", restore: "a row was brought back" };

/** Return a moment as it is read beside others: the day only where it is not today. */
function when(at) {
  const moment = new Date(at);
  const day = moment.toDateString() === new Date().toDateString() ? "" : `${moment.toLocaleDateString("sv")} `;
  return day + moment.toLocaleTimeString([], { hour12: false });
}

function words(value) {
  return (Array.isArray(value) ? value.join(", ") : value || "nothing").slice(0, LONGEST);
}

/** What earlier windows of a section kept, and where it is offered. */
export class Kept {
  constructor(form) {
    this.form = form;
    this.element = make("div", { class: "pm-offer pm-kept", role: "alert", hidden: true });
    this.asked = 0;
    this.slots = new Map();
    this.timers = [ASK, ORPHANED + 1000].map((pause) => setTimeout(() => this.look(), pause));
  }

  stop() {
    this.timers.forEach(clearTimeout);
  }

  /** Ask the kernel what became of the edits that no window guards any more. */
  look() {
    const prefix = `${STORE}${this.form.state.key}:`;
    const keys = shelf.keys().filter((key) => key.startsWith(prefix) && key !== this.form.queue.key);
    const left = keys.map((key) => ({ key, ...shelf.get(key) })).filter(({ seen, edits }) => edits && Date.now() - seen > ORPHANED);
    this.found = left.flatMap(({ key, client, edits }) => edits.map((edit) => ({ edit, key, id: edit.n && !edit.draft ? `${client}.${edit.n}` : "" })));
    if (!this.found.length) return;
    this.asked += 1;
    const kept = this.found.map(({ id, edit: { t, table, row, slot, name, value } }) => ({ id, t, table, row, slot, name, value }));
    this.form.send({ t: "kept", q: this.asked, kept });
  }

  /** The kernel says of each: on disk, or what stands there now. */
  hear({ q, kept }) {
    if (q !== this.asked) return;
    const told = this.found.map((each, at) => ({ ...each, ...kept[at] }));
    told.filter(({ done }) => done).forEach((each) => this.forget(each));
    const newest = new Map();
    const open = told.filter(({ done }) => !done).sort((one, other) => (one.edit.at || 0) - (other.edit.at || 0));
    open.forEach((each, at) => newest.set(each.edit.name ? JSON.stringify([each.edit.table, each.row || each.edit.slot, each.edit.name]) : at, each));
    this.more = open.length > newest.size;
    this.offer([...newest.values()]);
  }

  forget({ key, edit }) {
    const { edits = [], ...rest } = shelf.get(key) || {};
    const left = edits.filter((each) => JSON.stringify(each) !== JSON.stringify(edit));
    shelf.set(key, left.length ? { ...rest, edits: left } : null);
  }

  /** Was its blank written since? Then saving it puts something older in the place of the newer. */
  overtaken({ edit, now, since }) {
    if (!edit.name || now === undefined) return false;
    const field = this.form.field(edit);
    return since > edit.at || Boolean(field && JSON.stringify(field.held(now)[0]) !== JSON.stringify(edit.base));
  }

  says(each) {
    const { edit, now, since, gone } = each;
    const what = edit.title ? `${edit.title}: ` : "";
    if (!edit.name) return `${what}${DONE[edit.t] || edit.label}${edit.at ? `, ${when(edit.at)}` : ""}`;
    const typed = `${edit.label}: ${words(edit.value)}${edit.at ? ` (typed ${when(edit.at)})` : ""}`;
    if (gone) return `${typed}. Its row was removed since.`;
    if (!this.overtaken(each)) return typed;
    return `${typed}. What stands there now: ${words(now?.v ?? now)}${since ? `, since ${when(since)}` : ""}`;
  }

  offer(list) {
    this.open = list;
    const fine = list.filter((each) => !this.overtaken(each));
    const all = fine.length === list.length ? "Save them all" : `Save the ${fine.length} that replace nothing newer`;
    this.element.replaceChildren(
      make("p", { text: list.length === 1 ? "1 edit from before was not saved:" : `${list.length} edits from before were not saved:` }),
      make("ul", {}, ...list.map((each) => this.line(each))),
      make("p", {}, fine.length > 1 && this.button(all, fine, (each) => this.save(each)), list.length > 1 && this.button("Discard all", list)),
    );
    this.element.hidden = !list.length;
  }

  line(each) {
    const said = this.says(each);
    const save = this.button("Save", [each], () => this.save(each));
    const discard = this.button("Discard", [each]);
    for (const button of [save, discard]) button.setAttribute("aria-label", `${button.textContent}: ${said}`);
    return make("li", {}, make("bdi", { text: said }), " ", save, discard);
  }

  button(text, list, act = () => true) {
    const answer = () => {
      const at = this.open.indexOf(list[0]);
      const done = list.filter((each) => act(each));
      done.forEach((each) => this.forget(each));
      this.offer(this.open.filter((each) => !done.includes(each)));
      const next = this.element.querySelectorAll("li")[Math.min(at, this.open.length - 1)]?.querySelector("button");
      const field = this.form.field({ ...list[0].edit, row: list[0].row }) || this.form.all()[0];
      (next || field?.control.main)?.focus();
      if (!this.open.length && this.more) this.timers.push(setTimeout(() => this.look(), ASK));
    };
    return make("button", { type: "button", class: "pm-undo", text, on: { click: answer } });
  }

  /** Send an edit as one of this window; returns whether it has a place here. */
  save({ edit, row }) {
    if (!edit.name) {
      const { t, table, group, to, answer, label, title } = edit;
      this.form.queue.act({ t, table, row: edit.row, group, to, answer }, label, title);
      return true;
    }
    const field = this.form.field({ ...edit, row }) || this.blank(edit);
    if (!field) return false;
    field.commit(); // what is being typed there goes first: the history keeps both
    field.control.write(edit.value);
    field.commit();
    return true;
  }

  /** Return the blank of a row that is not there: of one row for all that belongs together. */
  blank({ group: at, slot, row, preset, name }) {
    const group = this.form.groups.get(at);
    if (!group) return null;
    const key = slot || row;
    if (!group.rows.includes(this.slots.get(key))) {
      const spare = group.rows.find((each) => !each.id && !each.busy() && (each.preset ?? null) === (preset ?? null));
      this.slots.set(key, spare || group.add({ preset }));
    }
    return this.slots.get(key).fields.find((each) => each.spec.n === name);
  }
}
