// Repeated rows of a table: drawn as cards or as lines under column heads, added, duplicated,
// moved, removed and brought back. A row that nobody wrote in yet exists on the page only.

import { Field, block, button, cast, fresh, make } from "./forms_inputs.js";

let slots = 0;

/** A row's tools: sign, name, what they do. */
const TOOLS = [
  ["up", "Move up", "move", -1],
  ["down", "Move down", "move", 1],
  ["copy", "Duplicate", "duplicate"],
  ["cross", "Remove", "remove"],
];

/** Return a row without its fields. */
function frameless() {
  const tools = make("span", { class: "pm-tools" }, ...TOOLS.map(([shape, name]) => button(shape, name)));
  const head = make("div", { class: "pm-row-head" }, make("span", { class: "pm-row-name" }), tools);
  return make("div", { class: "pm-row", role: "group" }, head);
}

/** One row: its fields, its name, its tools. `id` is null until the dataset holds it. */
class Row {
  constructor(group, { id = null, slot = null, preset = null, added = false }) {
    this.group = group;
    this.id = id;
    this.added = added;
    this.preset = preset;
    this.place = { table: group.spec.table, row: id, slot, group: group.spec.g };
    this.place.before = () => group.rows.slice(group.rows.indexOf(this)).find((each) => each.id)?.id;
    if (group.spec.preset) this.place.preset = { name: group.spec.preset, value: preset };
    this.fields = group.spec.fields.map((spec) => new Field(spec, this.place, group.form));
    const first = this.fields.find((field) => field.spec.n === group.spec.preset);
    first?.element.classList.add("pm-given");
    if (first && preset) first.show(preset, { mine: true });
    this.element = this.draw();
  }

  draw() {
    const { spec } = this.group;
    const element = cast("row", frameless);
    const head = element.firstChild;
    this.name = head.firstChild;
    this.name.id = fresh();
    element.setAttribute("aria-labelledby", this.name.id);
    this.tools = head.lastChild;
    this.buttons = [...this.tools.childNodes];
    if (spec.single) this.tools.prepend(button("plus", `Add another: ${spec.title}`, () => this.group.add()));
    element.appendChild(block(this.fields, spec.layout));
    return element;
  }

  /** Name the row and its tools, so that "Remove" says what it removes. */
  call(name, place, count) {
    this.element.classList.toggle("pm-virtual", !this.id);
    if (this.called !== name) {
      this.called = name;
      this.place.title = name;
      this.name.textContent = name;
      this.buttons.forEach((tool, at) => tool.setAttribute("aria-label", `${TOOLS[at][1]}: ${name}`));
    }
    const [up, down, copy, cross] = this.buttons;
    const fixed = this.group.spec.sorted || !this.id;
    up.hidden = fixed || count < 2;
    down.hidden = fixed || count < 2;
    // marked, not disabled: whoever has just moved a row to the end by keyboard is still on its tool
    up.setAttribute("aria-disabled", String(place === 0));
    down.setAttribute("aria-disabled", String(place >= count - 1));
    copy.hidden = !this.id;
    cross.hidden = !this.id && !this.added;
  }

  busy() {
    return this.fields.some((field) => field.form.queue.holds(field) || (field.dirty() && field.spec.n !== this.group.spec.preset));
  }

  show(cells, how) {
    for (const field of this.fields) field.show(cells[field.spec.n] ?? null, how);
  }

  /** The dataset holds the row now: its fields belong to that id from here on. */
  become(id) {
    this.id = id;
    this.place.row = id;
  }
}

