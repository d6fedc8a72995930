// The agent's desk: the board arrives as events; the call one looks at is read whenever it changed.
import { ask, at, keep_up, lasted, leave, me, patch, post, tell } from "/static/api.js";
import { conversation, hearing } from "/static/conversation.js";
import { advice, earlier, fill, form, passages } from "/static/facts.js";
import { headset, mute } from "/static/headset.js";
import { allow, ring } from "/static/notices.js";
import { queue, tick } from "/static/queue.js";
import { follow, joined, refresh, threeWay, together } from "/static/together.js";
import { watermark } from "/static/watermark.js";
import { STATES } from "/static/words.js";

const account = await me();
const options = await ask("/api/desk/options");
let board = null;
let source = null;
let call = null; // the call on the screen
let chosen = ""; // its id
let clear = false; // whether personal data is shown
let rung = ""; // the entry that was announced last
let draftReading = 0;

const mine = () => board?.agents.find((agent) => agent.name === account.name);
const inHand = () => board?.in_hand.find((line) => line.agent === account.name && line.entry_id === mine()?.entry_id);
const offered = () => board?.waiting.find((line) => line.offered_to === account.name);
const path = (rest) => `/api/calls/${encodeURIComponent(chosen)}${rest}`;

function connect() {
  source?.close();
  source = new EventSource(`/api/desk/events?desk=1${chosen ? `&call=${encodeURIComponent(chosen)}` : ""}`);
  source.addEventListener("board", (event) => { board = JSON.parse(event.data); draw(); });
  source.addEventListener("call", () => { read(); refresh(); });
  source.addEventListener("hearing", (event) => hearing(JSON.parse(event.data).text));
  source.onerror = () => {
    at("my-state").textContent = "连接中断，正在重连…";
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  };
  source.onopen = () => { if (chosen) read(); };
}

function draw() {
  const self = mine();
  at("my-state").textContent = self ? STATES[self.state] + (self.reason ? `（${self.reason}）` : "") : "正在连接…";
  const free = self && !["ringing", "talking"].includes(self.state);
  at("ready").disabled = !free || self.state === "ready";
  at("offline").disabled = at("pause").disabled = !free;
  const hand = inHand();
  at("finish").disabled = !hand;
  at("give-back").disabled = !hand || joined();
  at("file").disabled = !hand || hand.call_id !== chosen;
  if (hand && hand.call_id !== chosen) look(hand);
  queue(board, { me: account.name, chosen, look, take, target: options.service_level_s });
  follow(hand?.call_id ?? "", board.agents.filter((agent) => agent.state === "ready"));
  offer();
  fill(call?.draft, Boolean(hand) && hand.call_id === chosen);
}

function offer() {
  const line = offered();
  at("offer").hidden = !line;
  if (!line) { rung = ""; return; }
  at("offer-title").textContent = line.priority === 0 ? "紧急来电" : "来电";
  at("offer-summary").textContent = line.summary || line.title || "还没有说明事由";
  if (rung !== line.entry_id) {
    rung = line.entry_id;
    ring(at("offer-title").textContent, at("offer-summary").textContent, line.priority === 0);
    if (!["INPUT", "TEXTAREA", "SELECT"].includes(document.activeElement?.tagName)) at("accept").focus();
    look(line);
  }
}

function look(line) {
  if (chosen === line.call_id) return;
  chosen = line.call_id;
  call = null;
  clear = false;
  at("filed").textContent = "";
  at("summary").textContent = line.summary;
  at("unmask").disabled = false;
  connect();
  read();
  keep_up(async () => earlier((await ask(path("/earlier"))).tickets));
}

async function read() {
  const wanted = chosen;
  if (!wanted) return;
  const found = await keep_up(() => (clear ? post(path("/unmask")) : ask(path(""))));
  if (!found || wanted !== chosen) return;
  call = found;
  conversation(call);
  at("recording").hidden = !(call.has_recording && call.end);
  fill(call.draft, Boolean(inHand()) && inHand().call_id === chosen);
  clearTimeout(draftReading);
  draftReading = setTimeout(() => ask(path("/advice")).then((found) => advice(found.suggestions), () => advice([])), 150);
}

const act = (route, body) => tell(() => post(`/api/desk/${route}`, body));
const accept = () => offered() && act("accept").then(() => allow());
const take = (line) => act("take", { entry_id: line.entry_id });
const finish = () => inHand() && act("finish", { outcome: "served" });
const file = () => inHand() && tell(async () => {
  document.activeElement?.blur();
  const ticket = await post(path("/tickets"));
  at("filed").textContent = `已登记：${ticket.number}`;
  await read();
});
const unmask = () => chosen && (clear = true, read());

form(options.departments, (name, value) => tell(async () => {
  await patch(path("/draft"), { changes: { [name]: value } });
}));
at("pause").append(...options.pause_reasons.map((reason) => Object.assign(document.createElement("option"), { value: reason, textContent: reason })));
at("ready").addEventListener("click", () => { allow(); act("state", { state: "ready" }); });
at("offline").addEventListener("click", () => act("state", { state: "offline" }));
at("pause").addEventListener("change", (event) => {
  if (event.target.value) act("state", { state: "paused", reason: event.target.value });
  event.target.value = "";
});
at("accept").addEventListener("click", accept);
at("decline").addEventListener("click", () => act("decline"));
at("finish").addEventListener("click", finish);
at("give-back").addEventListener("click", () => act("give-back"));
at("file").addEventListener("click", file);
at("unmask").addEventListener("click", unmask);
at("logout").addEventListener("click", () => tell(leave));
at("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const question = at("question").value.trim();
  if (question) tell(async () => passages((await ask(`/api/knowledge?q=${encodeURIComponent(question)}`)).passages));
});

const KEYS = { F2: accept, F3: () => at("question").focus(), F4: unmask, F6: mute, F7: threeWay, F8: file, F9: finish };
document.addEventListener("keydown", (event) => {
  if (KEYS[event.key]) { event.preventDefault(); KEYS[event.key](); return; }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const lines = [...document.querySelectorAll("#queue .lines button")];
  const place = lines.indexOf(document.activeElement);
  if (step && place >= 0) { event.preventDefault(); lines[place + step]?.focus(); }
});

at("my-name").textContent = account.display_name;
at("to-supervisor").hidden = !["supervisor", "administrator"].includes(account.role);
watermark(account);
headset();
together(() => { at("give-back").disabled = !inHand() || joined(); });
setInterval(() => {
  tick();
  const line = offered();
  if (line) at("offer-left").textContent = `等了 ${lasted(line.joined_at)}，${options.ring_s} 秒内未接将转给下一位`;
}, 1000);
connect();
