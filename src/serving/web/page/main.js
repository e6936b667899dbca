// The frame of the page: its head, which view is shown, who is signed in.
import { Failure, askJson, currentSession, isSignedIn, jobsOrNull, lookAtSession, signIn, signOut, useToken } from "./ask.js";
import { button, field, fill, make, put, select } from "./elements.js";
import { chooseLanguage, currentLanguage, languages, say } from "./words.js";

const VIEWS = ["forecast", "decide", "data", "models", "jobs", "watch", "logs"];
const THEMES = ["auto", "light", "dark"];
const KEPT_THEME = "forkcast.theme";

// What views share; `deployments` as the server describes them.
const app = { server: null, deployments: [], hasJobs: false, refresh: loadServer, problem: showProblem, tell, signIn: openSignIn };
let shown = null; // the view on the page: {name, stop}

function keptTheme() {
  try { return localStorage.getItem(KEPT_THEME) || "auto"; } catch { return "auto"; }
}

function useTheme(theme) {
  const dark = theme === "dark" || (theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  try { localStorage.setItem(KEPT_THEME, theme); } catch { /* it is asked anew next time */ }
  document.dispatchEvent(new Event("themechange"));
}

// What screen readers are told of that happens elsewhere.
function tell(text) {
  fill(document.getElementById("told"), text);
}

// An element that says what went wrong, in the reader's language, with what the server said.
function showProblem(error) {
  if (!(error instanceof Failure)) {
    return make("div", { class: "alert alert-danger", role: "alert" }, make("strong", {}, say("error_page")), make("p", {}, String(error && error.message || error)));
  }
  const isShut = error.status === 401 || error.status === 403;
  return make("div", { class: `alert ${error.status >= 500 || error.status === 0 ? "alert-danger" : "alert-warning"}`, role: "alert" },
    make("strong", {}, error.title),
    error.message && make("p", { class: "detail", lang: "en" }, error.field ? `${error.field}: ${error.message}` : error.message),
    error.requestId && make("p", { class: "detail" }, say("request_id", { id: error.requestId })),
    isShut && !isSignedIn() && button(say("sign_in"), openSignIn));
}

async function loadServer() {
  app.server = await askJson("page/api/deployments");
  app.deployments = app.server.deployments;
  return app.server;
}

// Where what is read is locked, that is known only once somebody is signed in.
async function lookForJobs() {
  app.hasJobs = await jobsOrNull().then(jobs => jobs !== null, () => false);
}

function place() {
  const [name, query] = location.hash.replace(/^#\/?/, "").split("?");
  return { name: VIEWS.includes(name) ? name : "forecast", query: new URLSearchParams(query) };
}

// Notes in the address what is shown, so that it can be kept and sent to others.
app.note = function note(query) {
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined)).toString();
  history.replaceState(null, "", `#/${place().name}${text ? `?${text}` : ""}`);
};

async function show() {
  const { name, query } = place();
  if (shown && shown.stop) shown.stop();
  const mine = shown = { name, stop: null };
  document.title = `${say(`view_${name}`)} · Forkcast`;
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view !== name) {
      link.removeAttribute("aria-current");
      continue;
    }
    link.setAttribute("aria-current", "page");
    link.scrollIntoView({ block: "nearest", inline: "nearest" }); // the views may not all have room
  }
  const main = document.getElementById("view");
  fill(main, make("h1", { tabindex: "-1" }, say(`view_${name}`)), make("p", { class: "waits" }, say("loading")));
  try {
    if (!app.server) await loadServer();
    const { draw } = await import(`./view_${name}.js`);
    if (shown !== mine) return;
    fill(main, make("h1", { tabindex: "-1" }, say(`view_${name}`)));
    mine.stop = await draw(main, app, query) || null;
    if (shown !== mine && mine.stop) mine.stop();
  } catch (error) {
    if (shown === mine) fill(main, make("h1", { tabindex: "-1" }, say(`view_${name}`)), showProblem(error));
  }
}

