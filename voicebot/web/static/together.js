// The call in hand and others: somebody is called into it, or it goes to a colleague or back to the bot.
import { ask, at, keep_up, make, post, tell } from "/static/api.js";
import { STAGES } from "/static/words.js";

const PANELS = { "three-way": "contacts", "pass-on": "colleagues" };
let hand = ""; // the call in hand
let held = false; // whether it is on this headset
let third = null; // who was called into it last
let contacts = [];
let shown = ""; // the colleagues that are shown
let changed = () => {};

const path = (rest = "") => `/api/calls/${encodeURIComponent(hand)}/third-party${rest}`;
export const joined = () => held && ["ringing", "answered"].includes(third?.stage);

function open(button, wanted) {
  for (const [id, list] of Object.entries(PANELS)) {
    const expanded = wanted && id === button;
    at(id).setAttribute("aria-expanded", String(expanded));
    at(list).hidden = !expanded;
  }
  if (wanted) at(PANELS[button]).querySelector("button")?.focus();
}

const toggle = (button) => !at(button).disabled && open(button, at(PANELS[button]).hidden);
const choice = (text, chosen) => make("li", {}, make("button", { type: "button", onclick: () => { open("", false); chosen(); } }, text));

function show() {
  at("three-way").disabled = !held || joined() || !contacts.length;
  at("pass-on").disabled = !held || joined();
  for (const [id, list] of Object.entries(PANELS)) if (at(id).disabled && !at(list).hidden) open(id, false);
  at("drop-third").hidden = !joined();
  at("drop-third").textContent = third?.stage === "ringing" ? "不再呼叫" : "请对方退出";
  at("leave-third").hidden = !joined() || third.stage !== "answered";
  at("third-state").textContent = held && third ? `${third.name} ${third.number}：${STAGES[third.stage]}${third.with_agent ? "" : "（您已断开，来电人与对方还在通话）"}` : "";
  changed();
}

// Read how it stands; called whenever the record of the call in hand has changed.
export async function refresh() {
  const wanted = hand;
  const found = wanted ? await ask(path()).catch(() => null) : { held: false, third_party: null };
  if (!found || wanted !== hand) return;
  held = found.held;
  third = found.third_party;
  show();
}

const change = (rest, body) => tell(async () => { await post(path(rest), body); await refresh(); });

// The call in hand ("" for none), and who could take it over.
export function follow(call_id, ready) {
  if (call_id !== hand) {
    hand = call_id;
    held = false;
    third = null;
    show();
    refresh();
  }
  const key = JSON.stringify(ready.map((agent) => [agent.name, agent.display_name]));
  if (key === shown) return;
  shown = key;
  at("colleagues").replaceChildren(
    choice("机器人", () => tell(() => post("/api/desk/to-bot"))),
    ...ready.map((agent) => choice(agent.display_name, () => tell(() => post("/api/desk/pass-on", { agent: agent.name })))),
  );
}

export const threeWay = () => toggle("three-way");

export async function together(onChange) {
  changed = onChange;
  for (const id of Object.keys(PANELS)) at(id).addEventListener("click", () => toggle(id));
  at("drop-third").addEventListener("click", () => change("/drop"));
  at("leave-third").addEventListener("click", () => change("/leave"));
  for (const list of Object.values(PANELS)) {
    at(list).addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      open("", false);
      at(Object.keys(PANELS).find((id) => PANELS[id] === list)).focus();
    });
  }
  const known = await keep_up(() => ask("/api/desk/contacts"));
  contacts = known?.contacts ?? [];
  at("contacts").replaceChildren(...contacts.map((each) => choice(`${each.name} ${each.number}`, () => change("", { number: each.number }))));
  show();
}
