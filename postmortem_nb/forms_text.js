// The finished text under a form, as this window's notebook holds it.

const VIEW = "application/vnd.jupyter.widget-view+json";

/**
 * A kernel reaches the text under the form only in the window where the cell was run, and until
 * its next reload. Elsewhere this window renews it, so that what it saves is what stands there.
 */
export class Finished {
  constructor(model) {
    this.model = model;
    this.client = Math.random().toString(36).slice(2, 10);
    const { id, title, text } = model.get("state");
    Object.assign(this, { id, title });
    this.heard = (message) => this.hear(message);
    model.on("msg:custom", this.heard);
    if (text) this.settle(text);
  }

  hear(message) {
    if (message.t !== "text") return;
    if (message.text) this.settle(message.text);
    else if (message.c === this.client) this.renew(message);
  }

  settle(digest) {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      const output = this.output();
      if (output && output.digest !== digest) this.say({ t: "text", c: this.client });
    }, 600);
  }

  say(message) {
    try {
      this.model.send(message);
    } catch {
      // the way to the kernel is closed: the text stays as it is
    }
  }

  /** Find the output under this form in the notebook of this window. */
  output() {
    const cells = this.model.widget_manager?.context?.model?.cells;
    for (let at = 0; at < (cells?.length || 0); at += 1) {
      const outputs = cells.get(at).outputs;
      let mine = false;
      for (let place = 0; place < (outputs?.length || 0); place += 1) {
        const { data, metadata } = outputs.get(place);
        mine ||= data?.[VIEW]?.model_id === this.id;
        const { text: digest, section } = metadata?.postmortem || {};
        if (mine && digest && section === this.title) return { outputs, place, digest };
      }
    }
    return null;
  }

  renew({ data, metadata }) {
    const output = this.output();
    output?.outputs.set(output.place, { output_type: "display_data", data, metadata });
  }

  stop() {
    clearTimeout(this.settling);
    this.model.off("msg:custom", this.heard);
  }
}
