// One input for each kind of blank: what it looks like, how it is read, how it is written.
//
// Every text reaches the page by textContent or value, never as HTML; ids are counted here and
// never made from anybody's text.

// several notebooks on one page each bring a copy of this module: their ids must not meet
const COPY = Math.random().toString(36).slice(2, 8);
let counted = 0;

/** Return a new id for an element. */
export function fresh() {
  counted += 1;
  return `pm-${COPY}-${counted}`;
}

/** Return a new element: properties are set as attributes, `text` and `on` apart. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const name in properties) {
    const value = properties[name];
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") element.textContent = value;
    else if (name === "class") element.className = value;
    else if (name === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter(Boolean));
  return element;
}

/** Keep keys from the notebook's shortcuts; only saving the notebook goes through, after `save`. */
export function keep(element, save = () => {}) {
  const heard = (event) => {
    const saves = (event.ctrlKey || event.metaKey) && event.key?.toLowerCase() === "s";
    if (saves) save();
    else event.stopPropagation();
  };
  for (const event of ["keydown", "keypress", "keyup"]) element.addEventListener(event, heard);
}

const MOULDS = new Map();

/** Return a copy of an element that is built once: there are hundreds of each on a page. */
export function cast(name, build) {
  if (!MOULDS.has(name)) MOULDS.set(name, build());
  return MOULDS.get(name).cloneNode(true);
}

/**
 * Return a part that opens and closes under its name, and what opens it. A details element would do
 * it alone, but brings a style sheet of its own: a page of sixty is late by a tenth.
 */
export function fold({ look = "", level }, name, ...inside) {
  const button = make("button", { type: "button", class: "pm-fold", "aria-expanded": "true" }, ...name);
  const head = make("div", level && { role: "heading", "aria-level": level }, button);
  const element = make("div", { class: `pm-part ${look}` }, head, ...inside);
  const open = (wanted) => {
    button.setAttribute("aria-expanded", String(wanted));
    element.classList.toggle("pm-shut", !wanted);
  };
  button.addEventListener("click", () => open(button.getAttribute("aria-expanded") === "false"));
  return { element, button, open };
}

/** Return a small button with a spoken name and a sign, which the style sheet draws: `pm-sign-up`. */
export function button(shape, name, act, more = {}) {
  return make("button", { type: "button", class: `pm-button pm-sign pm-sign-${shape}`, "aria-label": name, title: name, on: act && { click: act }, ...more });
}

const GROWS = typeof CSS !== "undefined" && CSS.supports("field-sizing", "content");