/** All rows of one group of a table, with the button that adds another. */
export class Group {
  constructor(spec, form) {
    this.spec = spec;
    this.form = form;
    this.rows = [];
    this.list = make("div", { class: `pm-rows pm-${spec.layout}`, on: { click: ({ target }) => this.pressed(target) } });
    this.gone = make("div", { class: "pm-gone", role: "status", hidden: true });
    // a step that usually happens once offers another beside its name, to keep the form dense
    this.more = make(
      "button",
      { type: "button", class: "pm-add pm-sign pm-sign-plus", hidden: spec.single, "aria-label": `Add another: ${spec.title}`, on: { click: () => this.add() } },
      make("span", { text: "Add another" }),
    );
    if (spec.layout === "table") {
      this.list.style.setProperty("--pm-columns", spec.fields.map(width).join(" "));
      const heads = spec.fields.map((field) => make("span", { text: field.l }));
      this.list.append(make("div", { class: "pm-heads", "aria-hidden": "true" }, ...heads));
    }
    const caption = spec.caption && make("div", { class: "pm-caption", text: spec.caption });
    this.element = make("div", { class: "pm-group" }, caption, this.list, this.gone, this.more);
  }

  /** Bring the page to the rows of the dataset, and fill up with rows that are still blank. */
  show(rows) {
    const focused = this.list.getRootNode().activeElement;
    const held = new Map(this.rows.filter((row) => row.id).map((row) => [row.id, row]));
    const real = rows.map(([id, cells]) => {
      const known = held.get(id) || this.taken(id, cells);
      const row = known || new Row(this, { id });
      row.show(cells, { fresh: !known });
      return row;
    });
    this.rows = this.arranged(real, this.blank(rows), rows);
    this.place();
    if (focused && focused.isConnected && this.list.contains(focused)) focused.focus({ preventScroll: true });
    else if (focused && this.list.contains(focused)) focused.focus();
  }

  /** Return the row of this name that stands here, blank, though another window wrote it: there is but one. */
  taken(id, cells) {
    const { preset, presets, layout } = this.spec;
    const mine = (value) => value === cells[preset];
    const once = preset && layout === "table" && presets.filter(mine).length === 1;
    const row = once && this.rows.find((each) => !each.id && !each.added && mine(each.preset));
    if (!row) return null;
    row.become(id);
    this.form.queue.bind(row.place.slot, id);
    return row;
  }

  /** Return the rows nobody wrote yet: kept where somebody is writing, made or dropped otherwise. */
  blank(rows) {
    const { blanks, preset, presets } = this.spec;
    const old = this.rows.filter((row) => !row.id);
    const kept = old.filter((row) => row.added || row.busy());
    const spare = old.filter((row) => !kept.includes(row));
    if (preset) {
      const missing = [...presets];
      const mine = kept.filter((row) => !row.added).map((row) => row.preset);
      const used = [...rows.map(([, cells]) => cells[preset]), ...mine];
      for (const value of used) if (missing.includes(value)) missing.splice(missing.indexOf(value), 1);
      const reuse = (value) => {
        const at = spare.findIndex((row) => row.preset === value);
        return at < 0 ? this.virtual({ preset: value }) : spare.splice(at, 1)[0];
      };
      return [...kept, ...missing.map(reuse)];
    }
    const count = Math.max(0, blanks - rows.length - kept.length);
    return [...kept, ...Array.from({ length: count }, (_, at) => spare[at] || this.virtual({}))];
  }

  /** Return all rows in order: nothing jumps away from whoever writes, presets stand as listed. */
  arranged(real, blank, rows) {
    const order = this.rows.length ? this.rows : this.listed(real, blank, rows);
    const here = new Set(order);
    const known = real.filter((row) => here.has(row));
    const spare = new Set(blank);
    const found = order.map((row) => (spare.delete(row) ? row : real.includes(row) ? known.shift() : null)).filter(Boolean);
    real.forEach((row, at) => {
      if (here.has(row)) return;
      const after = at ? found.indexOf(real[at - 1]) + 1 : Math.max(0, found.findIndex((each) => each.id));
      found.splice(after, 0, row);
    });
    return [...found, ...spare];
  }

  /** Return the rows as the template lists its presets: those that are filled in their places. */
  listed(real, blank, rows) {
    const { preset, presets } = this.spec;
    if (!preset) return [];
    const held = rows.map(([, cells]) => cells[preset]);
    const [left, spare] = [[...real], [...blank]];
    return presets.map((value) => {
      const at = held.indexOf(value);
      if (at >= 0) held.splice(at, 1);
      return (at >= 0 ? left : spare).shift();
    }).filter(Boolean);
  }

