// What the pages say for the codes of the service.
export const STATES = { offline: "离席", ready: "就绪", ringing: "振铃", talking: "通话中", wrap_up: "话后处理", paused: "小休" };
export const REASONS = { asked: "来电人要求", emergency: "险情", not_understood: "没听懂", dialect: "方言", unsure: "需核实", abuse: "情绪激动", fault: "系统故障", busy: "线路忙" };
export const SPEAKERS = { caller: "来电人", bot: "机器人", agent: "坐席" };
export const ROLES = { agent: "坐席", supervisor: "班长", editor: "知识编辑", auditor: "审计", administrator: "管理员" };
export const CALL_BACKS = { asked: "已答应回电", missed: "未接通" };
export const STAGES = { ringing: "正在呼叫…", answered: "已接通，三方通话中", busy: "占线", no_answer: "无人接听", refused: "对方不接", failed: "没有接通", hung_up: "对方已挂断", dropped: "已退出" };
export const KINDS = { question: "可以问", reply: "可以答" };
export const TYPES = ["", "咨询", "求助", "投诉", "举报", "建议", "表扬"];
export const URGENCIES = { normal: "一般", urgent: "紧急", emergency: "特急" };
export const SKILLS = { general: "综合", dialect: "方言", enterprise: "企业", tourism: "涉旅", english: "英语", emergency: "险情" };

// Where each role begins; everybody else at their account.
export const HOMES = { supervisor: "/desk/supervisor", editor: "/desk/knowledge", auditor: "/account" };
