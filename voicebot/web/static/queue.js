// The left column: who waits, who must be called back, what colleagues are doing.
import { at, clock, lasted, make } from "/static/api.js";
import { CALL_BACKS, REASONS, STATES } from "/static/words.js";

export function queue(board, { me, chosen, look, take, target }) {
  at("waiting-count").textContent = board.waiting_count;
  at("call-back-count").textContent = board.call_backs.length;
  lines(at("waiting"), board.waiting, (line) => entry(line, {
    chosen, look, take,
    tail: [line.offered_to && line.offered_to !== me ? `正在呼叫 ${line.offered_to}` : REASONS[line.reason], waited(line, target)],
  }));
  lines(at("call-backs"), board.call_backs, (line) => entry(line, {
    chosen, look, take, tail: [CALL_BACKS[line.call_back], clock(line.joined_at)],
  }));
  at("agents").replaceChildren(...board.agents.filter((agent) => agent.state !== "offline").map((agent) =>
    make("li", {}, make("span", {}, agent.display_name), make("span", {}, STATES[agent.state] + (agent.reason ? `（${agent.reason}）` : "")))));
}

function lines(list, found, draw) {
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.entry : "";
  list.replaceChildren(...found.map(draw));
  if (focused) list.querySelector(`[data-entry="${CSS.escape(focused)}"]`)?.focus();
}

function entry(line, { chosen, look, take, tail }) {
  const button = make("button", {
    type: "button", "data-entry": line.entry_id,
    class: [line.priority === 0 ? "danger" : "", line.call_id === chosen ? "chosen" : ""].join(" ").trim() || null,
    onclick: () => look(line), ondblclick: () => take(line),
    onkeydown: (event) => {
      if (event.key === "Enter" && line.call_id === chosen) { event.preventDefault(); take(line); }
    },
  }, make("strong", {}, line.title || line.summary || "还没有说明事由"), make("span", {}, line.caller_number || "未显示号码"),
  make("span", { class: "tail" }, make("span", {}, tail[0]), tail[1] instanceof Node ? tail[1] : make("span", {}, tail[1])));
  return make("li", {}, button);
}

function waited(line, target) {
  const late = Date.now() - new Date(line.joined_at) > target * 1000;
  return make("span", { class: late ? "late" : null, "data-since": line.joined_at }, `等了 ${lasted(line.joined_at)}`);
}

export function tick() {
  for (const element of document.querySelectorAll("[data-since]")) {
    element.textContent = `${element.dataset.before ?? "等了 "}${lasted(element.dataset.since)}`;
  }
}
