// SPDX-License-Identifier: Apache-2.0
// vestibule.fetch is fetch; where the waiting room holds a request, it waits and then sends the request again.
(function () {
  'use strict';
  const texts = { title: 'Waiting room', position: 'Your position', leave: 'Leave the queue' };
  const options = { mode: 'modal', page: '', texts };
  const waits = new Map();
  const json = (response) => response.json().catch(() => ({}));

  // What a held request is answered with (RFC 9457); null for any other answer.
  async function problem(response) {
    const type = response.headers.get('Content-Type') || '';
    if (response.status !== 503 || !type.startsWith('application/problem+json')) { return null; }
    const said = await json(response.clone());
    return said.room && said.join && String(said.type).startsWith('urn:vestibule:') ? said : null;
  }

  function modal(leave) {
    const dialog = document.createElement('dialog');
    const [heading, place, message, button] = ['h2', 'p', 'p', 'button'].map((name) => {
      return dialog.appendChild(document.createElement(name));
    });
    dialog.className = 'vestibule';
    heading.id = 'vestibule-title';
    heading.textContent = options.texts.title;
    dialog.setAttribute('aria-labelledby', heading.id);
    message.setAttribute('role', 'status');
    button.textContent = options.texts.leave;
    button.onclick = leave;
    dialog.oncancel = (event) => event.preventDefault();
    document.body.append(dialog);
    dialog.showModal();
    const show = (state) => {
      place.textContent = state.position ? options.texts.position + ': ' + state.position.toLocaleString() : '';
      const words = state.status === 'waiting' ? '' : state.message || '';
      if (message.textContent !== words) { message.textContent = words; }
    };
    return { show, close: () => dialog.remove() };
  }

  // The page asks for work, explains what is wrong, and brings the visitor back.
  const redirect = () => { location.assign(options.page || location.href); return new Promise(() => {}); };

  async function wait(held, base, key) {
    if (options.mode === 'redirect') { return redirect(); }
    const event = '?event_id=' + encodeURIComponent(held.room);
    let wake = () => {};
    let hasLeft = false;
    const leave = () => { hasLeft = true; wake(); };
    const view = typeof options.mode === 'function' ? { show: options.mode, close() {} } : modal(leave);
    const call = (method, name, body) => {
      const headers = { Accept: 'application/json', 'Accept-Language': document.documentElement.lang || 'en' };
      if (body) { Object.assign(headers, { 'Content-Type': 'application/json', 'Idempotency-Key': key }); }
      const address = new URL(held.join, base).href.replace(/join$/, name);
      return fetch(address, { method, headers, body, credentials: 'include', cache: 'no-store' })
        .then(async (response) => ({ code: response.status, said: await json(response) }))
        .catch(() => ({ code: 0, said: {} }));
    };
    let next = () => call('POST', 'join', JSON.stringify({ event_id: held.room }));
    try {
      for (;;) {
        const { code, said } = await next();
        if (code === 200 && said.status === 'admitted') { return; }
        if (code >= 400 && code < 500 && code !== 429 || said.status === 'left' || said.status === 'expired') {
          return await redirect();
        }
        if (said.status) {
          view.show(said, leave);
          next = () => call('GET', 'status' + event);
        }
        if (said.status === 'ready' && !hasLeft && (await call('POST', 'enter' + event)).code === 200) { return; }
        if (!hasLeft) { await new Promise((done) => { wake = done; setTimeout(done, said.poll_after_ms || 2000); }); }
        if (hasLeft) {
          await call('POST', 'leave' + event);
          throw new DOMException('The visitor has left the queue.', 'AbortError');
        }
      }
    } finally { view.close(); }
  }

  // Requests that are held at the same time wait together. Held again and again, the answer is the caller's.
  async function through(input, init) {
    const request = new Request(input, init);
    for (let round = 0; ; round += 1) {
      const response = await fetch(request.clone());
      const held = round < 3 && await problem(response);
      if (!held) { return response; }
      if (!waits.has(held.room)) {
        const key = Array.from(crypto.getRandomValues(new Uint32Array(4))).join('-').padEnd(16, '-');
        waits.set(held.room, wait(held, response.url, key).finally(() => waits.delete(held.room)));
      }
      await waits.get(held.room);
    }
  }
  const fetch = window.fetch.bind(window);
  window.vestibule = { options, fetch: through, install() { window.fetch = through; } };
}());
