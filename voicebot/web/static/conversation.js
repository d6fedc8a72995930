// The middle column: both sides word for word, corrected characters marked, a click jumps into the recording.
import { at, make } from "/static/api.js";
import { SPEAKERS } from "/static/words.js";

export function conversation(call, list = at("turns")) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  list.replaceChildren(...call.turns.filter((turn) => turn.text).map((turn) => sentence(turn, call)));
  if (atEnd) list.scrollTop = list.scrollHeight;
}

// What the caller is saying just now, in grey; the finished sentence takes its place.
export function hearing(text, list = at("turns")) {
  list.querySelector(".partial")?.remove();
  if (text) list.append(make("li", { class: "caller partial" }, who("caller", null), text));
  list.scrollTop = list.scrollHeight;
}

function sentence(turn, call) {
  const jump = call.has_recording && call.end ? () => play(call, turn.start_ms / 1000) : null;
  const unheard = turn.speaker === "bot" && turn.raw_text !== turn.text ? "（说到这里被打断）" : "";
  return make("li", {
    class: `${turn.speaker}${jump ? " jump" : ""}`, title: turn.speaker === "caller" && turn.raw_text !== turn.text ? `听写原文：${turn.raw_text}` : null,
    ...(jump ? { tabindex: "0", role: "button", onclick: jump, onkeydown: (event) => event.key === "Enter" && jump() } : {}),
  }, who(turn.speaker, turn.start_ms), ...marked(turn.text, turn.marks ?? []), unheard);
}

function who(speaker, start_ms) {
  const at = start_ms === null ? "" : ` ${Math.floor(start_ms / 60_000)}:${String(Math.floor(start_ms / 1000) % 60).padStart(2, "0")}`;
  return make("span", { class: "who" }, SPEAKERS[speaker] + at);
}

function marked(text, marks) {
  const parts = [];
  let from = 0;
  for (const [start, end] of marks) {
    parts.push(text.slice(from, start), make("mark", { title: "按读音纠正" }, text.slice(start, end)));
    from = end;
  }
  return [...parts, text.slice(from)];
}

function play(call, seconds) {
  const recording = at("recording");
  const address = `/api/calls/${encodeURIComponent(call.call_id)}/recording`;
  if (!recording.src.endsWith(address)) recording.src = address;
  const start = () => { recording.currentTime = seconds; recording.play(); };
  if (recording.readyState > 0) start();
  else { recording.addEventListener("loadedmetadata", start, { once: true }); recording.load(); }
}
