// Steps from the evidence: what the answers offer the timeline, and any row of them by its words.

import { fold, fresh, make } from "./forms_inputs.js";

const found = (rows) => `${rows} ${rows === 1 ? "row" : "rows"}.`;

/** The part of a form that takes rows of frozen answers into the timeline. */
export class Evidence {
  constructor(form) {
    this.form = form;
    this.held = new Set();
    this.count = make("span", { class: "pm-count" });
    this.offered = make("ul", { class: "pm-steps" });
    this.found = make("ul", { class: "pm-steps" });
    this.told = make("p", { class: "pm-words", role: "status" });
    const name = make("span", { class: "pm-part-name", text: "From the evidence" });
    const part = fold({ look: "pm-evidence" }, [name, this.count], this.offered, this.search(), this.found, this.told);
    this.element = part.element;
    this.element.hidden = true;
    this.head = part.button;
  }

  search() {
    this.answer = make("select", { id: fresh(), class: "pm-select" });
    this.words = make("input", { id: fresh(), type: "text", class: "pm-short", autocomplete: "off", spellcheck: "false", placeholder: "words or a time, such as 15:10" });
    const find = make("button", { type: "button", class: "pm-undo", text: "Find", on: { click: () => this.find() } });
    this.words.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) this.find();
    });
    return make(
      "div",
      { class: "pm-search" },
      make("label", { for: this.answer.id, class: "pm-label", text: "Any row of" }),
      this.answer,
      make("label", { for: this.words.id, class: "pm-label", text: "that holds" }),
      this.words,
      find,
    );
  }

  find() {
    this.told.textContent = "Looking …";
    this.asked = { answer: this.answer.value, words: this.words.value };
    this.form.send({ t: "search", ...this.asked });
  }

  /** Times are shown in another zone, and words that are times are read in it. */
  rezone() {
    if (this.asked) this.form.send({ t: "search", ...this.asked });
  }

  /** The kernel found rows, or says why not. */
  hear({ steps, of, zone, message }) {
    const some = of > steps.length ? `The first ${steps.length} of ${of.toLocaleString("en")} rows: more words narrow it.` : "";
    const none = `No row of it holds these words; times in ${zone}.`;
    this.told.textContent = message || (steps.length ? `${some || found(of)} Times in ${zone}.` : none);
    this.draw(this.found, steps);
  }

  show({ steps, answers, held, zone }) {
    this.held = new Set(held);
    this.mark();
    const chosen = this.answer.value;
    this.answer.replaceChildren(...answers.map(([value, text]) => make("option", { value, text })));
    if (answers.some(([name]) => name === chosen)) this.answer.value = chosen;
    this.count.textContent = steps.length ? `${steps.length} ${steps.length === 1 ? "step" : "steps"} to add, times in ${zone}` : "";
    this.element.hidden = !answers.length;
    this.draw(this.offered, steps);
  }

  draw(list, steps) {
    const held = list.contains(document.activeElement);
    const at = [...list.children].findIndex((line) => line.contains(document.activeElement));
    list.replaceChildren(...steps.map((step) => this.line(step)));
    list.hidden = !steps.length;
    const next = list.children[Math.min(at, steps.length - 1)]?.querySelector("button");
    if (held) (next || this.head).focus();
  }

  /** Say of each row that was found whether the timeline has it. */
  mark() {
    for (const add of this.found.querySelectorAll("button")) add.dispatchEvent(new Event("tell"));
  }

  line(step) {
    const { answer, row, time, says } = step;
    const add = make("button", { type: "button", class: "pm-undo" });
    const tell = () => {
      const held = step.ways.some((way) => this.held.has(way));
      add.textContent = held ? "Added" : "Add";
      add.setAttribute("aria-disabled", String(held));
      add.setAttribute("aria-label", held ? `In the timeline: ${time} ${says}` : `Add to the timeline: ${time} ${says}`);
    };
    add.addEventListener("tell", tell);
    tell();
    add.addEventListener("click", () => {
      if (add.getAttribute("aria-disabled") === "true") return;
      add.setAttribute("aria-disabled", "true");
      this.form.queue.act({ t: "take", answer, row }, `Add to the timeline: ${says}`);
    });
    return make(
      "li",
      { class: "pm-step" },
      make("span", { class: "pm-step-time", text: time }),
      make("bdi", { class: "pm-step-says", text: says }),
      make("span", { class: "pm-step-kind", text: `${step.step} · ${step.from}` }),
      add,
    );
  }

  /** A row is in the timeline now. */
  added({ label }) {
    this.told.textContent = label.replace("Add to", "Added to");
  }
}
