import { ask, at, make, me, post, tell } from "/static/api.js";
import { HOMES, ROLES } from "/static/words.js";

const account = await me();
at("due").hidden = !account.must_change;

at("password").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  if (form.get("new") !== form.get("again")) {
    at("message").textContent = "两次输入的新密码不一样。";
    return;
  }
  tell(async () => {
    await post("/api/me/password", { old: form.get("old"), new: form.get("new") });
    location.assign(HOMES[account.role] ?? "/desk");
  });
});

async function people() {
  const { accounts } = await ask("/api/accounts");
  at("people").replaceChildren(...accounts.map((each) => make("tr", {},
    make("th", { scope: "row" }, each.name), make("td", {}, each.display_name), make("td", {}, ROLES[each.role]),
    make("td", {}, each.disabled ? "停用" : each.must_change ? "待改密码" : "正常"),
    make("td", {},
      make("button", { type: "button", onclick: () => reset(each.name) }, `重设 ${each.name} 的密码`), " ",
      each.disabled || each.name === account.name ? "" : make("button", { type: "button", onclick: () => disable(each.name) }, `停用 ${each.name}`)))));
}

const reset = (name) => tell(async () => {
  const made = await post(`/api/accounts/${encodeURIComponent(name)}/password`);
  at("created").textContent = `${name} 的一次性密码（只显示这一次）：${made.one_time_password}`;
  await people();
});

const disable = (name) => tell(async () => {
  await post(`/api/accounts/${encodeURIComponent(name)}/disable`);
  await people();
});

if (account.role === "administrator" && !account.must_change) {
  at("accounts").hidden = false;
  at("role").replaceChildren(...Object.entries(ROLES).map(([value, name]) => make("option", { value }, name)));
  at("add").addEventListener("submit", (event) => {
    event.preventDefault();
    const form = Object.fromEntries(new FormData(event.target));
    const skills = form.skills.split(/[、,，\s]+/).filter(Boolean);
    tell(async () => {
      const made = await post("/api/accounts", { ...form, skills });
      at("created").textContent = `${form.name} 的一次性密码（只显示这一次）：${made.one_time_password}`;
      event.target.reset();
      await people();
    });
  });
  await people();
}
