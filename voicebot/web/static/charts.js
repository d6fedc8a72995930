// Charts as SVG, drawn from the same figures that can be exported. Each has its numbers as a table for those who hear.
const SPACE = "http://www.w3.org/2000/svg";

function shape(tag, attributes, text) {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

export function curve(slots, title) {
  const width = 960, height = 200, left = 34, bottom = 24;
  const most = Math.max(1, ...slots.map((slot) => Math.max(slot.calls, slot.handed_off)));
  const scale = (count) => (height - bottom - 14) * count / most;
  const step = (width - left) / slots.length;
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title });
  svg.append(shape("text", { x: 0, y: 14 }, most), shape("text", { x: 0, y: height - bottom }, 0),
    shape("line", { class: "axis", x1: left, x2: width, y1: height - bottom, y2: height - bottom }));
  slots.forEach((slot, place) => {
    const x = left + place * step;
    for (const [kind, count, offset] of [["", slot.calls, 0], [" second", slot.handed_off, step * 0.42]]) {
      const bar = shape("rect", { class: `bar${kind}`, x: x + offset, y: height - bottom - scale(count), width: step * 0.4, height: scale(count) });
      bar.append(shape("title", {}, `${slot.begins} 来电 ${slot.calls}，转人工 ${slot.handed_off}，接起 ${slot.answered}，放弃 ${slot.abandoned}`));
      svg.append(bar);
    }
    if (place % 4 === 0) svg.append(shape("text", { x, y: height - 6 }, slot.begins));
  });
  return svg;
}

export function bars(counts, title) {
  const rows = Object.entries(counts);
  const width = 960, line = 26, left = 110;
  const most = Math.max(1, ...rows.map(([, count]) => count));
  const svg = shape("svg", { viewBox: `0 0 ${width} ${Math.max(1, rows.length) * line}`, role: "img", "aria-label": `${title}：${rows.map(([name, count]) => `${name} ${count}`).join("，") || "还没有"}` });
  rows.forEach(([name, count], place) => {
    const y = place * line;
    const length = (width - left - 60) * count / most;
    svg.append(shape("text", { x: 0, y: y + 17 }, name), shape("rect", { class: "bar", x: left, y: y + 5, width: length, height: 15 }), shape("text", { x: left + length + 8, y: y + 17 }, count));
  });
  return svg;
}
