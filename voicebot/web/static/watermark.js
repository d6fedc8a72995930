// Who looked and when, over everything that shows personal data: a photo of the screen tells where it came from.
import { make } from "/static/api.js";

export function watermark(account) {
  const sheet = make("div", { class: "watermark", "aria-hidden": "true" });
  document.body.append(sheet);
  const draw = () => {
    const now = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", dateStyle: "short", timeStyle: "short" }).format(new Date());
    sheet.replaceChildren(...Array.from({ length: 24 }, () => make("span", {}, `${account.display_name} ${account.name} ${now}`)));
  };
  draw();
  setInterval(draw, 60_000);
}
