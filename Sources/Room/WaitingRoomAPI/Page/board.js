// The value at x of a line through pairs that ascend; null outside of them.
function between(pairs, x) {
  let [low, high] = [0, pairs.length - 1];
  if (high < 0 || x < pairs[0][0] || x > pairs[high][0]) { return null; }
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (pairs[middle][0] <= x) { low = middle; } else { high = middle; }
  }
  const [[a, from], [b, to]] = [pairs[low], pairs[high]];
  return a === b ? from : from + (to - from) * (x - a) / (b - a);
}

function noteTime(time) {
  asOf = Math.max(asOf, time);
  offset = Math.max(offset, time - performance.now());
}

// An answer of join or status: it says when the next heartbeat is due.
function settle(json) {
  if (json.number !== ticket.number || json.generation !== ticket.generation) { shown = null; }
  ticket = { number: json.number, generation: json.generation };
  noteTime(json.as_of_ms || 0);
  const share = (bound) => json.eta_sec && bound ? bound / json.eta_sec : 1;
  told = { eta: json.eta_sec, low: share(json.eta_low_sec), high: share(json.eta_high_sec) };
  isDrawn = !!json.drawn;
  draw(json);
  notice(json.notice);
  statusDue = performance.now() + json.poll_after_ms;
  if (!json.late && !json.opens_at_ms && (front === null ? json.eta_sec > 120 : json.position > front)) {
    return readBoard(2000, json.position, json.eta_sec);
  }
  again(json.poll_after_ms, poll);
}

function pollWhenDue(soonest = Infinity) {
  again(Math.max(0, Math.min(statusDue - performance.now(), soonest)), poll);
}

// The number moves some sixty times in all: the board comes from a cache, but it is not free either.
function readBoard(floor, position, eta) {
  const seconds = Math.min(eta === null ? Infinity : eta, rate ? position / rate : Infinity);
  const useful = front === null ? 0 : Math.min(latestMilliseconds, seconds * 1000 / 60);
  const pause = Math.max(floor, useful) * (0.85 + Math.random() * 0.3);
  if (document.hidden || pause > statusDue - performance.now() - 1000) { return pollWhenDue(); }
  again(pause, board);
}

async function board() {
  const mine = turn;
  const path = 'board?event_id=' + encodeURIComponent(room);
  const limit = Math.max(1000, statusDue - performance.now());
  const { status, json } = await call('GET', path, null, null, limit).catch((problem) => {
    if (mine !== turn) { throw problem; }
    return { json: {} };
  });
  const isOurs = status === 200 && json.generation === ticket.generation && !json.opens_at_ms
    && json.mode !== 'bypass' && json.mode !== 'ended';
  const isOld = json.as_of_ms < offset + performance.now() - boardAgeMilliseconds;
  // Of no use: status says what is the matter, when it is due.
  if (!isOurs || isOld || json.degraded) { return pollWhenDue(); }
  const first = json.samples.length ? json.samples[0][0] : Infinity;
  if (ticket.number < first) { return pollWhenDue(Math.random() * 2000); }
  notice(json.notice);
  rate = json.rate_limit;
  front = Math.max(100, json.burst) + rate * 120;
  error = { places: json.error_places, share: json.error_percent / 100 };
  const before = between(json.samples, ticket.number);
  // Joined after this board was made, or it is older than what is shown.
  if (before === null || json.as_of_ms < asOf) {
    return readBoard(json.poll_after_ms, json.waiting, null);
  }
  noteTime(json.as_of_ms);
  const position = Math.round(before) + 1;
  const seconds = between(json.eta_samples, position);
  const eta = seconds === null ? null : Math.ceil(seconds);
  if (json.mode === 'paused') {
    draw({ status: 'paused', position, eta_sec: null, message: text.paused });
  } else {
    draw({ status: 'waiting', position, eta_sec: eta, message: '' });
  }
  // Called soon: only status says so. When the rate went up, many pages come here at once: so, at random moments.
  if (position <= front) { return pollWhenDue(Math.random() * 5000); }
  readBoard(json.poll_after_ms, position, eta);
}
