"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const OUTCOMES = ["admitted", "refused", "timed_out", "failed"];
  const byId = (id) => document.getElementById(id);

  // Columns of differences back into values.
  const count = data.attempts.n.length;
  const sums = (column) => {
    const all = new Float64Array(column.length);
    let sum = 0;
    column.forEach((step, i) => { sum += step; all[i] = sum; });
    return all;
  };
  const number = sums(data.attempts.n);
  const due = sums(data.attempts.due);
  const check = sums(data.attempts.number);
  const outcome = Uint8Array.from(data.results, (r) => OUTCOMES.indexOf(r.outcome));
  const place = new Map();
  for (let i = 0; i < count; i++) place.set(number[i], i);
  const fetchPlace = new Map(data.fetches.map((f, i) => [f.n, i]));
  const publicationPlace = new Map(data.publications.map((p, i) => [p.n, i]));

  // Words.
  const time = (t) => new Date(t).toISOString().replace("T", " ").replace("Z", "").replace(".000", "");
  const SPANS = [["d", 86400000], ["h", 3600000], ["m", 60000], ["s", 1000], ["ms", 1]];
  const span = (ms) => {
    const parts = [];
    let rest = Math.abs(Math.round(ms));
    for (const [unit, size] of SPANS) {
      const n = Math.floor(rest / size);
      if (n > 0 && parts.length < 2) parts.push(n + unit);
      rest -= n * size;
    }
    return (ms < 0 ? "-" : "") + (parts.join(" ") || "0s");
  };
  const counted = (n, noun) => n + " " + noun + (n === 1 ? "" : "s");

  // Elements. Texts go in as texts, never as markup.
  const fill = (element, attributes, children) => {
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const make = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
  const draw = (name, attributes = {}, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
  const titled = (element, words) => { element.append(draw("title", {}, words)); return element; };

  // What is in view.
  const view = { from: data.start, to: data.end, page: 0, outcome: "", chosen: null };
  const LEFT = 190, WIDTH = 1200, SHORTEST = 1000;
  const x = (t) => LEFT + ((t - view.from) / (view.to - view.from)) * (WIDTH - LEFT - 8);
  const at = (px) => view.from + ((px - LEFT) / (WIDTH - LEFT - 8)) * (view.to - view.from);
  const inside = (from, to) => from < view.to && to > view.from;
  const firstFrom = (t) => {
    let low = 0, high = count;
    while (low < high) { const mid = (low + high) >> 1; if (due[mid] < t) low = mid + 1; else high = mid; }
    return low;
  };

  const show = (from, to) => {
    const length = Math.max(to - from, SHORTEST);
    const whole = data.end - data.start;
    view.from = Math.max(data.start, Math.min(from, data.end - Math.min(length, whole)));
    view.to = Math.min(data.end, view.from + length);
    view.page = 0;
    render();
  };
  const zoom = (factor, middle = (view.from + view.to) / 2) => {
    const length = (view.to - view.from) * factor;
    show(middle - ((middle - view.from) * factor), middle - ((middle - view.from) * factor) + length);
  };
  const move = (part) => { const by = (view.to - view.from) * part; show(view.from + by, view.to + by); };

  // Lanes. Each gives its height and draws itself at y.
  const label = (svg, y, words, quiet) => {
    const short = words.length > 29 ? "…" + words.slice(-28) : words;
    svg.append(titled(draw("text", { x: 4, y: y + 13, class: quiet ? "quiet" : "" }, short), words));
  };

  const ticks = (svg, height) => {
    const steps = [1, 2, 5, 10, 15, 30].map((n) => n * 1000)
      .concat([1, 2, 5, 10, 15, 30].map((n) => n * 60000), [1, 2, 3, 6, 12].map((n) => n * 3600000))
      .concat([1, 2, 7, 14, 28, 91, 364].map((n) => n * 86400000));
    const step = steps.find((s) => (view.to - view.from) / s <= 10) || steps[steps.length - 1];
    let day = "";
    for (let t = Math.ceil(view.from / step) * step; t < view.to; t += step) {
      const [date, clock] = new Date(t).toISOString().split("T");
      const words = (date !== day ? date + " " : "") + (step % 86400000 ? clock.slice(0, step < 60000 ? 8 : 5) : "");
      day = date;
      svg.append(draw("line", { x1: x(t), x2: x(t), y1: 18, y2: height, class: "rule" }));
      svg.append(draw("text", { x: x(t) + 2, y: 13, class: "quiet" }, words.trim()));
    }
  };

  const attemptLane = (client) => ({
    height: 40,
    draw(svg, y) {
      label(svg, y + 8, data.clients[client]);
      const [first, last] = [firstFrom(view.from), firstFrom(view.to)];
      const mine = [];
      for (let i = first; i < last && mine.length <= 400; i++) if (data.attempts.client[i] === client) mine.push(i);
      if (mine.length <= 400) mine.forEach((i) => this.tick(svg, y, i, mine.length));
      else this.bins(svg, y, first, last);
    },
    tick(svg, y, i, among) {
      const result = data.results[data.attempts.result[i]];
      const wide = Math.max(2, Math.min(10, 600 / among));
      const mark = draw("rect", { x: x(due[i]) - wide / 2, y: y + 2, width: wide, height: 34,
        class: result.outcome + (view.chosen === number[i] ? " chosen" : ""), "data-n": number[i] });
      svg.append(titled(mark, time(due[i]) + ": " + result.words));
    },
    bins(svg, y, first, last) {
      const BINS = 330, wide = (WIDTH - LEFT - 8) / BINS;
      const counts = new Uint32Array(BINS * 4), worst = new Int32Array(BINS).fill(-1);
      for (let i = first; i < last; i++) {
        if (data.attempts.client[i] !== client) continue;
        const bin = Math.min(BINS - 1, Math.floor((x(due[i]) - LEFT) / wide));
        const kind = outcome[data.attempts.result[i]];
        counts[bin * 4 + kind]++;
        if (worst[bin] < 0 || (kind > 0 && outcome[data.attempts.result[worst[bin]]] === 0)) worst[bin] = i;
      }
      for (let bin = 0; bin < BINS; bin++) this.bin(svg, y, LEFT + bin * wide, wide, counts.subarray(bin * 4, bin * 4 + 4), worst[bin]);
    },
    bin(svg, y, left, wide, counts, worst) {
      const all = counts[0] + counts[1] + counts[2] + counts[3];
      if (all === 0) return;
      const words = OUTCOMES.map((name, k) => (counts[k] ? counts[k] + " " + name.replace("_", " ") : "")).filter(Boolean);
      const group = titled(draw("g", { "data-n": number[worst], "data-bin": 1 }), time(at(left)) + ": " + words.join(", "));
      let top = y + 2;
      for (const k of [1, 2, 3, 0]) {
        // A single refusal among thousands is still seen.
        const share = counts[k] === 0 ? 0 : Math.max(34 * counts[k] / all, k ? 4 : 0);
        const high = k === 0 ? Math.max(0, y + 36 - top) : share;
        if (counts[k] && high > 0) group.append(draw("rect", { x: left, y: top, width: wide + .3, height: high, class: OUTCOMES[k] }));
        top += share;
      }
      svg.append(group);
    },
  });

  const episodeLane = () => ({
    height: 20,
    draw(svg, y) {
      label(svg, y, "episodes", true);
      let free = -1e9;
      data.episodes.forEach((e, i) => {
        if (!inside(e.from, e.to)) return;
        const [left, right] = [Math.max(LEFT, x(e.from)), Math.min(WIDTH - 8, x(e.to))];
        const mark = draw("g", { "data-n": e.first, "data-episode": i });
        mark.append(draw("path", { class: "episode", d: `M${left} ${y + 18}V${y + 14}H${right}V${y + 18}` }));
        if (left > free) { mark.append(draw("text", { x: left, y: y + 12 }, e.name)); free = left + 62; }
        svg.append(titled(mark, `${e.name}: ${e.words}, ${span(e.to - e.from)} from ${time(e.from)}`));
      });
    },
  });

  const barLane = (ca, what, url) => {
    const all = data.publications.map((p, i) => i).filter((i) => {
      const p = data.publications[i];
      return p.ca === ca && p.what === what && p.url === url;
    });
    return {
      height: 34,
      draw(svg, y) {
        label(svg, y, `${ca}: ${what}`);
        svg.append(titled(draw("text", { x: 4, y: y + 27, class: "quiet" }, url.length > 29 ? "…" + url.slice(-28) : url), url));
        all.forEach((i, row) => {
          const p = data.publications[i];
          const end = p.next_update === null ? data.end : p.next_update;
          if (!inside(Math.min(p.t, p.this_update), end)) return;
          const [left, right] = [Math.max(LEFT, x(p.this_update)), Math.min(WIDTH - 8, x(end))];
          const top = y + 2 + (row % 2) * 15;
          const mark = draw("g", { "data-n": p.n });
          mark.append(draw("rect", { x: left, y: top, width: Math.max(1, right - left), height: 13, class: "bar" }));
          const words = p.number === null ? "" : String(p.number);
          if (right - left > 10 + words.length * 8) mark.append(draw("text", { x: left + 3, y: top + 11 }, words));
          svg.append(titled(mark, `${what} ${words} published ${time(p.t)}, valid from ${time(p.this_update)} to ` +
            (p.next_update === null ? "no nextUpdate" : time(p.next_update))));
        });
      },
    };
  };

  // Machines of one validator, desk-1 to desk-3000, share a lane where they are many.
  const MANY = 6;
  const kin = (sut) => data.suts[sut].replace(/-\d+$/, "");
  const kinds = new Map();
  data.suts.forEach((_, sut) => kinds.set(kin(sut), (kinds.get(kin(sut)) || 0) + 1));
  const machines = data.suts.map((name, sut) =>
    (kinds.get(kin(sut)) > MANY ? `${kin(sut)} (${kinds.get(kin(sut))})` : name));

  const fetchLane = (by, what) => {
    const all = data.fetches.map((f, i) => i)
      .filter((i) => machines[data.fetches[i].by] === by && data.fetches[i].what === what);
    return {
      height: 18,
      draw(svg, y) {
        label(svg, y, `${by} fetches ${what}`);
        const there = all.filter((i) => data.fetches[i].t >= view.from && data.fetches[i].t < view.to);
        // What lies on one spot is drawn once, and a failure before a success.
        const spots = new Map();
        for (const i of there) {
          const f = data.fetches[i], key = (there.length > 400 ? Math.round(x(f.t) / 3) : i) + (f.ok ? "o" : "x");
          const spot = spots.get(key);
          if (spot) spot.more++; else spots.set(key, { f, more: 0 });
        }
        for (const { f, more } of spots.values()) {
          const mark = draw("g", { "data-n": f.n }), [px, py] = [x(f.t), y + 9];
          mark.append(f.ok ? draw("circle", { cx: px, cy: py, r: 4, class: "fetched" })
            : draw("path", { d: `M${px - 4} ${py - 4}l8 8m0 -8l-8 8`, class: "vain" }));
          svg.append(titled(mark, `${time(f.t)}: ${f.what}, ${f.came}` + (more ? ` and ${more} more` : "")));
        }
      },
    };
  };

  const staleLane = (machine) => ({
    height: 16,
    draw(svg, y) {
      label(svg, y, `${machine}: base CRL stale`);
      for (const [from, to] of data.stale.filter((it) => machines[it.sut] === machine).flatMap((it) => it.windows)) {
        if (!inside(from, to)) continue;
        const [left, right] = [Math.max(LEFT, x(from)), Math.min(WIDTH - 8, x(to))];
        const mark = draw("rect", { x: left, y: y + 4, width: Math.max(1, right - left), height: 8, class: "stale" });
        svg.append(titled(mark, `stale for ${span(to - from)} from ${time(from)}`));
      }
    },
  });

  const faultLane = (id, on) => ({
    height: 18,
    draw(svg, y, height) {
      label(svg, y, `fault ${id} on ${on}`);
      for (const f of data.faults) {
        if (f.id !== id || f.on !== on || !inside(f.from, f.to)) continue;
        const [left, right] = [Math.max(LEFT, x(f.from)), Math.min(WIDTH - 8, x(f.to))];
        const wide = Math.max(1, right - left);
        svg.append(draw("rect", { x: left, y: 18, width: wide, height: height - 18, class: "shade" }));
        const mark = draw("rect", { x: left, y: y + 3, width: wide, height: 12, class: "fault" });
        svg.append(titled(mark, `fault ${id} on ${on}, ${span(f.to - f.from)} from ${time(f.from)}`));
      }
    },
  });

  const operationLane = () => ({
    height: 18,
    draw(svg, y, height) {
      label(svg, y, "operations");
      let free = -1e9;
      for (const o of data.operations) {
        if (o.t < view.from || o.t >= view.to) continue;
        const mark = draw("g", {});
        mark.append(draw("line", { x1: x(o.t), x2: x(o.t), y1: 18, y2: height, class: "operation" }));
        if (x(o.t) > free) { mark.append(draw("text", { x: x(o.t) + 3, y: y + 13 }, o.id)); free = x(o.t) + 8 + o.id.length * 7; }
        svg.append(titled(mark, `${time(o.t)}: operation ${o.id}: ${o.words}`));
      }
    },
  });

  const lanes = [];
  data.clients.forEach((_, client) => lanes.push(attemptLane(client)));
  if (data.episodes.length) lanes.push(episodeLane());
  const each = (all, key, lane) => {
    const seen = new Map(all.map((it) => [JSON.stringify(key(it)), key(it)]));
    [...seen.values()].forEach((parts) => lanes.push(lane(...parts)));
  };
  each(data.stale.filter((it) => it.windows.length), (it) => [machines[it.sut]], staleLane);
  each(data.fetches, (f) => [machines[f.by], f.what], fetchLane);
  each(data.publications, (p) => [p.ca, p.what, p.url], barLane);
  each(data.faults, (f) => [f.id, f.on], faultLane);
  if (data.operations.length) lanes.push(operationLane());

  const drawLanes = () => {
    const height = lanes.reduce((sum, lane) => sum + lane.height, 24);
    const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img",
      "aria-label": `From ${time(view.from)} to ${time(view.to)}. ` + inWords() });
    const hatch = draw("pattern", { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
    hatch.append(draw("rect", { width: 2, height: 6, fill: "var(--fault)" }));
    svg.append(fill(draw("defs"), {}, [hatch]));
    ticks(svg, height);
    let y = 22;
    for (const lane of lanes) { lane.draw(svg, y, height); y += lane.height; }
    byId("lanes").replaceChildren(svg);
  };

  // How many attempts in view came to what.
  const inView = () => {
    const counts = [0, 0, 0, 0];
    for (let i = firstFrom(view.from), last = firstFrom(view.to); i < last; i++) counts[outcome[data.attempts.result[i]]]++;
    return counts;
  };
  const inWords = () => {
    const counts = inView();
    const words = OUTCOMES.map((name, k) => (counts[k] ? counts[k] + " " + name.replace("_", " ") : "")).filter(Boolean);
    return words.length ? "Attempts: " + words.join(", ") + "." : "No attempts.";
  };

  // The list below the lanes, a page at a time.
  const PAGE = 50;
  const drawList = () => {
    const wanted = OUTCOMES.indexOf(view.outcome);
    const rows = [];
    let matching = 0;
    for (let i = firstFrom(view.from), last = firstFrom(view.to); i < last; i++) {
      if (wanted >= 0 && outcome[data.attempts.result[i]] !== wanted) continue;
      if (matching >= view.page * PAGE && matching < (view.page + 1) * PAGE) rows.push(i);
      matching++;
    }
    const choose = make("select", { "aria-label": "Outcome" }, make("option", { value: "" }, "every outcome"));
    for (const name of OUTCOMES) {
      const option = make("option", { value: name }, name.replace("_", " "));
      option.selected = view.outcome === name;
      choose.append(option);
    }
    choose.addEventListener("change", () => { view.outcome = choose.value; view.page = 0; drawList(); });
    const turn = (words, by, allowed) => {
      const button = make("button", { type: "button" }, words);
      button.disabled = !allowed;
      button.addEventListener("click", () => { view.page += by; drawList(); });
      return button;
    };
    const from = view.page * PAGE, to = Math.min(matching, from + PAGE);
    const bar = make("p", { class: "controls" }, choose, turn("earlier", -1, view.page > 0), turn("later", 1, to < matching),
      matching ? `${from + 1} to ${to} of ${matching}` : "none");
    const head = make("thead", {}, make("tr", {}, ...["due", "client", "identity", "outcome", "took"]
      .map((words) => make("th", { scope: "col" }, words))));
    const body = make("tbody", {}, ...rows.map((i) => make("tr", {},
      make("td", {}, make("a", { href: "#n-" + number[i] }, time(due[i]))),
      make("td", {}, who(i)), make("td", {}, data.identities[data.attempts.identity[i]]),
      make("td", {}, data.results[data.attempts.result[i]].words),
      make("td", { class: "number" }, span(data.attempts.took[i])))));
    byId("list").replaceChildren(bar, make("table", {}, head, body));
  };
  const who = (i) => data.clients[data.attempts.client[i]] + (data.attempts.thread[i] ? ", thread " + data.attempts.thread[i] : "");

  // What is behind one mark.
  const pairs = (rows) => make("dl", { class: "facts" },
    ...rows.filter(([, value]) => value !== null && value !== undefined && value !== "")
      .flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));

  const publicationRows = (p) => [["published", time(p.t)], ["by", p.ca], ["at", p.url], ["number", p.number],
    ["delta of base", p.base_number], ["thisUpdate", time(p.this_update)],
    ["nextUpdate", p.next_update === null ? "none" : time(p.next_update)],
    ["Next CRL Publish", p.next_publish === null ? null : time(p.next_publish)],
    ["lists", counted(p.entries, "certificate")], ["size", counted(p.bytes, "byte")], ["SHA-1", p.sha1]];

  const fetchRows = (f) => {
    const rows = [["when", `${time(f.t)}, for ${span(f.took)}`], ["by", `${data.suts[f.by]}, ${f.process}`], ["request", f.request],
      ["came to", f.came], ["size", counted(f.bytes, "byte")], ["unsolicited", f.unsolicited], ["for", f.client],
      ["faults met", (f.faults || []).join(", ")], ["record", "n " + f.n]];
    const o = f.object;
    if (!o) return rows;
    rows.push(["brought", f.what + (o.number === null ? "" : " " + o.number)], ["delta of base", o.base_number],
      ["thisUpdate", time(o.this_update)], ["nextUpdate", o.next_update === null ? "none" : time(o.next_update)]);
    const p = data.publications[o.publication - 1];
    if (p) rows.push(["published", time(p.t) + ", " + span(f.t - p.t) + " before"], ["lists", counted(p.entries, "certificate")]);
    rows.push(["SHA-1", o.sha1]);
    return rows;
  };

  const checkParts = (heading, c, own) => {
    const repeated = own && own !== c.number ? `, which repeats check ${c.number}` : "";
    const steps = make("ol", {}, ...c.steps.map((step) => make("li", {}, data.steps[step])));
    const parts = [make("h4", {}, heading), make("p", {},
      `Check ${own || c.number}${repeated}, on ${data.suts[c.by]}` + (c.process ? ` by ${c.process}` : "") +
      (c.subject ? `, of ${c.subject}` : "") + ". It came to: ", make("span", { class: "came" }, c.verdict), "."), steps];
    for (const f of (c.fetches || []).map((i) => data.fetches[i])) {
      parts.push(make("h4", {}, `Fetched in it: ${f.what}`), pairs(fetchRows(f)));
    }
    return parts;
  };

  const phaseRows = (i) => {
    const phases = (data.attempts.phases || {})[i];
    if (!phases) return [];
    const [connect, handshake, request, firstByte] = phases;
    const rows = [["of that, TLS", span(handshake)], ["the request", span(request)]];
    if (connect !== null) rows.unshift(["of that, TCP", span(connect)]);
    if (firstByte !== null) rows.push(["until its first byte", span(firstByte)]);
    return rows;
  };

  const attemptParts = (i) => {
    const result = data.results[data.attempts.result[i]];
    const parts = [make("h3", {}, `${who(i)} at ${time(due[i])}: ${result.words}`),
      pairs([["identity", data.identities[data.attempts.identity[i]]], ["took", span(data.attempts.took[i])],
        ...phaseRows(i), ...(result.details || []), ["record", "n " + number[i]], ["again", make("code", {}, data.again + " --explain")]])];
    const full = data.checks[data.attempts.check[i] - 1];
    if (full) parts.push(...checkParts("Why: the check, step by step", full, check[i]));
    else parts.push(make("p", {}, "The system under test made no check for it."));
    for (const other of (data.attempts.others || {})[i] || []) {
      const c = data.checks[other.check - 1];
      if (c && c !== full) parts.push(...checkParts(other.words, c));
      else parts.push(make("p", {}, other.words + "."));
    }
    return parts;
  };

  const partsOf = (n) => {
    if (place.has(n)) return attemptParts(place.get(n));
    if (fetchPlace.has(n)) {
      const f = data.fetches[fetchPlace.get(n)];
      return [make("h3", {}, `Fetch of ${f.what}`), pairs(fetchRows(f))];
    }
    if (publicationPlace.has(n)) {
      const p = data.publications[publicationPlace.get(n)];
      return [make("h3", {}, "Published: " + p.what), pairs(publicationRows(p))];
    }
    return [make("h3", {}, "Record " + n), make("p", {}, "It is no attempt, fetch or publication: look for its number in trace.jsonl.")];
  };

  const choose = (n, focus) => {
    view.chosen = n;
    const close = make("button", { type: "button" }, "close");
    close.addEventListener("click", () => { view.chosen = null; byId("detail").replaceChildren(); history.replaceState(null, "", "#"); drawLanes(); byId("lanes").focus(); });
    const bar = make("p", { class: "controls" }, close);
    if (place.has(n)) {
      const i = place.get(n);
      [["earlier", i - 1], ["later", i + 1]].forEach(([words, other]) => {
        const button = make("button", { type: "button" }, words + " attempt");
        button.disabled = other < 0 || other >= count;
        button.addEventListener("click", () => { location.hash = "n-" + number[other]; });
        bar.append(button);
      });
      if (due[i] < view.from || due[i] >= view.to) show(due[i] - (view.to - view.from) / 2, due[i] + (view.to - view.from) / 2);
    }
    byId("detail").replaceChildren(...partsOf(n), bar);
    drawLanes();
    if (focus) byId("detail").focus();
  };

  const followHash = (focus) => {
    const found = /^#n-(\d+)$/.exec(location.hash);
    if (found) choose(Number(found[1]), focus);
  };

  const render = () => {
    drawLanes();
    drawList();
    byId("where").textContent = `${time(view.from)} to ${time(view.to)} (${span(view.to - view.from)}). ${inWords()}`;
  };

  // Hands.
  const controls = [["whole run", () => show(data.start, data.end)], ["zoom in", () => zoom(.5)], ["zoom out", () => zoom(2)],
    ["←", () => move(-.5), "earlier"], ["→", () => move(.5), "later"]];
  for (const [words, act, name] of controls) {
    const button = make("button", { type: "button", "aria-label": name || words }, words);
    button.addEventListener("click", act);
    byId("controls").append(button);
  }
  byId("controls").append(make("span", { id: "where", "aria-live": "polite" }));
  const swatch = (name) => fill(draw("svg", { width: 12, height: 12, "aria-hidden": "true" }), {}, [draw("rect", { width: 12, height: 12, class: name })]);
  byId("keys").prepend(...OUTCOMES.map((name) => make("span", { class: "key" }, swatch(name), name.replace("_", " "))));

  const KEYS = { "+": () => zoom(.5), "=": () => zoom(.5), "-": () => zoom(2), "0": () => show(data.start, data.end),
    ArrowLeft: () => move(-.25), ArrowRight: () => move(.25) };
  byId("lanes").addEventListener("keydown", (event) => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? null : KEYS[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  const px = (event) => {
    const box = byId("lanes").getBoundingClientRect();
    return ((event.clientX - box.left) / box.width) * WIDTH;
  };
  byId("lanes").addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? .7 : 1.4, at(px(event)));
  }, { passive: false });
  let drag = null;
  byId("lanes").addEventListener("pointerdown", (event) => { drag = { from: px(event), to: px(event), target: event.target }; });
  byId("lanes").addEventListener("pointermove", (event) => {
    if (!drag) return;
    drag.to = px(event);
    const svg = byId("lanes").firstChild;
    if (!drag.box) { drag.box = draw("rect", { y: 0, height: 10000, class: "pick" }); svg.append(drag.box); }
    drag.box.setAttribute("x", Math.min(drag.from, drag.to));
    drag.box.setAttribute("width", Math.abs(drag.to - drag.from));
  });
  addEventListener("pointerup", () => {
    if (!drag) return;
    const { from, to, target, box } = drag;
    drag = null;
    if (box) box.remove();
    if (Math.abs(to - from) > 6) { show(at(Math.max(LEFT, Math.min(from, to))), at(Math.max(from, to))); return; }
    const mark = target.closest && target.closest("[data-n]");
    if (!mark) return;
    if (mark.dataset.episode !== undefined) showEpisode(Number(mark.dataset.episode));
    location.hash = "n-" + mark.dataset.n;
  });
  const showEpisode = (i) => {
    const e = data.episodes[i];
    show(e.from - (e.to - e.from), e.to + (e.to - e.from));
  };
  document.querySelectorAll("a[data-episode]").forEach((link) =>
    link.addEventListener("click", () => showEpisode(Number(link.dataset.episode))));
  addEventListener("hashchange", () => followHash(true));
  // On paper the whole run is shown.
  addEventListener("beforeprint", () => show(data.start, data.end));

  render();
  followHash(false);
  document.documentElement.dataset.drawn = String(Math.round(performance.now()));
})();
