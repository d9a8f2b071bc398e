// Shows the forms for passkeys and fills them in. Everything else works without this file.
"use strict";
{
  const octets = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const withOctets = (known) => (known || []).map((one) => ({ ...one, id: octets(one.id) }));

  const ask = async ({ publicKey }) => {
    const options = { ...publicKey, challenge: octets(publicKey.challenge) };
    if (options.user) {
      options.user = { ...options.user, id: octets(options.user.id) };
      options.excludeCredentials = withOctets(options.excludeCredentials);
      return navigator.credentials.create({ publicKey: options });
    }
    options.allowCredentials = withOctets(options.allowCredentials);
    return navigator.credentials.get({ publicKey: options });
  };

  const spell = (credential) => {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature",
      "userHandle"]) {
      if (credential.response[name]) response[name] = text(credential.response[name]);
    }
    const { id, type } = credential;
    return JSON.stringify({ id, rawId: id, type, response, clientExtensionResults: {} });
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (!window.PublicKeyCredential) continue;
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const notice = form.querySelector("[role=alert]");
      notice.hidden = true;
      try {
        const credential = await ask(JSON.parse(form.dataset.passkey));
        form.elements.credential.value = spell(credential);
        form.submit();
      } catch {
        notice.textContent = form.dataset.failed;
        notice.hidden = false;
      }
    });
  }
}
