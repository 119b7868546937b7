// Quizzes, the language of quizzes and questions, and the names of the themes. Without it the pages show everything.
"use strict";
(() => {
  const KEY = "tickbook-language";
  const page = document.documentElement;

  const remembered = () => {
    try { return localStorage.getItem(KEY) === "ko" ? "ko" : "en"; } catch { return "en"; }
  };

  const speak = (language) => {
    page.dataset.language = language;
    try { localStorage.setItem(KEY, language); } catch { /* a browser that keeps nothing */ }
    for (const button of document.querySelectorAll(".language button")) {
      button.setAttribute("aria-pressed", String(button.lang === language));
    }
  };

  // A switch above the first thing that has two languages.
  const first = document.querySelector("main [data-side]");
  if (first) {
    const choice = document.createElement("div");
    choice.className = "language";
    choice.setAttribute("role", "group");
    choice.setAttribute("aria-label", "Language of quizzes and questions");
    for (const [language, name] of [["en", "English"], ["ko", "한국어"]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.lang = language;
      button.textContent = name;
      button.addEventListener("click", () => speak(language));
      choice.append(button);
    }
    const title = document.querySelector("main h1");
    if (title) title.after(choice); else document.querySelector("main").prepend(choice);
    speak(remembered());
  }

  for (const form of document.querySelectorAll("form.quiz-side")) {
    const button = form.querySelector("button");
    const result = form.querySelector(".result");
    const reasons = form.querySelectorAll(".reasons [data-option]");
    button.disabled = true;
    form.addEventListener("change", () => {
      button.disabled = false;
      // What was said of another option no longer fits.
      result.replaceChildren();
      result.classList.remove("right");
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const chosen = form.querySelector("input:checked");
      if (!chosen) return;
      const right = form.dataset.right;
      const say = (option) => {
        const reason = [...reasons].find((one) => one.dataset.option === option).cloneNode(true);
        reason.classList.toggle("is-right", option === right);
        return reason;
      };
      const said = chosen.value === right ? [say(right)] : [say(chosen.value), say(right)];
      result.classList.toggle("right", chosen.value === right);
      result.replaceChildren(...said);
    });
  }

  // What scrolls inside itself can be scrolled with the keyboard, too.
  for (const wide of document.querySelectorAll("main .table-wrapper:not([tabindex])")) {
    wide.tabIndex = 0;
    wide.setAttribute("role", "region");
    wide.setAttribute("aria-label", "Table");
  }

  // mdBook turns the page at an arrow key; here they choose an option, or move a wide table.
  for (const own of document.querySelectorAll("form.quiz-side, .table-wrapper")) {
    own.addEventListener("keydown", (event) => {
      if (event.key.startsWith("Arrow")) event.stopPropagation();
    });
  }

  const dark = document.getElementById("mdbook-theme-navy");
  if (dark) dark.textContent = "Dark";
})();
