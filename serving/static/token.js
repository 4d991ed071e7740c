// The token for what not everybody may do: asked for when it is needed, and kept no longer than the tab.

import { byId, closable } from "./dom.js";
import { keep, kept } from "./stored.js";
import { texts } from "./texts.js";

const dialog = byId("token-dialog");
closable(dialog);

function asked(fault) {
  byId("token-fault").textContent = fault;
  byId("token").value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue && byId("token").value.trim()), { once: true });
  });
}

/** What `call(headers)` gives, once the token is right; null where nobody gives one. Throws as `call` does otherwise. */
export async function authorized(call) {
  for (let fault = ""; ;) {
    const token = kept("token") ?? await asked(fault);
    if (!token) return null;
    try {
      const result = await call({ Authorization: `Bearer ${token}` });
      keep("token", token);
      return result;
    } catch (refused) {
      if (refused.status !== 401) throw refused;
      keep("token", null);
      fault = texts.wrongToken;
    }
  }
}
