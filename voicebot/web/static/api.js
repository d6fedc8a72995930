// Talking to the service: one way in, with the login's CSRF token; errors come as one Chinese sentence.
let csrf = "";

export class Refusal extends Error {
  constructor(code, message, status) { super(message); this.code = code; this.status = status; }
}

export async function ask(path, { method = "GET", body } = {}) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  let response;
  try {
    response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Refusal("offline", "连不上服务，正在重试。", 0);
  }
  const answer = response.headers.get("Content-Type")?.startsWith("application/json") ? await response.json() : {};
  if (response.ok) return answer;
  const error = answer.error ?? { code: "http_error", message: `服务答复 ${response.status}。` };
  if (response.status === 401 && error.code !== "login_wrong") location.assign("/login");
  if (error.code === "password_due") location.assign("/account");
  throw new Refusal(error.code, error.message, response.status);
}

export async function me() {
  const account = await ask("/api/me");
  csrf = account.csrf;
  return account;
}

export const post = (path, body = {}) => ask(path, { method: "POST", body });
export const patch = (path, body) => ask(path, { method: "PATCH", body });

// Out of here, and out of the identity provider when that is how one came in.
export async function leave() {
  const { way_out } = await post("/api/logout");
  location.assign(way_out || "/login");
}

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

export const at = (id) => document.getElementById(id);

export async function tell(work, place = at("message")) {
  try {
    const result = await work();
    place.textContent = "";
    return result;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    place.textContent = error.message;
    return undefined;
  }
}

let of_keeping_up = "";

// What a page reads by itself, at every event, must not wipe out what somebody is being told about a click.
export async function keep_up(work, place = at("message")) {
  try {
    const result = await work();
    if (place.textContent === of_keeping_up) place.textContent = "";
    return result;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    place.textContent = of_keeping_up = error.message;
    return undefined;
  }
}

export function clock(instant) {
  return new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit" }).format(new Date(instant));
}

export function lasted(since, now = Date.now()) {
  const seconds = Math.max(0, Math.round((now - new Date(since)) / 1000));
  return seconds < 60 ? `${seconds} 秒` : `${Math.floor(seconds / 60)} 分 ${String(seconds % 60).padStart(2, "0")} 秒`;
}
