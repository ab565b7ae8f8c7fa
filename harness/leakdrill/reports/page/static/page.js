/* What a person does with the page: mouse, touch, keys, buttons, links, colours and printing. */
(() => {
  "use strict";

  const line = LeakdrillTimeline;
  const SLIP_PX = 5;

  /* Mouse, touch and wheel. */

  function pointers(area) {
    const down = new Map();
    let start = null;

    const spread = () => { const [a, b] = [...down.values()]; return { middle: (a + b) / 2, apart: Math.max(20, Math.abs(a - b)) }; };
    const begin = (event) => {
      start = { x: event.clientX, at: line.xOf(event.clientX), view: line.state(), isPan: event.shiftKey || event.pointerType === "touch" };
      if (down.size === 2) { start.spread = spread(); start.at = line.xOf(start.spread.middle); }
    };

    area.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.target.closest("a, button, summary, output")) { return; }
      down.set(event.pointerId, event.clientX);
      begin(event);
    });
    area.addEventListener("pointermove", (event) => {
      if (down.has(event.pointerId)) { down.set(event.pointerId, event.clientX); }
      if (!start) { line.setCursor(line.xOf(event.clientX)); return; }
      const { view } = start, width = view.to - view.from;
      if (down.size === 2 && start.spread) {
        const now = spread(), wide = width * (start.spread.apart / now.apart);
        const share = (now.middle - area.getBoundingClientRect().left - LeakdrillDraw.GUTTER) / line.trackWidth();
        line.setView(start.at - share * wide, start.at + (1 - share) * wide);
      } else if (Math.abs(event.clientX - start.x) > SLIP_PX) {
        if (!area.hasPointerCapture(event.pointerId)) { area.setPointerCapture(event.pointerId); }
        if (start.isPan) {
          const by = ((event.clientX - start.x) / line.trackWidth()) * width;
          line.setView(view.from - by, view.to - by);
        } else {
          const [from, to] = [start.at, line.xOf(event.clientX)].sort((a, b) => a - b);
          line.placeLine("selection", from, to);
        }
      }
    });
    const end = (event) => {
      if (!down.delete(event.pointerId) || !start) { return; }
      const moved = Math.abs(event.clientX - start.x) > SLIP_PX;
      line.placeLine("selection", null, null);
      if (event.type === "pointerup" && !start.spread) {
        if (!moved) { line.setCursor(start.at); }
        else if (!start.isPan) { line.setView(...[start.at, line.xOf(event.clientX)].sort((a, b) => a - b)); }
      }
      start = null;
    };
    area.addEventListener("pointerup", end);
    area.addEventListener("pointercancel", end);
    area.addEventListener("pointerleave", () => { if (!start) { line.setCursor(null); } });
    area.addEventListener("dblclick", () => line.all());
    area.addEventListener("wheel", (event) => {
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        line.zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) / 200), line.xOf(event.clientX));
      } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        event.preventDefault();
        line.move(event.deltaX / line.trackWidth());
      }
    }, { passive: false });
  }

  /* Keys and buttons. */

  function toggleFit() {
    const button = document.querySelector("[data-do=fit]");
    button.setAttribute("aria-pressed", String(line.fit(button.getAttribute("aria-pressed") !== "true")));
  }

  const DO = { earlier: () => line.move(-0.25), later: () => line.move(0.25), in: () => line.zoom(0.5), out: () => line.zoom(2),
    all: () => line.all(), fit: toggleFit };

  function step(share, isPan) {
    const { from, to, cursor } = line.state();
    if (isPan) { line.move(share * 10); return; }
    line.setCursor(cursor === null ? from : cursor + share * (to - from), { aloud: true });
  }

  const KEYS = {
    ArrowLeft: (event) => step(-0.01, event.shiftKey), ArrowRight: (event) => step(0.01, event.shiftKey),
    Home: () => line.setCursor(0, { aloud: true }), End: () => line.setCursor(line.state().end, { aloud: true }),
    "+": DO.in, "=": DO.in, "-": DO.out, 0: DO.all, f: toggleFit, F: toggleFit, Escape: () => line.setCursor(null),
  };

  function keys(area) {
    area.addEventListener("keydown", (event) => {
      const act = KEYS[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) { return; }
      event.preventDefault();
      act(event);
    });
    for (const button of document.querySelectorAll("[data-do]")) { button.addEventListener("click", () => DO[button.dataset.do]()); }
  }

  /* Links. */

  function links() {
    for (const link of document.querySelectorAll("a.show")) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        line.showStretch(Number(link.dataset.from), Number(link.dataset.to));
        const area = document.getElementById("plots");
        document.getElementById("timeline").scrollIntoView();
        area.focus({ preventScroll: true });
      });
    }
  }

  async function copy(text) {
    try { await navigator.clipboard.writeText(text); return true; } catch { /* not from a file in every browser */ }
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    const isDone = document.execCommand("copy");
    field.remove();
    return isDone;
  }

  function copyButtons() {
    for (const button of document.querySelectorAll("button.copy")) {
      button.hidden = false;
      button.addEventListener("click", async () => {
        const before = button.innerHTML;
        const isDone = await copy(`${location.href.split("#")[0]}#${button.dataset.copy}`);
        button.textContent = isDone ? "Copied" : "Could not copy";
        button.focus();
        setTimeout(() => { button.innerHTML = before; }, 2000);
      });
    }
  }

  function openTarget() {
    const target = location.hash.length > 1 ? document.getElementById(location.hash.slice(1)) : null;
    const details = target && target.querySelector("details");
    if (details) { details.open = true; }
  }

  /* Colours and printing. */

  function themes(repaint) {
    const root = document.documentElement, buttons = [...document.querySelectorAll("[data-theme-choice]")];
    const choose = (choice) => {
      if (choice === "auto") { delete root.dataset.theme; } else { root.dataset.theme = choice; }
      buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice)));
      try { localStorage.setItem("leakdrill-theme", choice); } catch { /* not where a browser keeps nothing for files */ }
      repaint();
    };
    buttons.forEach((button) => button.addEventListener("click", () => choose(button.dataset.themeChoice)));
    document.querySelector(".themes").hidden = false;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
    let kept = null;
    try { kept = localStorage.getItem("leakdrill-theme"); } catch { /* likewise */ }
    if (kept === "light" || kept === "dark") { choose(kept); }
  }

  /** On paper the page is as wide as `.printing` says, so that what is drawn before printing fits what is printed. */
  function printing() {
    const root = document.documentElement;
    const lay = (isPaper) => {
      root.classList.toggle("printing", isPaper);
      line.toPaper(isPaper);
    };
    addEventListener("beforeprint", () => lay(true));
    addEventListener("afterprint", () => lay(false));
    matchMedia("print").addEventListener("change", (event) => lay(event.matches));
  }

  /* A page of a run that is under way is loaded again every few seconds: it goes on showing what it showed. */

  const KEPT = `leakdrill-view:${location.pathname}`;
  const opened = () => [...document.querySelectorAll("details")];
  const nameOf = (details) => details.querySelector("summary").textContent;

  function keepView() {
    const { from, to, end, cursor, fit } = line.state();
    const kept = { from, to, cursor, fit, isAtEnd: to >= end, isAll: from <= 0 && to >= end,
      open: opened().filter((one) => one.open).map(nameOf) };
    try { sessionStorage.setItem(KEPT, JSON.stringify(kept)); } catch { /* a browser that keeps nothing */ }
  }

  function restoreView() {
    let kept = null;
    try { kept = JSON.parse(sessionStorage.getItem(KEPT)); } catch { /* likewise */ }
    if (!kept) { return; }
    if (kept.fit) { toggleFit(); }
    if (kept.cursor !== null) { line.setCursor(kept.cursor); }
    const later = kept.isAtEnd ? line.state().end - kept.to : 0;
    if (!kept.isAll) { line.setView(kept.from + later, kept.to + later); }
    opened().forEach((one) => { one.open = one.open || kept.open.includes(nameOf(one)); });
  }

  function begin() {
    copyButtons();
    openTarget();
    addEventListener("hashchange", openTarget);
    const area = document.getElementById("plots");
    if (!area) { themes(() => {}); return; }
    try {
      line.begin(LeakdrillData.unpack(document.getElementById("data").textContent));
    } catch (error) {
      document.getElementById("no-charts").hidden = false;
      themes(() => {});
      console.warn(error);
      return;
    }
    document.getElementById("tools").hidden = false;
    pointers(area);
    keys(area);
    links();
    themes(line.repaint);
    printing();
    if (location.protocol !== "file:") {
      restoreView();
      addEventListener("pagehide", keepView);
    }
    document.documentElement.dataset.ready = "yes";
  }

  begin();
})();
