/* The timeline: what is shown of it, one cursor through all of it, and what stands beside the charts. */
const LeakdrillTimeline = (() => {
  "use strict";

  const SIGNS = { leak: "◆", step: "▶", restart: "↻", kill: "✕", trouble: "!", change: "△", look: "◉" };
  const BEFORE = "○";
  const ROW_PX = 22, MOST_ROWS = 6, LEAST_TEXT_PX = 52, SETTLED_MS = 150;
  const { GUTTER, RIGHT, duration, show } = LeakdrillDraw;

  let timeline, area, paint, charts = [], placed = [], cursor = null, highlight = null;
  let waiting = false, isMoved = true, isPaper = false, tracksPx = 0, settling = 0;
  const view = { from: 0, to: 1, fit: false, isCoarse: false };
  const lines = {};

  function element(name, className, text) {
    const made = document.createElement(name);
    made.className = className;
    if (text) { made.textContent = text; }
    return made;
  }

  /* What is shown. */

  function setView(from, to) {
    const least = Math.max(timeline.end / 1e5, 1e-3);
    const width = Math.min(Math.max(to - from, least), timeline.end);
    const start = Math.min(Math.max(from, 0), timeline.end - width);
    view.from = start;
    view.to = start + width;
    view.isCoarse = true;
    clearTimeout(settling);
    settling = setTimeout(() => { view.isCoarse = false; schedule(); }, SETTLED_MS);
    schedule();
  }

  const width = () => view.to - view.from;
  const move = (share) => setView(view.from + share * width(), view.to + share * width());
  const all = () => setView(0, timeline.end);

  function zoom(factor, at = cursor !== null && cursor >= view.from && cursor <= view.to ? cursor : (view.from + view.to) / 2) {
    setView(at - (at - view.from) * factor, at + (view.to - at) * factor);
  }

  function fit(on) {
    view.fit = on;
    charts.forEach((chart) => { chart.isStale = true; });
    schedule();
    return on;
  }

  /** Show a stretch with some room beside it, and mark it. */
  function showStretch(from, to) {
    const room = Math.max((to - from) * 0.5, timeline.end * 0.05);
    highlight = [from, to];
    setView(from - room, to + room);
    setCursor(from);
  }

  /* Drawing. */

  /** Draw all anew with the next frame. */
  function schedule() {
    isMoved = true;
    charts.forEach((chart) => { chart.isStale = true; });
    wait();
  }

  function wait() {
    if (!waiting) {
      waiting = true;
      requestAnimationFrame(() => { waiting = false; draw(); });
    }
  }

  /** Asked for again only when the page changes its width: to ask in every frame has the page laid out anew. */
  const trackWidth = () => tracksPx;
  function measure() { tracksPx = Math.max(50, area.clientWidth - GUTTER - RIGHT); }
  const pixel = (x) => ((x - view.from) / width()) * trackWidth();

  function draw() {
    for (const chart of charts) {
      if (chart.isStale && (isPaper || chart.isVisible)) { drawChart(chart); }
    }
    if (isMoved) {
      placed.forEach(place);
      placeMarks();
      placeLine("highlight", ...(highlight || [null, null]));
    }
    isMoved = false;
    placeLine("cursor", cursor, cursor);
    tell();
  }

  function drawChart(chart) {
    chart.isStale = false;
    if (!chart.plot) {
      chart.plot = LeakdrillDraw.plot(chart.box, chart.data, timeline, () => view, () => paint);
      return;
    }
    const columns = LeakdrillDraw.columns(chart.data, view.from, view.to, trackWidth() / (view.isCoarse ? 2 : 1));
    chart.plot.batch(() => {
      chart.plot.setData(columns, false);
      chart.plot.setScale("x", { min: view.from, max: view.to });
      chart.plot.setScale("y", { min: null, max: null });
    });
  }

  function placeLine(name, from, to) {
    const line = lines[name];
    const isSeen = from !== null && to >= view.from && from <= view.to;
    line.hidden = !isSeen;
    if (isSeen) {
      const left = Math.max(0, pixel(from)), right = Math.min(trackWidth(), pixel(to));
      line.style.left = `${GUTTER + left}px`;
      line.style.width = `${Math.max(name === "cursor" ? 1 : 2, right - left)}px`;
    }
  }

  /** Put a stretch of a track in its place; a moment has no width of its own. */
  function place(one) {
    const left = pixel(one.start), right = pixel(one.end);
    const isSeen = right >= 0 && left <= trackWidth();
    one.element.hidden = !isSeen;
    if (isSeen) {
      const from = Math.max(0, left), to = Math.min(trackWidth(), right);
      one.element.style.left = `${from}px`;
      if (one.isStretch) {
        one.element.style.width = `${Math.max(3, to - from)}px`;
        one.text.hidden = to - from < LEAST_TEXT_PX;
      }
    }
  }

  /** The words of marks: in the first row in which they do not cover others; where there is none, the sign alone. */
  function placeMarks() {
    const ends = [];
    for (const mark of timeline.shownMarks) {
      place(mark);
      if (mark.element.hidden) { continue; }
      const left = Math.max(0, pixel(mark.start));
      const isNearTheEnd = left + mark.width > trackWidth();
      const from = isNearTheEnd ? left - mark.width + 18 : left;
      let row = ends.findIndex((end) => end <= from);
      if (row < 0 && ends.length < MOST_ROWS) { row = ends.length; }
      const hasRoom = row >= 0;
      row = hasRoom ? row : 0;
      mark.words.hidden = mark.sign.hidden = !hasRoom;
      mark.element.classList.toggle("ends", isNearTheEnd && hasRoom);
      mark.element.style.top = `${row * ROW_PX}px`;
      if (hasRoom) { ends[row] = Math.max(left + 18, from + mark.width + 6); }
    }
    const track = document.getElementById("marks");
    if (track) { track.style.height = `${Math.max(1, ends.length) * ROW_PX}px`; }
  }

  /* What stands beside the charts. */

  function makeMarks(track) {
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = `12px ${paint.font}`;
    timeline.shownMarks = timeline.marks.map(([kind, label, start, end, run]) => {
      const made = element("div", `mark ${kind} ${run}`), words = element("span", "words", label);
      const sign = element("span", "sign", (run === "before" ? BEFORE : "") + SIGNS[kind]);
      made.append(sign, words);
      made.title = label;
      track.append(made);
      return { element: made, words, sign, start, end: start, width: pen.measureText(label).width + (run === "before" ? 38 : 26), until: end };
    });
  }

  function addStretch(track, className, words, start, end) {
    const made = element("div", className), text = element("span", "words", words);
    made.append(text);
    made.title = words;
    track.append(made);
    placed.push({ element: made, text, start, end, isStretch: true });
  }

  function makeTracks() {
    const marks = document.getElementById("marks"), phases = document.getElementById("phases");
    timeline.shownMarks = [];
    if (marks) { makeMarks(marks); }
    if (phases) { timeline.phases.forEach(([name, start, end]) => addStretch(phases, "phase", name, start, end)); }
    for (const track of document.querySelectorAll("[data-lane]")) {
      const lane = timeline.lanes[Number(track.dataset.lane)];
      lane.stretches.forEach(([state, start, end]) => addStretch(track, `stretch ${state}`, state === "unknown" ? "not known" : state, start, end));
      for (const [at, label] of lane.deliveries) {
        const made = element("div", "delivery", "✉");
        made.title = label;
        track.append(made);
        placed.push({ element: made, start: at, end: at });
      }
    }
    for (const name of ["highlight", "cursor", "selection"]) {
      lines[name] = element("div", name);
      lines[name].hidden = true;
      area.append(lines[name]);
    }
  }

  /* The cursor. */

  function setCursor(x, { aloud = false } = {}) {
    cursor = x === null ? null : Math.min(Math.max(x, 0), timeline.end);
    if (cursor !== null && (cursor < view.from || cursor > view.to)) {
      const half = width() / 2;
      setView(cursor - half, cursor + half);
    }
    if (aloud) { tell(true); }
    wait();
  }

  function where(x) {
    if (timeline.axis !== "time") { return `${LeakdrillDraw.significant(x)} requests`; }
    const parts = [`${x.toFixed(1)} s`];
    if (timeline.scale !== 1) { parts.push(`production ${duration(x * timeline.scale)}`); }
    if (timeline.origin) {
      const since = x - timeline.origin[0];
      parts.push(since >= 0 ? `${duration(since)} after ${timeline.origin[1]}` : `${duration(-since)} before ${timeline.origin[1]}`);
    }
    const phase = timeline.phases.find(([, start, end]) => x >= start && x <= end);
    return phase ? [...parts, phase[0]].join(" · ") : parts.join(" · ");
  }

  function tell(aloud = false) {
    const readout = document.getElementById("readout");
    const isAll = view.from <= 0 && view.to >= timeline.end;
    const shown = timeline.axis === "time" ? [duration(view.from), duration(view.to)] : [view.from, view.to].map((x) => LeakdrillDraw.significant(x));
    readout.textContent = cursor === null ? (isAll ? "All is shown." : `Shown: ${shown[0]} to ${shown[1]}`) : where(cursor);
    const values = [];
    for (const chart of charts) {
      chart.outputs.forEach((output, i) => {
        const curve = chart.data.curves[i];
        const value = cursor === null ? "" : show(LeakdrillData.nearest(curve, cursor, chart.reach[i]), chart.data.unit);
        output.textContent = value;
        if (value) { values.push(`${curve.name} ${value}`); }
      });
    }
    if (aloud) { document.getElementById("spoken").textContent = [readout.textContent, ...values].join("; "); }
  }

  /** How far from a moment a reading may be and still be that moment's. */
  function reach(curve) {
    const apart = [];
    for (let i = 1; i < curve.x.length; i++) { apart.push(curve.x[i] - curve.x[i - 1]); }
    apart.sort((a, b) => a - b);
    const usual = apart.length ? apart[apart.length >> 1] : timeline.end;
    return timeline.axis === "time" ? Math.max(1, 3 * usual) : Math.max(usual, timeline.end / 50);
  }

  /* Beginning. */

  function repaint() {
    measure();
    paint = LeakdrillDraw.colours();
    charts.forEach((chart) => { if (chart.plot) { chart.plot.destroy(); chart.plot = null; } });
    schedule();
  }

  /** For paper all charts are drawn, and at once. */
  function toPaper(on) {
    isPaper = on;
    repaint();
    draw();
  }

  function begin(data) {
    timeline = data;
    area = document.getElementById("plots");
    paint = LeakdrillDraw.colours();
    view.to = timeline.end || 1;
    timeline.end = view.to;
    measure();
    makeTracks();
    charts = [...area.querySelectorAll("[data-chart]")].map((box) => {
      const one = timeline.charts[Number(box.dataset.chart)];
      const outputs = [...box.closest("figure").querySelectorAll("output")];
      return { box, data: one, outputs, reach: one.curves.map(reach), plot: null, isStale: true, isVisible: false };
    });
    const seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const chart = charts.find((one) => one.box === entry.target);
        chart.isVisible = entry.isIntersecting;
      }
      schedule();
    }, { rootMargin: "20px" });
    charts.forEach((chart) => seen.observe(chart.box));
    let last = area.clientWidth;
    new ResizeObserver(() => { if (area.clientWidth !== last) { last = area.clientWidth; measure(); repaint(); } }).observe(area);
    draw();
  }

  const state = () => ({ ...view, cursor, end: timeline.end });
  const xOf = (clientX) => view.from + ((clientX - area.getBoundingClientRect().left - area.clientLeft - GUTTER) / trackWidth()) * width();

  return { begin, state, setView, move, zoom, all, fit, setCursor, showStretch, repaint, toPaper, xOf, placeLine, trackWidth };
})();
