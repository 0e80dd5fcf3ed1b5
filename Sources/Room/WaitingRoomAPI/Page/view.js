// What the whole page looks like: colour, and the icon of the tab.
function setState(state) {
  if (show('room').dataset.state === state) { return; }
  show('room').dataset.state = state;
  const colour = { ready: '22a355', paused: 'c77700', trouble: 'c77700', ended: '767d8a' }[state] || '1f5fd6';
  const line = state === 'ready' ? 'M4 8l3 3 5-6' : 'M8 4v4l3 2';
  show('icon').href = 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    + '<circle cx="8" cy="8" r="8" fill="%23' + colour + '"/>'
    + '<path d="' + line + '" stroke="white" stroke-width="2" fill="none"/></svg>';
}

// Formatters are made when they are first needed, and kept: the first one of a page is half of its script's time.
const formatters = {};
function once(name, make) { return formatters[name] || (formatters[name] = make()); }
// An amount in words.
const inUnits = (unit) => new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' });
const measure = (unit) => once(unit, () => inUnits(unit));
const plainNumber = () => once('number', () => new Intl.NumberFormat(language));
const timeOfDay = () => once('time', () => new Intl.DateTimeFormat(language, { timeStyle: 'medium' }));

// In words that are as exact as a forecast is: minutes, tens of minutes, half hours.
function span(low, high) {
  const [unit, size] = high < 5400 ? ['minute', 60] : high < 129600 ? ['hour', 3600] : ['day', 86400];
  const amount = high / size;
  const step = unit === 'minute' ? (amount <= 10 ? 1 : amount <= 30 ? 5 : 10) : amount < 6 ? 0.5 : 1;
  const to = Math.max(step, Math.ceil(amount / step) * step);
  const from = Math.min(to, Math.floor(low / size / step) * step);
  const words = measure(unit);
  if (from <= 0) { return text.lessThan.replace('{}', words.format(to)); }
  if (from === to) { return text.about.replace('{}', words.format(to)); }
  return text.about.replace('{}', words.formatRange ? words.formatRange(from, to) : words.format(to));
}

function forecast(seconds) {
  return seconds === null || seconds === undefined ? '–' : span(seconds * told.low, seconds * told.high);
}

function length(seconds) {
  const [unit, size] = seconds < 5400 ? ['minute', 60] : ['hour', 3600];
  return measure(unit).format(Math.max(1, Math.floor(seconds / size)));
}

// What is left until the doors open, or until a call lapses, by the server's clock. No live region: nobody wants to hear
// each second.
function count(words, end) {
  if (end === counted.end && words === counted.words) { return; }
  clearInterval(counted.timer);
  counted = { words, end };
  show('count').hidden = !words;
  if (!words) { return; }
  const step = () => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    const parts = [['day', Math.floor(left / 86400)], ['hour', Math.floor(left / 3600) % 24],
      ['minute', Math.floor(left / 60) % 60], ['second', left % 60]];
    const first = Math.min(3, parts.findIndex(([, amount]) => amount) & 3);
    const texts = parts.slice(first, first + 2).filter(([, amount], i) => amount || !i)
      .map(([unit, value]) => measure(unit).format(value));
    show('count').textContent = words.replace('{}', texts.join(' '));
    if (!left) { clearInterval(counted.timer); }
  };
  counted.timer = setInterval(step, 1000);
  step();
}

// How far the visitor has come since this tab first saw the number.
function progress(position) {
  const key = 'vestibule-from-' + room;
  const name = ticket.generation + ':' + ticket.number;
  let first = position;
  try {
    const [known, from] = (sessionStorage.getItem(key) || '').split(' ');
    if (known === name) { first = Math.max(position, Number(from)); }
    sessionStorage.setItem(key, name + ' ' + first);
  } catch (e) { /* storage is off: the bar begins with the page */ }
  show('progress').hidden = first < 2;
  show('progress').value = first > 1 ? (first - position) / (first - 1) : 0;
}

// One button at a time; the focus moves with it, so that the keyboard never falls back to the top.
function offer(shown, hidden) {
  const hadFocus = document.activeElement === show(hidden);
  show(hidden).hidden = true;
  show(shown).hidden = false;
  if (hadFocus) { show(shown).focus(); }
}

function setPlace(holds) {
  holdsPlace = holds;
  show('place').hidden = !holds;
  show('heading').textContent = holds ? text.heading : text.title;
  if (holds) { return; }
  count('');
  show('record').hidden = true;
  document.title = text.title;
  show('position').textContent = '–';
  show('updated').textContent = '';
  show('notify').hidden = true;
  shown = null;
}

// What the operator has to say.
function notice(words) {
  if (show('notice').textContent !== (words || '')) { show('notice').textContent = words || ''; }
  show('notice').hidden = !words;
}

function draw(json) {
  failures = 0;
  setPlace(true);
  offer('leave', 'rejoin');
  const isReady = json.status === 'ready';
  const until = isReady ? json.enter_by_ms : json.opens_at_ms;
  // Rounded, so that each answer names the same moment.
  count(until ? (isReady ? text.enterIn : text.opensIn) : '', until && Math.round((until - offset) / 1000) * 1000);
  show('record').hidden = !isDrawn && !(json.opens_at_ms && json.position === null);
  // There is nothing to wait for any more.
  if (isReady) { show('place').hidden = true; show('heading').textContent = text.ready; }
  setState(isReady ? 'ready' : json.degraded ? 'trouble' : json.status === 'paused' ? 'paused' : 'waiting');
  const before = shown;
  shown = steady(json.position);
  show('position').textContent = shown ? plainNumber().format(shown) : '–';
  show('eta').textContent = forecast(json.eta_sec);
  if (shown) { progress(shown); } else { show('progress').hidden = true; }
  show('kept').textContent = isReady ? '' : text.kept.replace('{}', length(Number(kept)));
  show('updated').textContent = text.updated + ' ' + timeOfDay().format();
  show('enter').hidden = !isReady;
  show('notify').hidden = isReady || !('Notification' in window) || Notification.permission === 'denied';
  document.title = isReady ? '✓ ' + text.ready : shown ? '(' + shown + ') ' + text.title : text.title;
  follow(json);
  say(sentence(json, before && shown > before));
}

// What the live region says of an answer. Of a place that moves up as it should it says nothing: that is in the boxes.
function sentence(json, isBack) {
  const moves = json.status === 'waiting' && json.eta_sec !== null;
  if (json.degraded) { return text.degraded; }
  if (moves && isBack) { return text.returned; }
  if (!moves || json.late || json.opens_at_ms) { return json.message; }
  return isDrawn ? text.drawn : '';
}

// For a tab that is not looked at: a short tone, and a notification where it is allowed.
function ring() {
  if (!rings || !document.hidden) { return; }
  rings = false;
  try {
    new Notification(text.ready, { body: location.host, tag: 'vestibule-' + room });
  } catch (e) { /* phones want a service worker for it */ }
  const context = new AudioContext();
  const tone = context.createOscillator();
  const volume = context.createGain();
  volume.gain.value = 0.1;
  tone.connect(volume).connect(context.destination);
  tone.start();
  tone.stop(context.currentTime + 0.4);
}

// Boards are right within an error. Far from the front a number that is no further off stays, rather than rise.
function steady(position) {
  const slack = front !== null && position > front ? Math.max(error.places, error.share * position) : 0;
  return shown && position > shown && position - shown <= slack ? shown : position;
}