  virtual(more) {
    slots += 1;
    return new Row(this, { slot: `${this.form.client}.${slots}`, ...more });
  }

  /** Put the row elements in order; only what stands elsewhere is moved, so focus stays. */
  place() {
    const heads = this.spec.layout === "table" ? 1 : 0;
    const wanted = new Set(this.rows.map((row) => row.element));
    for (const element of [...this.list.childNodes].slice(heads)) if (!wanted.has(element)) element.remove();
    let here = this.list.childNodes[heads] || null;
    for (const { element } of this.rows) {
      if (here === element) here = here.nextSibling;
      else this.list.insertBefore(element, here);
    }
    const real = this.rows.filter((row) => row.id);
    this.rows.forEach((row, at) => row.call(this.called(at), real.indexOf(row), real.length));
    this.form.count();
  }

  called(at) {
    const { title, first, single, preset, layout } = this.spec;
    if (preset && layout === "table") {
      const field = this.rows[at].fields.find((each) => each.spec.n === preset);
      if (field?.base) return field.base;
    }
    return single && this.rows.length === 1 ? title : `${title} ${first + at}`;
  }

  /** A virtual row was written and has an id now. */
  bind(slot, id) {
    const row = this.rows.find((each) => each.place.slot === slot);
    if (!row || row.id === id) return;
    const twin = this.rows.find((each) => each.id === id);
    if (twin) this.rows = this.rows.filter((each) => each !== twin);
    row.become(id);
    this.place();
  }

  add(more = {}) {
    // where the template gives all rows the same (P0 to what is immediate), so do more of them
    const { presets = [] } = this.spec;
    const alike = presets.length > 1 && new Set(presets).size === 1;
    const row = this.virtual({ added: true, preset: alike ? presets[0] : null, ...more });
    this.rows.push(row);
    this.place();
    (row.fields.find((field) => !field.filled()) || row.fields[0])?.control.main.focus();
    return row;
  }

  focus() {
    if (!this.spec.single) this.more.focus();
    else this.rows.at(-1)?.fields[0]?.control.main.focus();
  }

  /** Something in a row was pressed: of interest are its tools. */
  pressed(target) {
    const row = this.rows.find(({ buttons }) => buttons.includes(target));
    if (!row || target.getAttribute("aria-disabled") === "true") return;
    const [, , kind, step] = TOOLS[row.buttons.indexOf(target)];
    this.act(kind, row, step);
  }

  act(kind, row, step) {
    const at = this.rows.indexOf(row);
    if (!row.id) {
      this.rows.splice(at, 1);
      this.place();
      this.focus();
      return;
    }
    const place = { table: this.spec.table, row: row.id, group: this.spec.g };
    if (kind === "move") place.to = this.rows.filter((each) => each.id).indexOf(row) + step;
    this.form.queue.act({ t: kind, ...place }, kind, this.called(at));
    if (kind === "remove") this.forget(row, at);
  }

  /** Take a row off the page at once and offer to bring it back. */
  forget(row, at) {
    const name = this.called(at);
    for (const field of row.fields) this.form.queue.forget(field);
    this.rows.splice(at, 1);
    this.place();
    const undo = make("button", { type: "button", class: "pm-undo", text: "Undo" });
    undo.addEventListener("click", () => {
      this.form.queue.act({ t: "restore", table: this.spec.table, row: row.id, group: this.spec.g });
      this.gone.hidden = true;
      this.focus();
    });
    this.gone.replaceChildren(make("span", { text: `Removed “${name}”. ` }), undo);
    this.gone.hidden = false;
    undo.focus();
  }
}

/** Return the width of a column in a table of short blanks. */
function width(field) {
  const fixed = { time: "18em", date: "9em", yesno: "4.5em", choice: "11em", count: "8em", percent: "8em", money: "8em", minutes: "9em" };
  return fixed[field.k] || "minmax(8em, 1fr)";
}
