// The page loads itself again: this browser is too old, or may not be spoken to (start.js).
if (!document.documentElement.dataset.script) { return; }
// A page of the operator's own need not have every part.
const nowhere = document.createElement('p');
const show = (id) => document.getElementById(id) || nowhere;
const { room, step: firstStep, api, kept, refused, form } = show('room').dataset;
const language = show('room').dataset.language || document.documentElement.lang;
const text = JSON.parse(show('text').textContent);
const keyName = 'vestibule-join-' + room;
const latestMilliseconds = 15000;
show('plain').remove();
let timer = 0;
// The countdown that is shown: its words, its end by this page's clock, and what tells it to go on.
let counted = {};
let isDrawn = false;
let turn = 0;
let failures = 0;
let holdsPlace = false;
// Whether it has a pass that nginx refuses.
let holdsPass = false;
// Whether the ticket cookie has been seen to come back. It is HttpOnly: only the server can tell.
let cookieWorks = firstStep === 'poll';
// Number and generation: with them the place is found on the board, without a worker being asked.
let ticket = {};
let statusDue = 0;
// The last forecast of status, and how far below and above it the range went.
let told = { eta: null, low: 1, high: 1 };
let shown = null;
// Whether the visitor asked to hear of the call in another tab.
let rings = false;
// As of the last board: calls a second, up to which position two minutes of them reach, and how exact it is.
let rate = 0;
let front = null;
let error = { places: 0, share: 0 };
// The newest server time that is shown, and that time less this page's clock.
let asOf = 0;
let offset = -Infinity;
const boardAgeMilliseconds = 10000;
// Work that has been done and not yet accepted: Redis may have been away.
let proof;
const proofRoundsMax = 5;
// Replaced in a page of the operator's own (own.js), which says the wait in its own way.
let follow = () => {};

// Tabs that open at once join one after the other. The later ones send the ticket of the first, and get its place.
async function alone(work) {
  let isRunning = false;
  const run = () => { isRunning = true; return work(); };
  if (!navigator.locks || !AbortSignal.timeout) { return run(); }
  try {
    return await navigator.locks.request(keyName, { signal: AbortSignal.timeout(latestMilliseconds) }, run);
  } catch (e) {
    if (isRunning) { throw e; }
    return run();
  }
}

// Two tabs that open at once send the same key, and so share one place. This is for browsers without locks.
function joinKey() {
  let key = null;
  try { key = localStorage.getItem(keyName); } catch (e) { /* storage is off: every tab is its own visitor */ }
  if (!key) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    key = Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
    try { localStorage.setItem(keyName, key); } catch (e) { /* as above */ }
  }
  return key;
}

function forgetKey() { try { localStorage.removeItem(keyName); } catch (e) { /* nothing was kept */ } }

async function call(method, path, body, headers, limit) {
  const mine = turn;
  // The page's language, which the visitor may have chosen, and not the browser's.
  const always = { Accept: 'application/json', 'Accept-Language': language };
  const options = { method, headers: Object.assign(always, headers), cache: 'no-store' };
  if (body) { options.body = JSON.stringify(body); options.headers['Content-Type'] = 'application/json'; }
  if (AbortSignal.timeout) { options.signal = AbortSignal.timeout(limit || latestMilliseconds); }
  const response = await fetch(api + path, options);
  const json = await response.json().catch(() => ({}));
  if (mine !== turn) { throw new Error('overtaken'); }
  return { status: response.status, json };
}

// The live region: only what a visitor must hear, and only when it changes. What the heading says is not seen twice.
function say(message) {
  const heading = document.getElementById('heading');
  show('message').classList.toggle('heard', !!heading && heading.textContent === message);
  if (show('message').textContent !== message) { show('message').textContent = message; }
}

function again(milliseconds, step) { clearTimeout(timer); timer = setTimeout(() => run(step), milliseconds); }

// After a failure: twice as long each time, spread, and never sooner than the server asks.
function later(json, step, floorMilliseconds) {
  failures += 1;
  const wish = Math.min(latestMilliseconds, 1000 * 2 ** failures) * (0.5 + Math.random() / 2);
  again(Math.max(wish, json.poll_after_ms || 0, floorMilliseconds || 0), step);
}
