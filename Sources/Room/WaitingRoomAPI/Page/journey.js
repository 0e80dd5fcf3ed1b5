// With nothing to join again where the room is over.
function end(message, isOver) {
  clearTimeout(timer);
  forgetKey();
  setPlace(false);
  follow({ status: isOver ? 'full' : 'ended' });
  setState('ended');
  show('enter').hidden = true;
  offer('rejoin', 'leave');
  show('rejoin').hidden = !!isOver;
  say(message);
}

// How often this tab went in within the last minute and came back here. Without storage: as often as may be.
const turnsName = 'vestibule-turns-' + room;
function countTurn() {
  try {
    const [count, time] = (sessionStorage.getItem(turnsName) || '0 0').split(' ').map(Number);
    const turns = Date.now() - time < 60000 ? count + 1 : 1;
    sessionStorage.setItem(turnsName, turns + ' ' + Date.now());
    return turns;
  } catch (e) { return refused ? 3 : 1; }
}

// nginx refuses what the workers give: its keys or its clock are others. One more turn would be one of many.
function stop() {
  end(text.refused + ' ' + (refused || 'missing'));
  holdsPass = true;
}

// The visitor is in; the form is where it was filled in.
function goBack() {
  setPlace(false);
  setState('ready');
  say(show('lost').dataset.in);
  show('leave').hidden = true;
  show('back').hidden = history.length < 2;
}

function tryAgain() {
  if (!holdsPass) { return run(join); }
  try { sessionStorage.removeItem(turnsName); } catch (e) { /* nothing was kept */ }
  if (form) { load(); } else { location.reload(); }
}

// The pass is a cookie by now: the same address leads to the page itself.
function proceed() {
  const turns = countTurn();
  if (turns > 2) { return stop(); }
  clearTimeout(timer);
  timer = setTimeout(load, turns > 1 ? 2000 + Math.random() * 1000 : 0);
}

// A form goes on as a form, to the address that it was sent to, which is this page's. Its fields may have any name, also
// that of a method. Chromium keeps a page that sends a form in the way back, and would ask there whether to send it again:
// the way back leads to where the form was filled in.
function resend() {
  Element.prototype.setAttribute.call(show('sent'), 'action', location.href);
  try { history.replaceState(null, '', document.referrer || location.href); } catch (e) { /* another site's */ }
  HTMLFormElement.prototype.submit.call(show('sent'));
}

// A reload keeps the fragment.
function load() {
  forgetKey();
  if (form === 'kept') { return resend(); }
  if (form === 'lost') { return goBack(); }
  if (location.hash) { return location.reload(); }
  location.replace(location.origin + location.pathname + location.search);
}

async function askToJoin() {
  const headers = { 'Idempotency-Key': joinKey() };
  let { status, json } = await call('POST', 'join', { event_id: room, proof }, headers);
  // Many join: the place costs some work. The answer to bad or late work is another challenge.
  for (let round = 0; round < proofRoundsMax && json.error && json.error.challenge; round += 1) {
    setPlace(false);
    say(text.preparing);
    proof = await solve(json.error);
    ({ status, json } = await call('POST', 'join', { event_id: room, proof }, headers));
  }
  if (status < 300) { proof = undefined; }
  return { status, json };
}

async function join() {
  const { status, json } = await alone(askToJoin);
  if (status === 200 && json.status === 'admitted') { return proceed(); }
  if (status === 202) {
    // A person who left with a pass may join when that is over, and asks more and more seldom until then.
    if (json.status === 'left' || json.status === 'expired') { forgetKey(); return later(json, join); }
    if (json.status === 'ready') { draw(json); return again(0, poll); }
    return settle(json);
  }
  const code = json.error && json.error.code;
  const unnamed = { ENQUEUE_TOKEN_MISSING: text.enqueueMissing, ENQUEUE_TOKEN_INVALID: text.enqueueInvalid }[code];
  if (unnamed) { return end(unnamed); }
  if (code === 'ROOM_ENDED') { return end(json.error.message, true); }
  const refusal = { ROOM_CLOSED: text.closed, ROOM_FULL: text.full, RATE_LIMITED: text.limited }[code];
  setPlace(false);
  if (refusal && refusal !== text.limited) { follow({ status: 'full' }); }
  say(refusal || text.unreachable);
  later(json, join, refusal ? latestMilliseconds * (0.7 + Math.random() * 0.3) : 0);
}

