// Sounds and desktop notices. A sound is two short tones made here; nothing is fetched.
let audio;

function tone(frequency, at, length) {
  const oscillator = audio.createOscillator();
  const gain = audio.createGain();
  oscillator.frequency.value = frequency;
  gain.gain.setValueAtTime(0.0001, at);
  gain.gain.exponentialRampToValueAtTime(0.2, at + 0.02);
  gain.gain.exponentialRampToValueAtTime(0.0001, at + length);
  oscillator.connect(gain).connect(audio.destination);
  oscillator.start(at);
  oscillator.stop(at + length);
}

export function allow() {
  audio ??= new AudioContext();
  if (globalThis.Notification?.permission === "default") Notification.requestPermission();
}

export function ring(title, text, urgent) {
  if (audio) {
    tone(urgent ? 988 : 660, audio.currentTime, 0.25);
    tone(urgent ? 1319 : 880, audio.currentTime + 0.28, 0.35);
  }
  if (globalThis.Notification?.permission === "granted" && document.hidden) new Notification(title, { body: text, tag: "call" });
}
