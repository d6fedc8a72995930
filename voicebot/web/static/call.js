// One call from the browser: microphone, signalling, captions, keys, and what to do when something fails.
import { WORDS } from "/static/call-words.js";

const RETRY_MS = [1000, 3000, 8000];
const part = (id) => document.getElementById(id);
const [state, trouble, button, mute, keys, keypad, captions, voice, level] =
  ["state", "trouble", "call", "mute", "keys", "keypad", "captions", "voice", "level"].map(part);

let microphone = null, connection = null, channel = null, meter = 0, wanted = false, tries = 0;

class Refusal extends Error {}

function say(text) { state.textContent = text; }

function complain(text) {
  trouble.textContent = text;
  trouble.hidden = !text;
}

function show(talking) {
  button.textContent = talking ? WORDS.end : state.textContent === WORDS.over ? WORDS.again : WORDS.call;
  button.classList.toggle("end", talking);
  for (const element of [mute, keys, document.querySelector(".level")]) element.hidden = !talking;
  if (!talking) { keypad.hidden = true; keys.setAttribute("aria-expanded", "false"); }
}

function caption(who, text) {
  if (!text) return;
  part("captions-part").hidden = false;
  const line = document.createElement("p"), name = document.createElement("b");
  line.className = who;
  name.textContent = WORDS[who] ?? who;
  line.append(name, text);
  captions.append(line);
  line.scrollIntoView({ block: "nearest" });
}

async function post(path, body = {}) {
  let response;
  try {
    response = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  } catch {
    throw new Refusal(WORDS.unreachable);
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refusal(answer.error?.message ?? WORDS.unreachable);
  return answer;
}

async function openMicrophone() {
  if (!window.isSecureContext) throw new Refusal(WORDS.insecure);
  if (!navigator.mediaDevices?.getUserMedia || !window.RTCPeerConnection) throw new Refusal(WORDS.unsupported);
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } });
  } catch (error) {
    if (error.name === "NotFoundError") throw new Refusal(WORDS.no_device);
    if (error.name === "NotReadableError") throw new Refusal(WORDS.in_use);
    throw new Refusal(WORDS.refused);
  }
}

function watchLevel() {
  const context = new AudioContext(), analyser = context.createAnalyser();
  context.createMediaStreamSource(microphone).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  meter = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    level.value = Math.min(1, 4 * Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length));
  }, 100);
  microphone.closeMeter = () => { clearInterval(meter); context.close(); };
}

async function gathered(peer) {
  if (peer.iceGatheringState === "complete") return;
  await new Promise((done) => {
    const timer = setTimeout(done, 2000);
    peer.addEventListener("icegatheringstatechange", () => {
      if (peer.iceGatheringState === "complete") { clearTimeout(timer); done(); }
    });
  });
}

function hear(event) {
  const said = JSON.parse(event.data);
  if (said.type === "turn") caption(said.who, said.text);
  if (said.type === "end") finish(WORDS.over);
}

async function dial() {
  const { token, ice_servers: iceServers } = await post("/call/begin");
  const peer = connection = new RTCPeerConnection({ iceServers });
  channel = peer.createDataChannel("call");
  channel.onmessage = hear;
  peer.ontrack = (event) => { voice.srcObject = new MediaStream([event.track]); };
  peer.onconnectionstatechange = () => {
    if (peer !== connection) return;
    if (peer.connectionState === "connected") { tries = 0; say(WORDS.talking); }
    if (peer.connectionState === "failed" && wanted) reconnect();
  };
  for (const track of microphone.getTracks()) peer.addTrack(track, microphone);
  await peer.setLocalDescription(await peer.createOffer());
  await gathered(peer);
  const { sdp } = await post("/call/offer", { token, sdp: peer.localDescription.sdp });
  await peer.setRemoteDescription({ type: "answer", sdp });
}

async function reconnect() {
  connection?.close();
  if (tries >= RETRY_MS.length) { finish(WORDS.over); complain(WORDS.gave_up); return; }
  say(WORDS.lost);
  await new Promise((done) => setTimeout(done, RETRY_MS[tries++]));
  if (!wanted) return;
  try { await dial(); } catch { if (wanted) reconnect(); }
}

async function begin() {
  complain("");
  captions.replaceChildren();
  wanted = true;
  tries = 0;
  say(WORDS.asking);
  try {
    microphone = await openMicrophone();
    watchLevel();
    say(WORDS.calling);
    show(true);
    await dial();
  } catch (error) {
    finish(WORDS.idle);
    complain(error instanceof Refusal ? error.message : WORDS.unreachable);
  }
}

function finish(text) {
  wanted = false;
  if (channel?.readyState === "open") channel.send(JSON.stringify({ type: "bye" }));
  const peer = connection;
  connection = channel = null;
  setTimeout(() => peer?.close(), 200);
  microphone?.closeMeter?.();
  for (const track of microphone?.getTracks() ?? []) track.stop();
  microphone = null;
  mute.setAttribute("aria-pressed", "false");
  mute.textContent = WORDS.mute;
  level.value = 0;
  say(text);
  show(false);
}

function press(key) {
  if (channel?.readyState === "open") channel.send(JSON.stringify({ type: "key", key }));
}

button.addEventListener("click", () => (wanted ? finish(WORDS.over) : begin()));
mute.addEventListener("click", () => {
  const muted = mute.getAttribute("aria-pressed") !== "true";
  for (const track of microphone?.getTracks() ?? []) track.enabled = !muted;
  mute.setAttribute("aria-pressed", String(muted));
  mute.textContent = muted ? WORDS.unmute : WORDS.mute;
});
keys.addEventListener("click", () => {
  keypad.hidden = !keypad.hidden;
  keys.setAttribute("aria-expanded", String(!keypad.hidden));
});
for (const key of "123456789*0#") {
  const one = document.createElement("button");
  one.type = "button";
  one.textContent = key;
  one.addEventListener("click", () => press(key));
  keypad.append(one);
}
document.addEventListener("keydown", (event) => {
  if (wanted && event.target === document.body && "0123456789*#".includes(event.key)) press(event.key);
});
window.addEventListener("pagehide", () => { if (wanted) finish(WORDS.over); });
