// Node's OAuth libraries, one whole flow per run: node sign_in.js FLOW '{"base": …}'
//
// Flows: google and service (google-auth-library), openid and device (openid-client). One that needs
// a person writes {"url": …} or {"code": …} and waits for a line with the address the browser was
// sent back to, or an empty one. Last it writes {"done": …}, what it learned.

import { createInterface } from "node:readline";
import { Gaxios } from "gaxios";
import { CodeChallengeMethod, JWT, OAuth2Client } from "google-auth-library";
import * as openid from "openid-client";

const [flow, text] = process.argv.slice(2);
const given = JSON.parse(text);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");

async function ask(value) {
  say(value);
  return (await lines.next()).value;
}

const flows = {
  async google({ base, clientId, clientSecret, redirectUri, scope }) {
    const client = new OAuth2Client({
      clientId,
      clientSecret,
      redirectUri,
      issuers: [base],
      endpoints: {
        oauth2AuthBaseUrl: `${base}/o/oauth2/v2/auth`,
        oauth2TokenUrl: `${base}/token`,
        oauth2RevokeUrl: `${base}/revoke`,
        tokenInfoUrl: `${base}/tokeninfo`,
        oauth2FederatedSignonPemCertsUrl: `${base}/oauth2/v1/certs`,
        oauth2FederatedSignonJwkCertsUrl: `${base}/oauth2/v3/certs`,
      },
    });
    const { codeVerifier, codeChallenge } = await client.generateCodeVerifierAsync();
    const url = client.generateAuthUrl({
      access_type: "offline",
      scope,
      prompt: "consent",
      include_granted_scopes: true,
      code_challenge: codeChallenge,
      code_challenge_method: CodeChallengeMethod.S256,
    });
    const back = new URL(await ask({ url }));
    const { tokens } = await client.getToken({ code: back.searchParams.get("code"), codeVerifier });
    client.setCredentials(tokens);
    const ticket = await client.verifyIdToken({ idToken: tokens.id_token, audience: clientId });
    const info = await client.getTokenInfo(tokens.access_token);
    const { credentials } = await client.refreshAccessToken();
    const renewed = credentials.access_token !== tokens.access_token;
    await client.revokeToken(credentials.access_token);
    const refused = await client.refreshAccessToken().catch((error) => error.message);
    return { email: ticket.getPayload().email, scopes: info.scopes, renewed, refused };
  },

  // The library knows one address for assertions, so its own transport leads to ours instead.
  async service({ base, email, key, keyId, scope, subject }) {
    const transporter = new Gaxios();
    transporter.interceptors.request.add({
      resolved: async (request) => {
        request.url = new URL(new URL(request.url).pathname, base);
        return request;
      },
    });
    const client = new JWT({ email, key, keyId, scopes: scope, subject, transporter });
    const { access_token: token } = await client.authorize();
    return { token };
  },

  async openid({ base, clientId, clientSecret, redirectUri }) {
    const config = await openid.discovery(new URL(base), clientId, clientSecret, undefined, {
      execute: [openid.allowInsecureRequests],
    });
    const checks = {
      pkceCodeVerifier: openid.randomPKCECodeVerifier(),
      expectedState: openid.randomState(),
      expectedNonce: openid.randomNonce(),
      idTokenExpected: true,
    };
    openid.enableNonRepudiationChecks(config); // checks the signature of the id token too
    const url = openid.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: "openid email profile",
      code_challenge: await openid.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
      code_challenge_method: "S256",
      state: checks.expectedState,
      nonce: checks.expectedNonce,
      access_type: "offline",
      prompt: "consent",
    });
    const back = await ask({ url });
    const tokens = await openid.authorizationCodeGrant(config, new URL(back), checks);
    const who = await openid.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
    const fresh = await openid.refreshTokenGrant(config, tokens.refresh_token);
    await openid.tokenRevocation(config, tokens.refresh_token);
    const refused = await openid
      .refreshTokenGrant(config, tokens.refresh_token)
      .catch((error) => `${error.error}: ${error.error_description}`);
    return { email: who.email, renewed: fresh.access_token !== tokens.access_token, refused };
  },

  async device({ base, clientId, clientSecret }) {
    const config = await openid.discovery(new URL(base), clientId, clientSecret, undefined, {
      execute: [openid.allowInsecureRequests],
    });
    const codes = await openid.initiateDeviceAuthorization(config, { scope: "openid email" });
    await ask({ code: codes.user_code, url: codes.verification_uri });
    const tokens = await openid.pollDeviceAuthorizationGrant(config, { ...codes, interval: 0 });
    const who = await openid.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
    return { email: who.email };
  },
};

say({ done: await flows[flow](given) });
process.exit(0);