async function poll() {
  const { status, json } = await call('GET', 'status?event_id=' + encodeURIComponent(room));
  if (status === 200) {
    cookieWorks = true;
    if (json.status === 'ready') { noteTime(json.as_of_ms || 0); draw(json); ring(); return enter(); }
    if (json.status === 'admitted') { return enter(); }
    if (json.status === 'left' || json.status === 'expired') { return end(json.message, json.ended); }
    return settle(json);
  }
  if (status === 429 || status >= 500) { say(text.trouble); return later(json, poll); }
  // No ticket came: another tab has left, or the browser keeps no cookies. Joining by itself would undo the first
  // and never end in the second.
  if (status === 400 && (holdsPlace || firstStep !== 'find')) { return end(cookieWorks ? text.left : text.cookies); }
  return join();
}

async function enter() {
  const { status, json } = await call('POST', 'enter?event_id=' + encodeURIComponent(room));
  if (status === 200) { return proceed(); }
  if (status === 410) { return end(text.expired); }
  if (status === 403) { return again(json.poll_after_ms || 1000, poll); }
  later(json, poll);
}

async function leave() {
  const { status, json } = await call('POST', 'leave?event_id=' + encodeURIComponent(room));
  if (status < 500 && status !== 429) { return end(text.left); }
  say(text.trouble);
  later(json, poll);
}

// One step at a time: what an earlier one still brings is dropped by call().
function run(step) {
  clearTimeout(timer);
  turn += 1;
  const mine = turn;
  step().catch(() => {
    if (mine !== turn) { return; }
    setState('trouble');
    say(holdsPlace || cookieWorks ? text.trouble : text.unreachable);
    later({}, step === leave ? poll : step);
  });
}

show('leave').addEventListener('click', () => show('confirm').showModal());
show('confirm').addEventListener('close', () => {
  if (show('confirm').returnValue === 'leave') { run(leave); }
  show('confirm').returnValue = '';
});
show('enter').addEventListener('click', () => run(enter));
show('notify').addEventListener('click', async () => {
  rings = !rings && await Notification.requestPermission() !== 'denied';
  show('notify').setAttribute('aria-pressed', rings);
  say(rings ? text.rings : '');
});
show('language').addEventListener('change', () => {
  const attributes = '; Path=/; Max-Age=31536000; SameSite=Lax' + (location.protocol === 'https:' ? '; Secure' : '');
  document.cookie = 'vestibule-language=' + show('language').value + attributes;
  if (form === 'kept') { resend(); } else { location.reload(); }
});
show('rejoin').addEventListener('click', tryAgain);
// A tab that comes back asks at once: timers of hidden tabs run late.
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && holdsPlace) { again(Math.random() * 500, poll); }
});
show('record').href = api + 'draw?event_id=' + encodeURIComponent(room);
show('site').textContent = location.host;
show('language').value = language;
// Of a page that came for a form, only the form would come again.
show('language').hidden = form && form !== 'kept';
if (form === 'lost') {
  show('back').addEventListener('click', () => history.back());
  if (document.getElementById('copy')) {
    show('copy').hidden = false;
    show('copy').addEventListener('click', () => {
      show('copy-text').select();
      if (document.execCommand('copy')) { say(show('lost').dataset.copied); }
    });
  }
}
// In a page without an origin of its own, cookies would not come with the second form either.
if (form === 'bounce' && self.origin !== 'null') { resend(); }
if (form !== 'bounce' && form !== 'ask') { run(firstStep === 'join' ? join : poll); }
