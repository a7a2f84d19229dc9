// "New postmortem" in JupyterLab: a launcher tile and a File > New entry.
// Written by hand as a module-federation container: no build step, nothing fetched.
(() => {
  "use strict";
  const COMMAND = "postmortem:new";
  const ICON =
    "data:image/svg+xml," +
    encodeURIComponent(
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 52 52">' +
        '<rect x="9" y="5" width="34" height="42" rx="4" fill="#fff" stroke="#3b5b8c" stroke-width="3"/>' +
        '<path d="M15 31h7l4-13 5 20 4-11h3" fill="none" stroke="#c8511b" stroke-width="3" ' +
        'stroke-linejoin="round" stroke-linecap="round"/></svg>'
    );
  const FIELDS = [
    { name: "id", label: "Incident id", hint: "INC-4821", required: true },
    { name: "title", label: "Title", hint: "Checkout errors" },
    { name: "service", label: "Services affected", hint: "checkout, payments" },
    { name: "severity", label: "Severity", options: [] },
    { name: "start", label: "Impact start (UTC unless a zone is given)", hint: "2025-12-04 14:02" },
  ];
  // A form without a kernel: its finished text stands below, so what JupyterLab says in place of
  // the form is not shown; and the text looks as it does under a living form. Charts follow the theme
  // as where a form is, by the rule of forms.css.
  const STYLE =
    ".jp-OutputArea-child:has(> .jp-OutputArea-output.jupyter-widgets)" +
    ":has(~ .jp-OutputArea-child .pm-text){display:none}" +
    ".pm-text li>p{margin:0}.pm-text ol>li,.pm-text pre{margin:.4em 0 .8em}" +
    '[data-jp-theme-light="false"] .jp-OutputArea-child' +
    ":has(+ .jp-OutputArea-child .pm-below-chart)>.jp-RenderedImage img" +
    "{filter: invert(0.93) hue-rotate(180deg)}";
  let shared = {};

  // JupyterLab shares its own modules under name and version; any version present is the running one.
  const load = async (name) => {
    const version = Object.values(shared[name])[0];
    return (await version.get())();
  };

  const element = (tag, properties, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };

  const input = (field, value) => {
    const id = `postmortem-new-${field.name}`;
    const control = field.options
      ? element("select", { id }, ...["", ...field.options].map((name) =>
          element("option", { value: name, textContent: name || "not yet known" })))
      : element("input", { id, type: "text", placeholder: field.hint, required: !!field.required });
    control.className = "jp-mod-styled";
    control.value = value || "";
    control.style.width = "100%";
    const label = element("label", { htmlFor: id, textContent: field.label });
    label.style.cssText = "display:block;margin:.7em 0 .2em";
    return { control, label };
  };

  const form = (Widget, values, problem) => {
    const node = element("div", {});
    node.style.minWidth = "24em";
    const controls = {};
    if (problem) {
      const line = element("p", { textContent: problem });
      line.setAttribute("role", "alert");
      line.style.cssText = "color:var(--jp-error-color1);max-width:34em;white-space:pre-wrap";
      node.append(line);
    }
    for (const field of FIELDS) {
      const { control, label } = input(field, values[field.name]);
      controls[field.name] = control;
      node.append(label, control);
    }
    const body = new Widget({ node });
    body.getValue = () =>
      Object.fromEntries(FIELDS.map(({ name }) => [name, controls[name].value.trim()]));
    return body;
  };

  const plugin = async () => {
    const [apputils, launcher, services, widgets, filebrowser] = await Promise.all(
      ["@jupyterlab/apputils", "@jupyterlab/launcher", "@jupyterlab/services", "@lumino/widgets",
       "@jupyterlab/filebrowser"].map(load)
    );
    const settings = services.ServerConnection.makeSettings();
    const ask = async (method, body) => {
      const url = settings.baseUrl + "postmortem-nb/new";
      const answer = await services.ServerConnection.makeRequest(
        url, { method, body: body && JSON.stringify(body) }, settings);
      const facts = await answer.json();
      if (!answer.ok) throw new Error(facts.message || answer.statusText);
      return facts;
    };

    const begin = async (app, folder) => {
      FIELDS.find(({ name }) => name === "severity").options = (await ask("GET")).severities;
      let values = {};
      let problem = "";
      for (;;) {
        const result = await apputils.showDialog({
          title: "New postmortem",
          body: form(widgets.Widget, values, problem),
          focusNodeSelector: "#postmortem-new-id",
          buttons: [apputils.Dialog.cancelButton(), apputils.Dialog.okButton({ label: "Create" })],
        });
        if (!result.button.accept) return;
        values = result.value;
        try {
          const { path } = await ask("POST", { ...values, folder });
          await app.commands.execute("docmanager:open", { path });
          return;
        } catch (error) {
          problem = error.message;
        }
      }
    };

    return {
      id: "postmortem-nb:plugin",
      autoStart: true,
      optional: [launcher.ILauncher, apputils.ICommandPalette, filebrowser.IDefaultFileBrowser],
      activate: (app, tiles, palette, browser) => {
        document.head.append(element("style", { textContent: STYLE }));
        app.commands.addCommand(COMMAND, {
          label: (args) => (args.isPalette ? "New Postmortem" : "Postmortem"),
          caption: "Begin a postmortem: dataset, template and notebook in one folder",
          execute: (args) => begin(app, args.cwd ?? (browser ? browser.model.path : "")),
        });
        if (tiles) {
          tiles.add({ command: COMMAND, category: "Notebook", rank: 90, kernelIconUrl: ICON,
                      args: { isPalette: true } });
        }
        if (palette) {
          palette.addItem({ command: COMMAND, category: "Notebook", args: { isPalette: true } });
        }
      },
    };
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["postmortem-nb"] = {
    init: (scope) => { shared = scope; },
    get: async (name) => {
      if (name !== "./extension") return () => ({});
      const made = await plugin();
      return () => ({ __esModule: true, default: made });
    },
  };
})();
