// A certified OpenID Connect provider, npm's oidc-provider, on loopback. Prints its port and serves until it is killed.
// node oidc_provider.mjs FOLDER SETTINGS: the folder that holds node_modules, and JSON as `oidc_provider.py` writes it.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, text] = process.argv.slice(2);
const settings = JSON.parse(text);
const { Provider } = await import(pathToFileURL(join(folder, "node_modules/oidc-provider/lib/index.js")));

const key = (kind, options) => ({ ...generateKeyPairSync(kind, options).privateKey.export({ format: "jwk" }), use: "sig" });
const server = createServer().listen(0, "localhost", () => {
  const provider = new Provider(`http://localhost:${server.address().port}`, {
    clients: [{
      client_id: settings.client_id,
      client_secret: settings.client_secret,
      redirect_uris: [`${settings.public_url}/login/oidc/callback`],
      post_logout_redirect_uris: [`${settings.public_url}/login`],
      id_token_signed_response_alg: settings.algorithm,
      token_endpoint_auth_method: settings.way,
    }],
    jwks: { keys: [key("rsa", { modulusLength: 2048 }), key("ec", { namedCurve: "P-256" })] },
    cookies: { keys: ["only for tests"] },
    claims: { openid: ["sub"], profile: ["name", "preferred_username", "roles", "phone"] },
    conformIdTokenClaims: !settings.claims_in_token, // false: in the ID token; true: at UserInfo only
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: `person-${id}`, ...settings.people[id] }) }),
    clientBasedCORS: () => false,
  });
  server.on("request", provider.callback());
  console.log(server.address().port);
});
