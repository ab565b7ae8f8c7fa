/* Unpacks the page's data: JSON, deflated, in base64; times and values are told as distances, in steps. */
const LeakdrillData = (() => {
  "use strict";

  const X_STEP = 0.001;

  /** The numbers whose distances from one another are `distances`; null is a hole, and becomes NaN. */
  function summed(distances, step) {
    const values = new Float64Array(distances.length);
    let sum = 0;
    for (let i = 0; i < distances.length; i++) {
      if (distances[i] === null) { values[i] = NaN; } else { sum += distances[i]; values[i] = sum * step; }
    }
    return values;
  }

  /** At once, and not with the browser's own DecompressionStream: that answers later, and printing does not wait for it. */
  function unpack(text) {
    const packed = atob(text.trim()), bytes = new Uint8Array(packed.length);
    for (let i = 0; i < packed.length; i++) { bytes[i] = packed.charCodeAt(i); }
    const tree = JSON.parse(fflate.strFromU8(fflate.unzlibSync(bytes)));
    for (const chart of tree.charts) {
      for (const curve of chart.curves) {
        curve.y = summed(curve.y, curve.step);
        curve.x = summed(curve.x, X_STEP);
      }
    }
    return tree;
  }

  /** The position of the first of `xs` that is not below `x`. */
  function position(xs, x) {
    let low = 0, high = xs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (xs[middle] < x) { low = middle + 1; } else { high = middle; }
    }
    return low;
  }

  /** The reading nearest to `x`; null where the nearest one is a hole, or further than `reach`. */
  function nearest(curve, x, reach) {
    const after = position(curve.x, x);
    let best = null;
    for (const i of [after - 1, after]) {
      if (i < 0 || i >= curve.x.length) { continue; }
      const apart = Math.abs(curve.x[i] - x);
      if (apart <= reach && (best === null || apart < Math.abs(curve.x[best] - x))) { best = i; }
    }
    if (curve.steps && after > 0 && curve.x[after] !== x) { best = after - 1; }
    return best === null || Number.isNaN(curve.y[best]) ? null : curve.y[best];
  }

  /** The positions to draw between `from` and `to`: all, or of each of `pixels` columns the lowest and the highest. */
  function picked(xs, ys, from, to, pixels) {
    const first = Math.max(0, position(xs, from) - 1), end = Math.min(xs.length, position(xs, to) + 1);
    const picks = [];
    if (end - first <= 2 * pixels) {
      for (let i = first; i < end; i++) { picks.push(i); }
      return picks;
    }
    const width = (to - from) / pixels;
    let i = first;
    while (i < end) {
      const until = from + (Math.floor((xs[i] - from) / width) + 1) * width;
      let low = i, high = i, hole = -1;
      const begin = i;
      for (; i < end && (xs[i] < until || i === begin); i++) {
        if (Number.isNaN(ys[i])) { hole = i; continue; }
        if (!(ys[i] >= ys[low])) { low = i; }
        if (!(ys[i] <= ys[high])) { high = i; }
      }
      for (const pick of [low, high, hole].sort((a, b) => a - b)) {
        if (pick >= 0 && pick !== picks[picks.length - 1]) { picks.push(pick); }
      }
    }
    return picks;
  }

  return { unpack, position, nearest, picked };
})();
