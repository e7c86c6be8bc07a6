// What a page does by itself. Everything here is an addition: each page works without it.
"use strict";

(function () {
  function make(name, className, words) {
    const element = document.createElement(name);
    element.className = className;
    if (words) element.textContent = words;
    return element;
  }

  // Opened fields leave the page, and not only the screen, when the officer does.
  function close(panel) {
    const words = panel.querySelector("[data-opened-words]");
    if (!words) return;
    const notice = make("div", "vault-opened-hidden", "Hidden because you were away. ");
    notice.setAttribute("role", "status");
    const again = make("a", "usa-link", "Open it again.");
    again.href = panel.dataset.again;
    notice.append(again);
    words.replaceWith(notice);
    const left = panel.querySelector("[data-opened-left]");
    if (left) left.remove();
  }

  const panels = Array.from(document.querySelectorAll("[data-opened]"));
  function closeAll() {
    panels.forEach(close);
  }
  panels.forEach(function (panel) {
    let timer = 0;
    let warning = 0;
    const left = panel.querySelector("[data-opened-left]");
    const seconds = Number(panel.dataset.opened);
    const minutes = Math.round(seconds / 60);
    const calm = minutes > 1 ? "Hides itself after " + minutes + " quiet minutes." : "Hides itself when you are away.";
    function say(words) {
      if (left && left.textContent !== words) left.textContent = words;
    }
    function wait() {
      clearTimeout(timer);
      clearTimeout(warning);
      if (!panel.querySelector("[data-opened-words]")) return;
      say(calm);
      warning = setTimeout(say, Math.max(seconds - 60, 0) * 1000, "Hides itself in one minute. Press any key to keep it open.");
      timer = setTimeout(close, seconds * 1000, panel);
    }
    ["keydown", "pointerdown", "pointermove", "scroll"].forEach(function (sign) {
      document.addEventListener(sign, wait, { passive: true });
    });
    wait();
  });
  document.addEventListener("visibilitychange", function () {
    if (document.visibilityState === "hidden") closeAll();
  });
  // The browser may keep the page for its Back button; it keeps it closed.
  window.addEventListener("pagehide", closeAll);

  // A session ends when nothing was sent for a while; two minutes before, the officer is told.
  const idle = Number(document.body.dataset.idleSeconds);
  if (idle > 0) {
    setTimeout(function () {
      const notice = make("div", "vault-leaving");
      notice.setAttribute("role", "alert");
      const frame = make("div", "usa-alert usa-alert--warning");
      const inner = make("div", "usa-alert__body");
      inner.append(make("p", "usa-alert__text", "You will be signed out in two minutes. Save your work now to stay signed in."));
      frame.append(inner);
      notice.append(frame);
      document.body.append(notice);
    }, Math.max(idle - 120, 0) * 1000);
  }

  // What is done in slices goes on by itself while its page is open; elsewhere each slice takes one press.
  document.querySelectorAll("[data-goes-on] form").forEach(function (form) {
    setTimeout(function () { form.requestSubmit(); }, 400);
  });

  // A passkey: the browser is told what to ask its device, and the device's answer is sent with the form.
  document.querySelectorAll("[data-passkey]").forEach(function (place) {
    const makes = "passkeyMakes" in place.dataset;
    const answer = place.querySelector("input");
    const button = place.querySelector("button");
    const words = place.querySelector("[role=status]");
    const known = window.PublicKeyCredential;
    if (!known || !known.parseRequestOptionsFromJSON) {
      words.textContent = "This browser is too old for passkeys. Update it, or use another one.";
      return;
    }
    words.textContent = "";
    if (button) button.hidden = false;
    async function ask() {
      words.textContent = "Follow what your browser asks.";
      try {
        const token = new URLSearchParams({ csrf_token: answer.form.elements.csrf_token.value });
        const asked = await (await fetch(place.dataset.passkey, { method: "POST", body: token })).json();
        const given = makes
          ? await navigator.credentials.create({ publicKey: known.parseCreationOptionsFromJSON(asked) })
          : await navigator.credentials.get({ publicKey: known.parseRequestOptionsFromJSON(asked) });
        answer.value = JSON.stringify(given);
        answer.form.requestSubmit();
      } catch {
        words.textContent = makes
          ? "No passkey was made. Try again, or use another device."
          : "No passkey was used. Try again, or give a code instead.";
      }
    }
    if (button) button.addEventListener("click", ask);
    // Where no code can be typed but a backup code, sending the form without one asks for the passkey.
    if ("passkeyAlone" in place.dataset) answer.form.addEventListener("submit", function (event) {
      if (Array.from(answer.form.elements).some((box) => box.name === answer.name && box.value)) return;
      event.preventDefault();
      ask();
    });
  });

  // A password can be looked at while it is typed.
  document.querySelectorAll("input[data-secret]").forEach(function (box) {
    const button = make("button", "vault-reveal");
    button.type = "button";
    button.setAttribute("aria-controls", box.id);
    function word() {
      button.textContent = box.type === "password" ? "Show password" : "Hide password";
    }
    button.addEventListener("click", function () {
      box.type = box.type === "password" ? "text" : "password";
      word();
    });
    // It is never sent readable, so that the browser does not offer to keep it as plain text.
    if (box.form) box.form.addEventListener("submit", function () { box.type = "password"; });
    word();
    box.after(button);
    const least = Number(box.dataset.least);
    if (least > 0) tellLength(box, button, least);
  });

  // How far a new password has come; what guessers know is looked at when it is sent, and told in words.
  function tellLength(box, place, least) {
    const told = make("p", "usa-hint", "");
    told.setAttribute("role", "status");
    place.after(told);
    let pause = 0;
    function tell() {
      const count = Array.from(box.value).length;
      if (count === 0) told.textContent = "";
      else if (count < least) told.textContent = count + " of at least " + least + " characters.";
      else if (count < least + 9) told.textContent = "Long enough. One more word would make it stronger.";
      else told.textContent = "Long enough, and strong if its words are unrelated.";
    }
    box.addEventListener("input", function () {
      clearTimeout(pause);
      pause = setTimeout(tell, 400);
    });
  }
})();
