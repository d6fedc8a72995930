// For the city's own site: <script src="https://热线地址/call/embed.js" async></script> puts a button where it stands.
(() => {
  const script = document.currentScript;
  const link = document.createElement("a");
  link.href = new URL("/call", script.src).href;
  link.target = "_blank";
  link.rel = "noopener";
  link.textContent = script.dataset.text || "网页拨打 12345";
  link.className = script.dataset.class || "hotline-call";
  script.after(link);
})();
