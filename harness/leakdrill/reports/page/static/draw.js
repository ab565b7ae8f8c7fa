/* Draws one chart with uPlot: curves, levels, bands, and lines where something happened. */
const LeakdrillDraw = (() => {
  "use strict";

  const GUTTER = 66, RIGHT = 22;
  const MOST_CHARS = 8; // of a value beside an axis; the unit of a longer one stands below it
  const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3], [1, 4], [12, 4], [4, 2], [6, 2, 1, 2]];
  const UNITS = { seconds: "", bytes: "", count: "", cores: " cores", "per second": "/s" };
  const BINARY = [], DECIMAL = [];
  for (let power = 0; power < 50; power++) { BINARY.push(2 ** power); }
  for (let power = -6; power < 16; power++) { for (const one of [1, 2, 5]) { DECIMAL.push(Number(`${one}e${power}`)); } }
  const TIMES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400,
    21600, 43200, 86400, 172800, 604800];

  function significant(number, figures = 3) {
    const text = Math.abs(number) >= 10 ** figures - 0.5 ? number.toFixed(0) : Number(number.toPrecision(figures)).toString();
    return text === "-0" ? "0" : text;
  }

  function size(bytes, figures) {
    let rest = Math.abs(bytes), unit = 0;
    while (rest >= 1024 && unit < 3) { rest /= 1024; unit++; }
    return `${bytes < 0 ? "-" : ""}${significant(rest, figures)} ${["B", "KiB", "MiB", "GiB"][unit]}`;
  }

  /** The values of an axis, with as many figures as it takes to tell one from the next. */
  function distinct(values, unit) {
    let texts = [];
    for (let figures = 3; figures <= 8; figures++) {
      texts = values.map((value) => show(value, unit, figures));
      if (new Set(texts).size === texts.length) { break; }
    }
    return texts.map((text) => (text.length > MOST_CHARS ? text.replace(" ", "\n") : text));
  }

  /** A duration as scenario files write it: 450ms, 48s, 1m 15s, 2h 5m. */
  function duration(seconds) {
    if (seconds < 0) { return `-${duration(-seconds)}`; }
    if (seconds === 0) { return "0s"; }
    if (seconds < 1) { return `${significant(seconds * 1000)}ms`; }
    if (seconds < 60) { return `${Number(seconds.toFixed(1))}s`; }
    let rest = Math.round(seconds);
    const parts = [];
    for (const [name, length] of [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]]) {
      const count = Math.floor(rest / length);
      rest -= count * length;
      if (count || parts.length) { parts.push(count ? `${count}${name}` : ""); }
    }
    return parts.slice(0, 2).filter(Boolean).join(" ");
  }

  function show(value, unit, figures = 3) {
    if (value === null || value === undefined || Number.isNaN(value)) { return "no reading"; }
    if (unit === "bytes") { return size(value, figures); }
    if (unit === "seconds") { return duration(value); }
    return significant(value, figures) + UNITS[unit];
  }

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(`--${name}`).trim();
    return {
      text: of("muted"), paper: of("paper"), grid: of("grid"), limit: of("fail"), threshold: of("unknown"), wanted: of("unknown"),
      band: of("band"), step: of("step-band"), moment: of("moment"), font: of("chart-font"),
      curves: DASHES.map((_, i) => of(`curve-${i}`)),
    };
  }

  /** The highest value that a chart has to show; a limit far above the readings is left to the legend. */
  function top(chart) {
    let highest = 0;
    if (chart.stacked && chart.curves.length) {
      chart.total = new Float64Array(chart.curves[0].x.length);
      for (const curve of chart.curves) { curve.y.forEach((y, i) => { chart.total[i] += y || 0; }); }
      for (const y of chart.total) { highest = Math.max(highest, y); }
    }
    for (const curve of chart.curves) { for (const y of curve.y) { if (y > highest) { highest = y; } } }
    const wanted = [...chart.levels.flatMap((level) => [level[2], ...level[3].map((change) => change[1])]), ...chart.bands.map((band) => band[2])];
    for (const level of wanted) { if (level <= 3 * highest) { highest = Math.max(highest, level); } }
    return highest * 1.06 || 1;
  }

  function bottom(chart) {
    let lowest = chart.zero ? 0 : Infinity;
    for (const curve of chart.curves) { for (const y of curve.y) { if (y < lowest) { lowest = y; } } }
    if (chart.zero || lowest === Infinity) { return Math.min(0, lowest * 1.06) || 0; }
    const highest = chart.top / 1.06, room = (highest - lowest || Math.abs(highest) || 1) * 0.08;
    chart.top = highest + room;
    return lowest - room;
  }

  /** What uPlot draws of a chart between `from` and `to`, as columns that share their first one. */
  function columns(chart, from, to, pixels) {
    if (!chart.curves.length) { return [[]]; }
    if (chart.stacked) {
      const xs = chart.curves[0].x, picks = LeakdrillData.picked(xs, chart.total, from, to, pixels);
      const sums = new Array(picks.length).fill(0), data = [picks.map((i) => xs[i])];
      for (const curve of chart.curves) {
        picks.forEach((pick, k) => { sums[k] += curve.y[pick] || 0; });
        data.push(sums.slice());
      }
      return data;
    }
    const each = chart.curves.map((curve) => {
      const picks = LeakdrillData.picked(curve.x, curve.y, from, to, pixels);
      return [picks.map((i) => curve.x[i]), picks.map((i) => (Number.isNaN(curve.y[i]) ? null : curve.y[i]))];
    });
    chart.drawn = each.map(([xs]) => xs.length);
    return each.length === 1 ? each[0] : uPlot.join(each);
  }

  function series(chart, paint) {
    return chart.curves.map((curve, i) => ({
      stroke: () => paint().curves[i % 8],
      width: i === 0 && !chart.stacked ? 2 : 1.5,
      dash: DASHES[i % 8],
      paths: curve.dots ? () => null : chart.stacked ? undefined : paths(curve.steps, chart),
      points: { show: curve.dots, size: 6, fill: () => paint().curves[i % 8] },
      fill: chart.stacked ? () => `${paint().curves[i % 8]}59` : undefined,
    }));
  }

  const LINES = uPlot.paths.linear(), STEPS = uPlot.paths.stepped({ align: 1 });

  const isDense = (u, chart, index) => chart.drawn[index - 1] > (u.bbox.width / uPlot.pxRatio) * 0.9;

  /** A line where there is room for one; where readings are closer than pixels `ranges` draws them. */
  function paths(hasSteps, chart) {
    return (u, index, first, last) => {
      if (isDense(u, chart, index)) { return null; }
      return { ...(hasSteps ? STEPS : LINES)(u, index, first, last), fill: null };
    };
  }

  /** The range of each column of pixels, or of two while the view moves: without a GPU many times as fast as a line through thousands of points. */
  function ranges(u, index, chart, paint, wide) {
    const curve = chart.curves[index - 1], xs = u.data[0], ys = u.data[index];
    if (!curve || curve.dots || chart.stacked || !isDense(u, chart, index)) { return; }
    const { left, top: upper, width, height } = u.bbox, c = u.ctx, i = index - 1;
    const { min: fromX, max: toX } = u.scales.x, { min: fromY, max: toY } = u.scales.y;
    const perX = width / (toX - fromX), perY = height / (toY - fromY), thick = Math.max(1, Math.round(1.5 * uPlot.pxRatio)) * wide;
    const gap = i === 0 ? 0 : 3 + i, period = 3 * gap;
    let column = null, low = 0, high = 0, before = null;
    const flush = () => {
      if (column !== null && (!gap || column % period >= gap)) { c.fillRect(column, low, thick, high - low + thick / wide); }
    };
    c.save();
    c.beginPath(); c.rect(left, upper, width, height); c.clip();
    c.fillStyle = paint().curves[i % 8];
    for (let k = 0; k < xs.length; k++) {
      if (ys[k] === undefined) { continue; }
      if (ys[k] === null) { before = null; continue; }
      const x = Math.round((left + (xs[k] - fromX) * perX) / wide) * wide, y = Math.round(upper + (toY - ys[k]) * perY);
      if (x !== column) {
        flush();
        column = x;
        low = before === null ? y : Math.min(y, before);
        high = before === null ? y : Math.max(y, before);
      } else { low = Math.min(low, y); high = Math.max(high, y); }
      before = y;
    }
    flush();
    c.restore();
  }

  /** Behind the curves: bands, and the stretches in which steps were carried out. */
  function behind(u, chart, timeline, paint) {
    const { left, top: upper, width, height } = u.bbox, c = u.ctx;
    c.save();
    c.beginPath(); c.rect(left, upper, width, height); c.clip();
    c.fillStyle = paint().band;
    for (const [, low, high] of chart.bands) {
      const y0 = u.valToPos(high, "y", true), y1 = u.valToPos(low, "y", true);
      c.fillRect(left, y0, width, Math.max(1, y1 - y0));
    }
    c.fillStyle = paint().step;
    for (const [, , start, end] of timeline.marks) {
      if (end > start) {
        const x0 = u.valToPos(start, "x", true), x1 = u.valToPos(end, "x", true);
        c.fillRect(x0, upper, x1 - x0, height);
      }
    }
    c.restore();
  }

  /** Before the curves: levels with their names, and a line at each moment at which something happened. */
  function before(u, chart, timeline, paint) {
    const { left, top: upper, width, height } = u.bbox, c = u.ctx, ratio = uPlot.pxRatio;
    c.save();
    c.beginPath(); c.rect(left, upper, width, height); c.clip();
    c.lineWidth = ratio;
    c.strokeStyle = paint().moment;
    c.setLineDash([]);
    const moments = [...timeline.marks.map((mark) => mark[2]), ...timeline.phases.map((phase) => phase[1])];
    c.beginPath();
    for (const moment of moments) {
      const x = Math.round(u.valToPos(moment, "x", true)) + 0.5;
      c.moveTo(x, upper);
      c.lineTo(x, upper + height);
    }
    c.stroke();
    c.font = `${11 * ratio}px ${paint().font}`;
    c.textAlign = "left";
    c.textBaseline = "alphabetic";
    const taken = [];
    for (const [kind, name, value, changes] of chart.levels) {
      const y = u.valToPos(value, "y", true);
      c.strokeStyle = c.fillStyle = paint()[kind];
      c.lineWidth = (kind === "limit" ? 2 : 1) * ratio;
      c.setLineDash(kind === "limit" ? [] : [8 * ratio, 4 * ratio]);
      stairs(c, u, [[0, value], ...changes], left, left + width);
      const at = y - 4 * ratio < upper + 10 * ratio ? y + 12 * ratio : y - 4 * ratio;
      if (!taken.some((other) => Math.abs(other - at) < 13 * ratio)) {
        const words = name.length > 60 ? `${name.slice(0, 59)}…` : name;
        c.setLineDash([]);
        c.lineWidth = 3 * ratio;
        c.strokeStyle = paint().paper;
        c.strokeText(words, left + 4 * ratio, at);
        c.fillText(words, left + 4 * ratio, at);
        taken.push(at);
      }
    }
    c.restore();
  }

  /** A level that holds from each moment until the next one. */
  function stairs(c, u, changes, left, right) {
    c.beginPath();
    changes.forEach(([x, value], i) => {
      const y = u.valToPos(value, "y", true), from = i ? u.valToPos(x, "x", true) : left;
      if (i) { c.lineTo(from, y); } else { c.moveTo(from, y); }
      c.lineTo(i + 1 < changes.length ? u.valToPos(changes[i + 1][0], "x", true) : right, y);
    });
    c.stroke();
  }

  function axes(chart, timeline, paint) {
    const both = timeline.axis === "time" && timeline.scale !== 1;
    const look = { stroke: () => paint().text, grid: { stroke: () => paint().grid, width: 1 },
      ticks: { stroke: () => paint().grid, size: 5, width: 1 }, font: `12px ${paint().font}` };
    const place = (x) => (timeline.axis === "time" ? duration(x) + (both ? `\n${duration(x * timeline.scale)}` : "") : significant(x));
    return [
      { ...look, size: both ? 44 : 30, space: 74, values: (_, splits) => splits.map(place),
        incrs: timeline.axis === "time" ? TIMES : DECIMAL },
      { ...look, size: GUTTER, space: 34, gap: 4, values: (_, splits) => distinct(splits, chart.unit),
        incrs: chart.unit === "bytes" ? BINARY : DECIMAL },
    ];
  }

  /** A chart in `box`; `view` is asked for what is shown, `paint` for the colours. */
  function plot(box, chart, timeline, view, paint) {
    chart.top = top(chart);
    chart.bottom = bottom(chart);
    const range = (_, low, high) => {
      if (!view().fit || low === null || high === null) { return [chart.bottom, chart.top]; }
      const room = (high - low || Math.abs(high) || 1) * 0.08;
      return [low - room, high + room];
    };
    const options = {
      width: box.clientWidth, height: box.clientHeight, legend: { show: false }, cursor: { show: false },
      select: { show: false }, padding: [8, RIGHT, 0, 0],
      scales: { x: { time: false, range: () => [view().from, view().to] }, y: { range } },
      axes: axes(chart, timeline, paint),
      series: [{}, ...series(chart, paint)],
      bands: chart.stacked ? chart.curves.slice(1).map((_, i) => ({ series: [i + 2, i + 1] })) : [],
      hooks: { drawAxes: [(u) => behind(u, chart, timeline, paint)], drawSeries: [(u, index) => ranges(u, index, chart, paint, view().isCoarse ? 2 : 1)],
        draw: [(u) => before(u, chart, timeline, paint)] },
    };
    return new uPlot(options, columns(chart, view().from, view().to, box.clientWidth), box);
  }

  return { GUTTER, RIGHT, plot, columns, show, duration, colours, significant };
})();
