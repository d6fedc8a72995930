// Logged in with the identity provider: on to where the role begins. This page is there because a browser sends the
// login's strict cookie only with what a page of ours asks for, not with what the provider's page led to.
import { me, tell } from "/static/api.js";
import { HOMES } from "/static/words.js";

tell(async () => {
  const account = await me();
  location.replace(HOMES[account.role] ?? "/desk");
});