function openSignIn() {
  const known = currentSession();
  const user = make("input", { class: "form-control", autocomplete: "username", name: "user" });
  const password = make("input", { class: "form-control", type: "password", autocomplete: "current-password", name: "password" });
  const token = make("input", { class: "form-control", type: "password", autocomplete: "off", name: "token" });
  const problem = make("div");
  const dialog = make("dialog", { class: "dialog", "aria-labelledby": "sign-in-title" });
  const close = () => { dialog.close(); dialog.remove(); };
  const form = make("form", { method: "dialog", onsubmit: async event => {
    event.preventDefault();
    try {
      if (token.value) {
        useToken(token.value);
        await askJson("page/api/deployments");
      } else {
        await signIn(user.value, password.value);
      }
      await lookForJobs();
      close();
      drawHead();
      show();
    } catch (error) {
      if (token.value) useToken("");
      fill(problem, showProblem(error));
    }
  } },
  make("h2", { id: "sign-in-title" }, say("sign_in")),
  known.login && [field(say("user"), user), field(say("password"), password), make("p", { class: "or" }, say("or"))],
  field(say("token"), token, say("token_hint")), problem,
  make("div", { class: "buttons" }, make("button", { class: "btn btn-sm btn-primary" }, say("sign_in")), button(say("cancel"), close)));
  dialog.addEventListener("cancel", () => dialog.remove());
  document.body.append(put(dialog, form));
  dialog.showModal();
}

function signedIn() {
  if (!isSignedIn()) return button(say("sign_in"), openSignIn);
  const { user, role } = currentSession();
  return [make("span", { class: "who" }, user ? `${user} (${role})` : say("by_token")),
    button(say("sign_out"), async () => { await signOut().catch(() => {}); drawHead(); show(); })];
}

function drawHead() {
  document.documentElement.lang = currentLanguage();
  const views = VIEWS.filter(name => name !== "jobs" || app.hasJobs);
  const language = select(languages(), currentLanguage(), code => { chooseLanguage(code); drawHead(); show(); });
  language.setAttribute("aria-label", say("language"));
  const theme = select(THEMES.map(name => [name, say(`theme_${name}`)]), keptTheme(), useTheme);
  theme.setAttribute("aria-label", say("theme"));
  fill(document.getElementById("head"),
    make("a", { class: "skip", href: "#view", onclick: event => { event.preventDefault(); document.querySelector("#view h1").focus(); } }, say("skip")),
    make("a", { class: "brand", href: "#/forecast" }, make("img", { src: new URL("icon.svg", import.meta.url).pathname, alt: "", width: "24px" }), "Forkcast"),
    make("nav", { "aria-label": say("views") }, make("ul", {}, views.map(name =>
      make("li", {}, make("a", { href: `#/${name}`, "data-view": name, "aria-current": place().name === name ? "page" : null }, say(`view_${name}`)))))),
    make("div", { class: "choices" }, language, theme, signedIn()));
  const files = new URL("./", import.meta.url).pathname;
  fill(document.getElementById("foot"), app.server && say("server", { version: app.server.version, host: app.server.host, worker: app.server.worker }),
    " · ", make("a", { href: "documentation" }, say("documentation")),
    " · ", make("a", { href: `${files}dygraphs-licence.txt` }, "dygraphs"), " · ", make("a", { href: `${files}bootstrap-licence.txt` }, "Bootstrap"));
}

async function start() {
  useTheme(keptTheme());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => useTheme(keptTheme()));
  put(document.body, make("header", { id: "head" }), make("main", { id: "view" }), make("footer", { id: "foot" }),
    make("div", { id: "told", class: "visually-hidden", "aria-live": "polite" }));
  drawHead();
  addEventListener("hashchange", show);
  // All at once; what is shown first waits for none of the others.
  const known = Promise.all([lookAtSession().catch(() => {}), lookForJobs(), loadServer().catch(() => {}),
    import(`./view_${place().name}.js`)]);
  await known;
  drawHead();
  await show();
  document.body.dataset.ready = "true";
}

start();
