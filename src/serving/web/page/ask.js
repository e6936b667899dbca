// Asks the server. Who asks is known by a session (a cookie, with its token against forged requests), or by a token that was
// typed in, which this page keeps in its memory alone: it is gone with the page.
import { isSaid, say } from "./words.js";

// What went wrong: the server's code and words, and what that means in the reader's language.
export class Failure extends Error {
  constructor(status, error = {}) {
    super(error.message || "");
    this.status = status;
    this.code = error.code || (status === 0 ? "no_answer" : `status_${status}`);
    this.field = error.field || "";
    this.requestId = error.request_id || "";
    this.rows = error.rows || [];
  }
  get title() {
    if (this.field === "Origin") return say("error_origin");
    return isSaid(`error_${this.code}`) ? say(`error_${this.code}`) : say("error_other", { code: this.code });
  }
}

let bearer = "";
let session = { user: null, role: null, csrf_token: null, login: false, known: false };

export function currentSession() {
  return session;
}

export function isSignedIn() {
  return bearer !== "" || Boolean(session.user);
}

async function failureOf(response) {
  const text = await response.text().catch(() => "");
  try {
    const json = JSON.parse(text);
    return new Failure(response.status, json.error && typeof json.error === "object" ? json.error : json);
  } catch {
    return new Failure(response.status, { message: text.slice(0, 300) });
  }
}

// The response, whatever its status; a Failure when there is none.
export async function send(path, { method = "GET", headers = {}, body, signal } = {}) {
  const all = { ...headers };
  if (bearer) all.Authorization = `Bearer ${bearer}`;
  else if (method !== "GET" && session.csrf_token) all["X-CSRF-Token"] = session.csrf_token;
  try {
    return await fetch(path, { method, headers: all, body, signal, cache: "no-store", credentials: "same-origin", redirect: "error" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure(0, { message: String(error.message || error) });
  }
}

export async function ask(path, options = {}) {
  const response = await send(path, options);
  if (!response.ok) throw await failureOf(response);
  return response;
}

export async function askJson(path, options = {}) {
  const response = await ask(path, { ...options, headers: { Accept: "application/json", ...options.headers } });
  const text = await response.text();
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    throw new Failure(response.status, { code: "no_json", message: text.slice(0, 300) });
  }
}

export function sendJson(path, value, options = {}) {
  return askJson(path, { method: "POST", body: JSON.stringify(value), ...options, headers: { "Content-Type": "application/json", ...options.headers } });
}

// Who the server takes us for; where it knows no sessions it says 404.
export async function lookAtSession() {
  try {
    session = { login: true, ...await askJson("session"), known: true };
  } catch (error) {
    session = { user: null, role: null, csrf_token: null, login: false, known: false };
    if (!(error instanceof Failure)) throw error;
  }
  return session;
}

export async function signIn(user, password) {
  await ask("session", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ user, password }) });
  bearer = "";
  return lookAtSession();
}

export function useToken(token) {
  bearer = token.trim();
}

export async function signOut() {
  if (session.user) await ask("session", { method: "DELETE" });
  bearer = "";
  return lookAtSession();
}

// Whether jobs are on: null when the server has none.
export async function jobsOrNull(query = "limit=1") {
  try {
    return (await askJson(`jobs?${query}`)).jobs;
  } catch (error) {
    if (error instanceof Failure && (error.status === 404 || error.status === 405)) return null;
    throw error;
  }
}

const OVER = new Set(["succeeded", "failed", "stopped"]);

export function isOver(job) {
  return OVER.has(job.state);
}

// Calls onJob with a job each time that it has changed, until it is over; gives the job. By the server's events, or, where they
// break off, by asking again.
export async function followJob(id, onJob, onLine = () => {}, signal = undefined) {
  let job = null, lastEvent = "", attempts = 0;
  const take = (name, data) => {
    if (name === "log") onLine(data);
    if (name === "job") onJob(job = JSON.parse(data));
  };
  while (!signal?.aborted) {
    try {
      const headers = { Accept: "text/event-stream", ...(lastEvent && { "Last-Event-ID": lastEvent }) };
      const response = await ask(`jobs/${encodeURIComponent(id)}/events`, { headers, signal });
      lastEvent = await readEvents(response, take, lastEvent);
    } catch (error) {
      if (error.name === "AbortError") break;
      if (error instanceof Failure && error.status >= 400 && error.status < 500 && ![404, 408, 429].includes(error.status)) throw error;
    }
    if (job && isOver(job)) return job;
    if (++attempts > 1) await new Promise(done => setTimeout(done, 700));
    if (signal?.aborted) break;
    onJob(job = await askJson(`jobs/${encodeURIComponent(id)}`, { signal }));
    if (isOver(job)) return job;
  }
  return job;
}

// Server-sent events of a response, up to its end. Gives the id of the last one.
async function readEvents(response, take, lastEvent) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    rest += value || "";
    const events = rest.split(/\r?\n\r?\n/);
    rest = events.pop();
    for (const event of events) {
      let name = "message";
      const data = [];
      for (const line of event.split(/\r?\n/)) {
        const [, field, text] = line.match(/^(\w+): ?(.*)$/) || [];
        if (field === "event") name = text;
        if (field === "data") data.push(text);
        if (field === "id") lastEvent = text;
      }
      if (data.length) take(name, data.join("\n"));
    }
    if (done) return lastEvent;
  }
}
