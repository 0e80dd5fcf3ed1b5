// A page of the operator's own: its values and sections follow the visitor's wait. Sections stand between two
// templates; what is not shown is kept in the first one. Scripts of the page hear of each change.
function followSections(fields) {
  // Live: what a section brings into the page is looked at, too.
  const marks = document.getElementsByTagName('template');
  for (let i = 0; i < marks.length; i += 1) {
    const mark = marks[i];
    const [, not, name] = /^(!?)(.*)$/.exec(mark.dataset.if || '');
    const holds = !!fields[name] !== !!not;
    if (!name || holds === !mark.content.hasChildNodes()) { continue; }
    if (holds) { mark.after(mark.content); } else { takeAway(mark); }
  }
}

function takeAway(mark) {
  let open = 0;
  for (let next = mark.nextSibling; next; next = mark.nextSibling) {
    const data = next.dataset || {};
    if ('end' in data) { open -= 1; } else if ('if' in data) { open += 1; }
    if (open < 0) { return; }
    mark.content.append(next);
  }
}

const minutesOf = (seconds) => Math.ceil(Math.max(0, seconds) / 60);

function inWords(minutes) {
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  const parts = [hours ? measure('hour').format(hours) : '', rest || !hours ? measure('minute').format(rest) : ''];
  return parts.filter((part) => part).join(' ');
}

// By Cloudflare's names, as in WaitFields.swift.
function fieldsOf(json) {
  const holds = json.status === 'waiting' || json.status === 'paused';
  const isReady = json.status === 'ready';
  const isKnown = isReady || json.status === 'waiting' && !json.opens_at_ms && Number.isFinite(json.eta_sec);
  const minutes = isKnown && !isReady ? minutesOf(json.eta_sec) : 0;
  const start = json.opens_at_ms ? minutesOf((json.opens_at_ms - offset - performance.now()) / 1000) : 0;
  return Object.assign({}, window.cfWaitingRoom, {
    waitTimeKnown: isKnown, waitTime: minutes,
    waitTimeHours: Math.floor(minutes / 60), waitTimeHourMinutes: minutes % 60,
    waitTimeFormatted: isKnown ? inWords(minutes) : 'unavailable', lastUpdated: new Date().toISOString(),
    queueIsFull: json.status === 'full', queueAll: json.status === 'paused' || json.status === 'full' || start > 0,
    isEventPrequeueing: start > 0, timeUntilEventStart: start,
    timeUntilEventStartFormatted: start ? inWords(start) : 'unavailable', position: holds ? json.position : null,
  });
}

// Scripts that read the wait: the same text, which the policy knows.
function runAgain() {
  for (const script of document.querySelectorAll('script[data-again]')) {
    // It would begin another page.
    if (script.textContent.includes('document.write')) { continue; }
    const again = document.createElement('script');
    if (script.type) { again.type = script.type; }
    again.dataset.again = '';
    again.textContent = script.textContent;
    script.replaceWith(again);
  }
}

const worded = (fields) => JSON.stringify(Object.assign({}, fields, { lastUpdated: '' }));

text.title = document.title || text.title;
follow = (json) => {
  const fields = fieldsOf(json);
  const isOther = worded(fields) !== worded(window.cfWaitingRoom);
  window.cfWaitingRoom = fields;
  followSections(fields);
  for (const element of document.querySelectorAll('[data-wait]')) {
    const value = fields[element.dataset.wait];
    const words = value === null || value === undefined ? '–' : String(value);
    if (element.textContent !== words) { element.textContent = words; }
  }
  if (isOther) { runAgain(); }
  document.dispatchEvent(new CustomEvent('vestibule', { detail: fields }));
};
