// The right column: the draft that fills itself, what to say next, knowledge, earlier tickets.
import { at, clock, make } from "/static/api.js";
import { KINDS, TYPES, URGENCIES } from "/static/words.js";

const FIELDS = [
  ["type", "类型", "choice"], ["urgency", "紧急程度", "choice"], ["title", "标题", "text", true], ["what", "反映内容", "long", true],
  ["demand", "诉求", "text", true], ["address", "地点", "text", true], ["time", "时间", "text"], ["amount", "金额", "text"],
  ["caller_name", "来电人姓名", "text"], ["caller_phone", "联系电话", "text"], ["enterprise", "来电企业", "text"], ["companies", "被反映单位", "text"],
  ["persons", "被反映个人", "text"], ["category", "事项分类（一级/二级/三级）", "text"], ["department", "主办单位", "choice", true], ["confidential", "对被反映方保密", "check"], ["anonymous", "不留姓名电话", "check"],
];
const SOURCES = { address: "address", time: "time" };

export function form(departments, changed) {
  const options = {
    type: TYPES.map((type) => [type, type || "待定"]), urgency: Object.entries(URGENCIES),
    department: [["", "由系统派单"], ...departments.map((each) => [each.id, each.name])],
  };
  at("draft").replaceChildren(...FIELDS.map(([name, title, kind, wide]) => {
    const on = { name, id: `field-${name}`, disabled: true, onchange: (event) => changed(name, value(event.target)) };
    if (kind === "check") return make("label", { class: "check" }, make("input", { type: "checkbox", ...on }), title);
    const field = kind === "choice" ? make("select", on, ...options[name].map(([code, words]) => make("option", { value: code }, words)))
      : kind === "long" ? make("textarea", { ...on, rows: 3, maxlength: 2000 }) : make("input", { ...on, maxlength: 2000 });
    return make("label", { class: wide ? "wide" : null }, title, field, make("span", { class: "source" }));
  }));
}

const value = (field) => (field.type === "checkbox" ? field.checked : field.value);

function spoken(draft, name) {
  switch (name) {
    case "address": return draft.address.spoken;
    case "time": return draft.time.spoken;
    case "category": return draft.category.join("/");
    case "companies": case "persons": return draft[name].join("、");
    case "department": return draft.dispatch?.department ?? "";
    case "confidential": return draft.confidentiality === "confidential";
    case "type": return draft.type ?? "";
    default: return draft[name];
  }
}

export function fill(draft, editable) {
  const sources = Object.fromEntries(draft?.sources ?? []);
  for (const [name] of FIELDS) {
    const field = at(`field-${name}`);
    field.disabled = !editable;
    if (field !== document.activeElement) {
      const found = draft ? spoken(draft, name) : "";
      if (field.type === "checkbox") field.checked = Boolean(found);
      else field.value = found || "";
    }
    const source = field.parentElement.querySelector(".source");
    const said = sources[SOURCES[name] ?? name];
    if (source) source.textContent = said ? (said === "line" ? "来自来电号码" : `原话：${said}`) : "";
  }
}

export function advice(suggestions) {
  at("advice").replaceChildren(...suggestions.map((each) => make("li", {},
    make("span", { class: "quiet" }, `${KINDS[each.kind]}${each.source ? ` · 依据《${each.source}》` : ""}`), make("div", {}, each.text))));
}

export function passages(found) {
  at("passages").replaceChildren(...(found.length ? found.map((each) => make("details", { class: "passage" },
    make("summary", {}, `${each.title}（${Math.round(each.score * 100)}%）`), make("p", {}, each.text), make("p", { class: "quiet" }, `${each.owner} · ${each.source}`))) : [make("p", { class: "quiet" }, "没有找到有把握的条目。")]));
}

export function earlier(tickets) {
  at("earlier").replaceChildren(...(tickets.length ? tickets.map((ticket) => make("li", {}, make("div", { class: "line" },
    make("strong", {}, ticket.draft.title || ticket.draft.what || ticket.number), make("span", { class: "tail" }, make("span", {}, `${ticket.number} · ${ticket.state}`), make("span", {}, clock(ticket.filed_at)))))) : [make("li", { class: "quiet" }, "没有。")]));
}
