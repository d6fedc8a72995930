import { at, post, tell } from "/static/api.js";
import { HOMES } from "/static/words.js";

at("login").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  tell(async () => {
    const account = await post("/api/login", { name: form.get("name"), password: form.get("password") });
    location.assign(account.must_change ? "/account" : HOMES[account.role] ?? "/desk");
  });
});
