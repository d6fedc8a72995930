// The supervisor's page: the floor live, the day in figures.
import { ask, at, keep_up, lasted, make, me, post, tell } from "/static/api.js";
import { bars, curve } from "/static/charts.js";
import { conversation, hearing } from "/static/conversation.js";
import { headset, mute } from "/static/headset.js";
import { watermark } from "/static/watermark.js";
import { REASONS, SKILLS, STATES } from "/static/words.js";

const account = await me();
let source = null;
let watched = "";
let due = 0;

const percent = (share) => (share === null ? "—" : `${(share * 100).toFixed(1)}%`);
const seconds = (value) => (value === null ? "—" : `${Math.round(value)} 秒`);

function connect() {
  source?.close();
  source = new EventSource(`/api/desk/events${watched ? `?call=${encodeURIComponent(watched)}` : ""}`);
  source.onopen = () => { at("connection").textContent = "实时"; };
  source.onerror = () => {
    at("connection").textContent = "连接中断，正在重连…";
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  };
  source.addEventListener("board", (event) => { draw(JSON.parse(event.data)); calls(); clearTimeout(due); due = setTimeout(figures, 500); });
  source.addEventListener("call", read);
  source.addEventListener("hearing", (event) => hearing(JSON.parse(event.data).text));
}

function draw(board) {
  at("agents").replaceChildren(...board.agents.map((agent) => make("tr", {}, make("th", { scope: "row" }, agent.display_name),
    make("td", {}, STATES[agent.state] + (agent.reason ? `（${agent.reason}）` : "")), make("td", { "data-since": agent.since, "data-before": "" }, lasted(agent.since)), make("td", {}, agent.skills.map((skill) => SKILLS[skill] ?? skill).join("、")))));
  at("waiting").replaceChildren(...board.waiting.map((line) => make("tr", {}, make("td", {}, line.position),
    make("td", {}, line.title || line.summary || line.caller_number), make("td", {}, REASONS[line.reason]), make("td", { "data-since": line.joined_at, "data-before": "" }, lasted(line.joined_at)))));
}

const calls = () => keep_up(async () => {
  const open = (await ask("/api/calls?state=open&limit=50")).calls;
  at("calls").replaceChildren(...(open.length ? open.map((call) => make("li", {}, make("button", { type: "button", class: call.call_id === watched ? "chosen" : null, onclick: () => watch(call.call_id) },
    make("strong", {}, call.caller_number || "未显示号码"), make("span", { class: "tail" }, make("span", {}, `${call.turns} 句`), make("span", { "data-since": call.answered_at, "data-before": "" }, lasted(call.answered_at)))))) : [make("li", { class: "quiet" }, "没有。")]));
});

function watch(call_id) {
  watched = call_id;
  at("turns").hidden = at("listen").hidden = false;
  mode("");
  connect();
  read();
}

function mode(chosen) {
  for (const button of at("listen").children) button.setAttribute("aria-pressed", String(button.dataset.mode === chosen));
}

at("listen").addEventListener("click", (event) => {
  const chosen = event.target.dataset.mode;
  if (chosen) tell(async () => {
    await post(`/api/calls/${encodeURIComponent(watched)}/listen`, { mode: chosen });
    mode(chosen);
  });
});

const read = () => keep_up(async () => conversation(await ask(`/api/calls/${encodeURIComponent(watched)}`)));

const figures = () => keep_up(async () => {
  const day = await ask("/api/desk/figures");
  const shown = [["来电", day.calls], ["忙时没接进", day.turned_away], ["转人工", day.handed_off], ["接起", day.answered], ["放弃", day.abandoned], ["正在等", day.waiting], ["待回电", day.to_call_back],
    ["15 秒接起率", percent(day.service_level)], ["放弃率", percent(day.abandon_rate)], ["机器人独立办结", percent(day.bot_share)], ["平均等待", seconds(day.wait_mean_s)], ["95% 等待", seconds(day.wait_p95_s)], ["平均通话", seconds(day.talk_mean_s)]];
  at("figures").replaceChildren(...shown.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, String(value)))));
  at("curve").replaceChildren(curve(day.curve, "今日每半小时来电与转人工"));
  at("reasons").replaceChildren(bars(Object.fromEntries(Object.entries(day.reasons).map(([code, count]) => [REASONS[code] ?? code, count])), "转人工原因"));
});

watermark(account);
headset("用耳机");
document.addEventListener("keydown", (event) => { if (event.key === "F6") { event.preventDefault(); mute(); } });
connect();
figures();
setInterval(figures, 10_000);
setInterval(() => {
  for (const element of document.querySelectorAll("[data-since]")) element.textContent = lasted(element.dataset.since);
}, 1000);
