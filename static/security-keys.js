// Security keys (WebAuthn): a form with what is asked, whose hidden field takes the answer of the key.
"use strict";

document.querySelectorAll("form[data-key]").forEach((form) => {
  if (!window.PublicKeyCredential || !PublicKeyCredential.parseCreationOptionsFromJSON) return;
  form.hidden = false;
  const sorry = form.querySelector("[data-sorry]");
  form.addEventListener("submit", async (event) => {
    if (form.elements.answer.value) return;
    event.preventDefault();
    sorry.hidden = true;
    const asked = JSON.parse(form.dataset.key);
    try {
      const credential = form.dataset.way === "add"
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked) });
      form.elements.answer.value = JSON.stringify(credential.toJSON());
      form.requestSubmit();
    } catch {
      sorry.hidden = false;
    }
  });
});
