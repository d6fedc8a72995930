// The editor's page: what callers asked in vain, how the articles stand, and what the bot would answer.
import { ask, at, clock, leave, make, me, tell } from "/static/api.js";
import { passages } from "/static/facts.js";
import { watermark } from "/static/watermark.js";

const account = await me();
const row = (head, ...cells) => make("tr", {}, make("th", { scope: "row" }, head), ...cells.map((cell) => make("td", {}, String(cell))));

tell(async () => {
  const { questions } = await ask("/api/knowledge/unanswered?limit=200");
  at("unanswered").replaceChildren(...(questions.length
    ? questions.map((each) => row(each.question, each.times, clock(each.asked_at), each.nearest_article || "—", each.score.toFixed(2)))
    : [row("没有。", "", "", "", "")]));
});

tell(async () => {
  const { articles } = await ask("/api/knowledge/articles");
  at("article-count").textContent = articles.length;
  at("articles").replaceChildren(...articles.map((each) => row(each.id, each.title, each.owner, each.version, each.valid_to, each.questions, each.state)));
});

at("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const question = at("question").value.trim();
  if (question) tell(async () => passages((await ask(`/api/knowledge?q=${encodeURIComponent(question)}`)).passages));
});
at("logout").addEventListener("click", () => tell(leave));
at("my-name").textContent = account.display_name;
watermark(account);
