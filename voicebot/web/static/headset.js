// The agent's headset: one connection that stays while the desk is open; calls that are taken are heard in it.
import { Refusal, ask, at, post, tell } from "/static/api.js";

const RETRY_MS = [1000, 3000, 8000, 20000];
let microphone = null, connection = null, channel = null, wanted = false, tries = 0, muted = false, put_on = "";

const say = (text) => { at("headset-state").textContent = text; };

function show() {
  at("headset").textContent = wanted ? "收起耳机" : put_on;
  at("headset").setAttribute("aria-pressed", String(wanted));
  for (const id of ["mute", "microphone-part"]) at(id).hidden = !wanted;
  at("mute").textContent = muted ? "取消静音（F6）" : "静音（F6）";
  at("mute").setAttribute("aria-pressed", String(muted));
}

async function open(device) {
  if (!window.isSecureContext) throw new Refusal("headset", "用耳机需要 https，或在本机打开。");
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  if (device) audio.deviceId = { exact: device };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    if (error.name === "NotFoundError") throw new Refusal("headset", "没有找到话筒，请接上耳机再试。");
    if (error.name === "NotReadableError") throw new Refusal("headset", "话筒被别的程序占用了。");
    throw new Refusal("headset", "没有得到使用话筒的许可，请在地址栏左边允许。");
  }
}

async function devices() {
  const found = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === "audioinput");
  const current = microphone?.getAudioTracks()[0]?.getSettings().deviceId;
  at("microphone").replaceChildren(...found.map((device, number) => Object.assign(document.createElement("option"), {
    value: device.deviceId, textContent: device.label || `话筒 ${number + 1}`, selected: device.deviceId === current,
  })));
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

async function connect() {
  const { ice_servers: iceServers } = await ask("/api/desk/headset");
  const peer = connection = new RTCPeerConnection({ iceServers });
  channel = peer.createDataChannel("call");
  peer.ontrack = (event) => { at("headset-voice").srcObject = new MediaStream([event.track]); };
  peer.onconnectionstatechange = () => {
    if (peer !== connection) return;
    if (peer.connectionState === "connected") { tries = 0; say("耳机已接上"); }
    if (["failed", "closed", "disconnected"].includes(peer.connectionState) && wanted) again();
  };
  for (const track of microphone.getTracks()) { track.enabled = !muted; peer.addTrack(track, microphone); }
  await peer.setLocalDescription(await peer.createOffer());
  await gathered(peer);
  const { sdp } = await post("/api/desk/headset", { sdp: peer.localDescription.sdp });
  await peer.setRemoteDescription({ type: "answer", sdp });
}

async function again() {
  const peer = connection;
  connection = null;
  peer?.close();
  say("耳机断开了，正在重新接上…");
  await new Promise((done) => setTimeout(done, RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]));
  if (wanted && !connection) connect().catch(again);
}

function put_down() {
  wanted = false;
  if (channel?.readyState === "open") channel.send(JSON.stringify({ type: "bye" }));
  const peer = connection;
  connection = channel = null;
  setTimeout(() => peer?.close(), 100); // for the good-bye to leave
  for (const track of microphone?.getTracks() ?? []) track.stop();
  microphone = null;
  say("");
  show();
}

async function pick_up(device) {
  say("正在接上耳机…");
  try {
    microphone = await open(device);
    wanted = true;
    show();
    await devices();
    await connect();
  } catch (error) {
    put_down();
    throw error;
  }
}

export function mute() {
  if (!wanted) return;
  muted = !muted;
  for (const track of microphone.getTracks()) track.enabled = !muted;
  show();
}

export function headset(title = "用耳机接听") {
  put_on = title;
  window.addEventListener("pagehide", put_down);
  at("headset").addEventListener("click", () => (wanted ? put_down() : tell(() => pick_up())));
  at("mute").addEventListener("click", mute);
  at("microphone").addEventListener("change", (event) => tell(async () => { put_down(); await pick_up(event.target.value); }));
  show();
}
