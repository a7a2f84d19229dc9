// What a widget of forms shows: one section, or the whole postmortem with its sections in a column.

import { fold, keep, make } from "./forms_inputs.js";
import { Form } from "./forms_section.js";
import { Finished } from "./forms_text.js";

/** Bring an element to the top: what stands above it gets its real height as it comes near. */
function arrive(element, frames) {
  element.scrollIntoView({ block: "start" });
  if (frames) requestAnimationFrame(() => arrive(element, frames - 1));
}

/** Return a section of the whole: its form under its title, and its entry in the contents. */
function chapter({ model, at }) {
  const counts = [make("span", { class: "pm-count" }), make("span", { class: "pm-count" })];
  const told = (done, total) => counts.forEach((count) => (count.textContent = total ? `${done} of ${total}` : ""));
  const form = new Form({ model, at, told });
  const title = make("span", { class: "pm-chapter-title", text: form.state.title });
  const { element, button, open } = fold({ look: "pm-chapter", level: 2 }, [title, counts[0]], form.root);
  const go = () => {
    open(true);
    button.focus({ preventScroll: true });
    arrive(element, 6);
  };
  const entry = make("button", { type: "button", class: "pm-undo", on: { click: go } }, make("span", { text: form.state.title }), counts[1]);
  return { form, element, entry };
}

/** Return all sections below a list of them that says how far each is, which is written, and leads there. */
function column(chapters) {
  const contents = make("nav", { class: "pm-contents", "aria-label": "Sections" }, ...chapters.map(({ entry }) => entry));
  const whole = make("div", { class: "pm-whole" }, contents, ...chapters.map(({ element }) => element));
  keep(whole);
  // the list covers what scrolls below it: nothing that is come to stops there
  new ResizeObserver(() => whole.style.setProperty("--pm-list", `${contents.offsetHeight}px`)).observe(contents);
  whole.addEventListener("focusin", ({ target }) => {
    if (contents.contains(target)) return;
    for (const { element, entry } of chapters) entry.setAttribute("aria-current", element.contains(target));
  });
  return whole;
}

/** Forms that this page drew once: they come with the values of then, and ask for those of now. */
const RENDERED = new Set();

/** Draw a widget's forms; what is returned takes them away again. */
function render({ model, el }) {
  const { id, sections } = model.get("state");
  const chapters = sections.length > 1 ? sections.map((_, at) => chapter({ model, at })) : [];
  const forms = chapters.length ? chapters.map(({ form }) => form) : [new Form({ model, at: 0 })];
  el.append(chapters.length ? column(chapters) : forms[0].root);
  const finished = new Finished(model);
  requestAnimationFrame(() => setTimeout(() => finished.say({ t: "drawn" })));
  if (RENDERED.has(id)) forms.forEach((form) => form.send({ t: "hello" }));
  RENDERED.add(id);
  const drawn = [...forms, finished];
  return () => drawn.forEach((each) => each.stop());
}

/** Hand the page what draws forms: those of this kernel wait for it on the shelf, by its name. */
function initialize({ model }) {
  if (!document.getElementById("postmortem-nb-style")) {
    document.head.append(make("style", { id: "postmortem-nb-style", text: model.get("style") }));
  }
  const shelf = (globalThis.postmortemNbForms ??= new Map());
  const name = model.get("front");
  if (!shelf.has(name)) shelf.set(name, Promise.withResolvers());
  shelf.get(name).resolve(render);
}

export default { initialize };