/** Let a text area be as tall as its text where the browser does not do it alone. */
function grow(area) {
  if (GROWS) return;
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight + 2}px`;
}

function area(id, { oneline = false, mono = false }) {
  const look = `pm-area${oneline ? " pm-oneline" : ""}${mono ? " pm-mono" : ""}`;
  const element = cast(look, () => make("textarea", { rows: oneline ? 1 : 2, class: look, spellcheck: mono ? "false" : "true" }));
  element.id = id;
  if (!GROWS) element.addEventListener("input", () => grow(element));
  return {
    element,
    main: element,
    read: () => element.value,
    write: (value) => {
      element.value = value ?? "";
      grow(element);
    },
    begin: (value) => {
      element.defaultValue = value;
      grow(element);
    },
  };
}

function short(id, { list, mode, placeholder, size }) {
  const built = { type: "text", inputmode: mode, class: `pm-short pm-${size}`, autocomplete: "off", spellcheck: "false" };
  const element = cast(built.class, () => make("input", built));
  element.id = id;
  if (list) element.setAttribute("list", list);
  if (placeholder) element.placeholder = placeholder;
  return {
    element,
    main: element,
    read: () => element.value,
    write: (value) => (element.value = value ?? ""),
    begin: (value) => (element.defaultValue = value),
  };
}

/** A sign before a choice's words stands behind them: the keyboard finds a choice by its beginning. */
const SIGNED = /^((?:\p{So}\uFE0F?)+)\s+(.+)$/u;

function select(id, field) {
  const element = make("select", { id, class: "pm-select" }, make("option", { value: "", text: "–" }));
  for (const [value, shown] of field.o || []) element.append(make("option", { value, text: shown.replace(SIGNED, "$2 $1") }));
  return {
    element,
    main: element,
    read: () => element.value,
    write: (value) => {
      const wanted = value ?? "";
      if (![...element.options].some((option) => option.value === wanted)) {
        element.append(make("option", { value: wanted, text: wanted }));
      }
      element.value = wanted;
    },
  };
}

function tick(id) {
  const element = make("input", { id, type: "checkbox", class: "pm-tick" });
  return {
    element,
    main: element,
    read: () => (element.checked ? "Yes" : "No"),
    write: (value) => (element.checked = value === "Yes"),
    empty: "No",
  };
}

/** Return the names in a text with commas or semicolons between; quotes keep one with these whole. */
function apart(text) {
  const found = [...text.matchAll(/\s*"((?:[^"]|"")*)"\s*(?:[,;\n]|$)|[^,;\n]+/g)];
  return found.map(([all, inner]) => (inner === undefined ? all : inner.replaceAll('""', '"')).trim()).filter(Boolean);
}

/** Return whether a name is being typed whose quotes are still open. */
function quoted(text) {
  return text.trimStart().startsWith('"') && text.split('"').length % 2 === 0;
}

function tags(id, { list, changed }) {
  const input = make("input", { id, type: "text", list, class: "pm-tag-input", autocomplete: "off", spellcheck: "false" });
  const shown = make("span", { class: "pm-tag-list" });
  const element = make("div", { class: "pm-tags", on: { mousedown: (event) => event.target === element && setTimeout(() => input.focus()) } }, shown, input);
  let names = [];
  const draw = () => {
    shown.replaceChildren(
      ...names.map((name, place) =>
        make("span", { class: "pm-tag" }, make("bdi", { text: name }), button("cross", `Remove ${name}`, () => drop(place))),
      ),
    );
  };
  const drop = (place) => {
    names = names.filter((_, index) => index !== place);
    draw();
    input.focus();
    changed();
  };
  const take = () => {
    const typed = apart(input.value);
    input.value = "";
    if (!typed.length) return;
    names = [...names, ...typed.filter((name) => !names.includes(name))];
    draw();
    changed();
  };
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" || ([",", ";"].includes(event.key) && !quoted(input.value))) {
      event.preventDefault();
      take();
    } else if (event.key === "Backspace" && !input.value && names.length) drop(names.length - 1);
  });
  input.addEventListener("change", take);
  input.addEventListener("input", (event) => {
    // a name chosen from the list comes as one replacement, not as typing
    if (event.inputType === "insertReplacementText" || !("inputType" in event)) take();
  });
  return {
    element,
    main: input,
    read: () => {
      const rest = apart(input.value);
      return [...names, ...rest.filter((name) => !names.includes(name))];
    },
    write: (value) => {
      names = [...(value || [])];
      input.value = "";
      draw();
    },
  };
}

function link(id) {
  const control = area(id, { oneline: true });
  const out = make("a", { class: "pm-open pm-sign pm-sign-open", target: "_blank", rel: "noopener noreferrer", hidden: true, "aria-label": "Open the link", title: "Open the link" });
  const element = make("div", { class: "pm-link" }, control.element, out);
  const follow = () => {
    const safe = address(control.read());
    out.hidden = !safe;
    if (safe) out.setAttribute("href", safe);
    else out.removeAttribute("href");
  };
  control.main.addEventListener("input", follow);
  const then = (act) => (value) => (act(value), follow());
  return { ...control, element, write: then(control.write), begin: then(control.begin) };
}

/** Return the first absolute http, https or mailto address, parted as the page parts them, or null: nothing else is ever a link. */
function address(text) {
  for (const part of text.split(/\s+|,+(?=\s|https?:|mailto:|$)/)) {
    try {
      const url = new URL(part);
      if (["http:", "https:", "mailto:"].includes(url.protocol)) return url.href;
    } catch {
      // no address; the next part may be one
    }
  }
  return null;
}

const NUMBER = { size: "number", mode: "decimal" };

/** One maker for each kind; the tests hold the keys equal to the package's kinds. */
const CONTROLS = {
  prose: (id) => area(id, {}),
  query: (id) => area(id, { mono: true }),
  line: (id, field, form) =>
    field.c ? short(id, { list: form.list(field.c), size: "word" }) : area(id, { oneline: true }),
  link: (id) => link(id),
  choice: (id, field) => select(id, field),
  yesno: (id, field) => (field.o ? select(id, field) : tick(id)),
  names: (id, field, form, changed) => tags(id, { list: form.list(field.c), changed }),
  count: (id) => short(id, NUMBER),
  percent: (id) => short(id, NUMBER),
  money: (id) => short(id, NUMBER),
  minutes: (id) => short(id, { ...NUMBER, placeholder: "127 or 2h 7m" }),
  date: (id) => short(id, { size: "date", placeholder: "YYYY-MM-DD" }),
  time: (id) => short(id, { size: "time", placeholder: "14:02 or YYYY-MM-DD 14:02" }),
};

/** Kinds that are sent while somebody pauses in typing; the others wait until the field is left. */
const FLOWING = new Set(["prose", "query", "line"]);

/** Put fields into a block of two columns; one without a neighbour has the line to itself. */
export function block(fields, layout) {
  const element = make("div", { class: layout === "table" ? "pm-fields" : "pm-fields pm-pairs" });
  let open = null;
  for (const field of fields) {
    if (open && field.wide) open.className += " pm-wide";
    open = field.wide || open ? null : field.element;
    element.appendChild(field.element);
  }
  if (open) open.className += " pm-wide";
  return element;
}

const same = (one, other) => one === other || (typeof one === "object" && JSON.stringify(one) === JSON.stringify(other));

const WIDE = new Set(["prose", "query"]);

/** Return what holds a blank of a kind: room for its label and for its input. */
function frame(kind) {
  const value = make("div", { class: "pm-value" }, make("div", { class: "pm-control" }));
  const look = `pm-field pm-kind-${kind}${WIDE.has(kind) ? " pm-wide" : ""}`;
  return make("div", { class: look }, make("label", { class: "pm-label" }), value);
}

/** One blank on the page: its label, its input, what it echoes and what is wrong with it. */
export class Field {
  /** `place` says which cell of the dataset this is: {table, row, slot, group}. */
  constructor(spec, place, form) {
    this.spec = spec;
    this.place = place;
    this.form = form;
    this.id = fresh();
    this.base = spec.k === "names" ? [] : "";
    this.control = CONTROLS[spec.k](this.id, spec, form, () => this.commit());
    if (this.control.empty) this.base = this.control.empty;
    this.rest = this.base;
    this.wide = WIDE.has(spec.k);
    this.element = this.draw();
    if (spec.q) {
      this.label.classList.add("pm-needs");
      this.label.title = `${spec.q} needs it`;
      this.control.main.setAttribute("aria-required", "true");
    }
    if (spec.s) this.control.main.setAttribute("placeholder", spec.s);
    form.inputs.set(this.control.main, this);
  }

  draw() {
    const { spec, control } = this;
    const element = cast(`field ${spec.k}`, () => frame(spec.k));
    this.label = element.firstChild;
    this.box = element.lastChild;
    this.label.htmlFor = this.id;
    this.label.textContent = spec.l;
    const line = this.box.firstChild;
    if (spec.p) line.appendChild(make("span", { class: "pm-unit", text: spec.p }));
    line.appendChild(control.element);
    if (spec.u) line.appendChild(make("span", { class: "pm-unit", text: spec.u }));
    if (spec.k === "time" || spec.k === "date") line.appendChild((this.echo = make("span", { class: "pm-echo", id: fresh() })));
    return element;
  }

  describe() {
    // an echo is of what stands in the input, never of what stood there before it was typed over
    if (this.echo) this.echo.hidden = this.dirty();
    const parts = [this.echo?.textContent && this.echo, this.error, this.note];
    const ids = parts.filter((part) => part && !part.hidden).map((part) => part.id).join(" ");
    if (ids) this.control.main.setAttribute("aria-describedby", ids);
    else this.control.main.removeAttribute("aria-describedby");
  }

  /** The form hears for all its inputs: hundreds of listeners would keep a page waiting. */
  hear(event) {
    if (event.type === "input") this.typed();
    else if (event.type === "keydown") this.pressed(event);
    else this.commit();
  }

  pressed(event) {
    if (event.isComposing) return;
    if (event.key === "Escape" && this.dirty()) this.revert();
    if (event.key === "Enter" && !event.shiftKey && this.spec.k !== "prose" && this.spec.k !== "query") {
      if (event.target.tagName === "TEXTAREA") event.preventDefault();
      this.commit();
    }
  }

  get key() {
    const { table, row, slot } = this.place;
    return JSON.stringify([table, row ?? `slot ${slot}`, this.spec.n]);
  }

  value() {
    return this.control.read();
  }

  dirty() {
    return !same(this.value(), this.rest);
  }

  filled() {
    return !same(this.base, this.spec.k === "names" ? [] : this.control.empty ?? "");
  }

  typed() {
    this.back?.remove();
    this.form.queue.draft(this);
    if (this.echo) this.describe();
    clearTimeout(this.pause);
    if (FLOWING.has(this.spec.k)) this.pause = setTimeout(() => this.commit(), 2000);
  }

  commit() {
    clearTimeout(this.pause);
    if (this.dirty() || this.form.queue.holds(this)) this.form.queue.edit(this);
  }

  /** Show a value. What an input cannot hold (line ends, say) is no edit by whoever looks at it. */
  write(value) {
    if (!same(this.value(), value)) this.control.write(value);
    this.rest = this.value();
  }

  revert() {
    clearTimeout(this.pause);
    this.write(this.base);
    this.form.queue.forget(this);
    this.refuse("");
    this.describe();
  }

  /**
   * Show what the dataset holds in an input that was just made: nobody can have typed in it. As its
   * default no cursor moves for it, of which a page would hear hundreds of times.
   */
  begin(value, echo) {
    if (same(value, this.base)) return;
    this.base = value;
    (this.control.begin || this.control.write)(value);
    this.rest = this.value();
    if (!echo) return;
    this.echo.textContent = echo;
    this.describe();
  }

  /** Return what a cell of the dataset holds: its value, and whether it comes with an echo. */
  held(cell) {
    const timed = cell !== null && typeof cell === "object" && !Array.isArray(cell);
    return [(timed ? cell.v : cell) ?? (this.spec.k === "names" ? [] : this.control.empty ?? ""), timed];
  }

  /** An edit of this window is saved, and somebody has typed on: what is told of it is no news. */
  settle(cell) {
    [this.base] = this.held(cell);
    this.rest = this.base;
    if (this.echo) this.describe();
  }

  /** Show what the dataset holds, unless somebody is typing here: then their words stay. */
  show(cell, { mine = false, fresh = false } = {}) {
    const [value, timed] = this.held(cell);
    if (fresh) {
      this.begin(value, timed ? cell.e : "");
      return;
    }
    const kept = !mine && this.dirty();
    const other = kept && !same(value, this.base) && !same(value, this.value());
    this.base = value;
    if (kept) this.rest = value;
    else this.write(value);
    if (this.echo) this.echo.textContent = timed ? cell.e : "";
    if (other) this.advise("hint", `Changed elsewhere to: ${Array.isArray(value) ? value.join(", ") : value || "nothing"}`);
    this.refuse(kept ? this.why : "");
    if (this.echo) this.describe();
  }

  /** Show what evidence says of this blank, with a button that types it; or nothing. */
  suggest(value, text, help) {
    if (!this.hint) {
      if (!text) return;
      this.hint = make("div", { class: "pm-note pm-hint pm-suggested" });
      (this.error || this.box.firstElementChild).after(this.hint);
    }
    this.hint.hidden = !text;
    const use = make("button", { type: "button", class: "pm-undo", text: "Use", "aria-label": `Use ${value} for ${this.spec.l}` });
    use.addEventListener("click", () => this.use(value));
    this.hint.title = help || "";
    this.hint.replaceChildren(document.createTextNode(`${text} `), use);
  }

  /** Type a value for somebody, who goes on in this blank and can take it back. */
  use(value) {
    const before = this.value();
    const give = (given) => {
      this.back?.remove();
      this.control.write(given);
      this.commit();
      this.control.main.focus();
    };
    give(value);
    if (same(before, value) || !before.length) return;
    const undo = make("button", { type: "button", class: "pm-undo", text: "Undo", on: { click: () => give(before) } });
    this.back = make("div", { class: "pm-note pm-hint", role: "status" }, make("span", { text: `Replaced ${before}. ` }), undo);
    this.box.append(this.back);
  }

  /** Show a finding, or none. */
  advise(severity, message) {
    if (!this.note) {
      if (!message) return;
      this.note = make("div", { id: fresh() });
      this.box.append(this.note);
    }
    this.note.hidden = !message;
    this.note.className = `pm-note pm-${severity}`;
    this.note.textContent = message ? `${{ error: "To fix: ", warning: "Check: " }[severity] || ""}${message}` : "";
    this.describe();
  }

  /** Show why a value was refused, before all else; it stays as typed, and what was saved as it was. */
  refuse(message = "") {
    if (!this.error) {
      if (!message) return;
      this.error = make("div", { class: "pm-error", id: fresh(), role: "alert" });
      this.box.firstElementChild.after(this.error);
    }
    const held = Array.isArray(this.base) ? this.base.join(", ") : this.base;
    const still = this.filled() && held.length <= 40 ? ` (still saved: ${held})` : "";
    this.why = message;
    this.error.hidden = !message;
    this.error.textContent = message && message + still;
    if (message) this.control.main.setAttribute("aria-invalid", "true");
    else this.control.main.removeAttribute("aria-invalid");
    this.describe();
  }
}
