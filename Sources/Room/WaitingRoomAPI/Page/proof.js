// SHA-256 (FIPS 180-4), whose constants are fractions of the roots of the first primes.
// Why not crypto.subtle: it is there only in secure contexts, so not on a page without TLS; it answers each of the
// thousands of hashes by a promise; and it cannot go on from the state after the blocks that stay the same.
const primes = [];
for (let n = 2; primes.length < 64; n += 1) { if (primes.every((prime) => n % prime)) { primes.push(n); } }
const fraction = (root) => (root % 1) * 2 ** 32 | 0;
const constants = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)));
const words = new Int32Array(64);

// Takes the blocks from...to of a message into a state.
function digest(state, message, from, to) {
  for (let block = from; block < to; block += 64) {
    for (let i = 0; i < 16; i += 1) { words[i] = message.getInt32(block + 4 * i); }
    for (let i = 16; i < 64; i += 1) {
      const x = words[i - 15], y = words[i - 2];
      words[i] = words[i - 16] + words[i - 7] + ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3)
        + ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10);
    }
    let a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
    for (let i = 0; i < 64; i += 1) {
      const t = h + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) + (e & f ^ ~e & g)
        + constants[i] + words[i] | 0;
      const u = ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + (a & b ^ a & c ^ b & c) | 0;
      h = g; g = f; f = e; e = d + t | 0; d = c; c = b; b = a; a = t + u | 0;
    }
    state[0] += a; state[1] += b; state[2] += c; state[3] += d;
    state[4] += e; state[5] += f; state[6] += g; state[7] += h;
  }
}

// A message, and not a timer: the timers of a hidden tab stand still for a second each.
const breathe = () => new Promise((done) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => { port1.close(); done(); };
  port2.postMessage(0);
});

// Finds a nonce of eight digits, with zeros before them where these fill a block: then only the last block is hashed
// each time. In slices, so that the page never stands still. Undefined when there is none: another challenge is asked.
async function solve({ challenge, bits }) {
  const mine = turn;
  const gap = 64 - (challenge.length + 1) % 64;
  const zeros = gap <= 12 ? gap : 0;
  const text = challenge + ':' + '0'.repeat(zeros + 8);
  const bytes = new Uint8Array(Math.ceil((text.length + 9) / 64) * 64);
  const message = new DataView(bytes.buffer);
  new TextEncoder().encodeInto(text, bytes);
  bytes[text.length] = 128;
  message.setUint32(bytes.length - 4, text.length * 8);
  const fixed = text.length - 8 & ~63;
  const start = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
  digest(start, message, 0, fixed);
  const state = new Int32Array(8);
  let until = performance.now();
  for (let tried = 0; tried < 1e8; tried += 1) {
    if (tried % 256 === 0 && performance.now() >= until) {
      await breathe();
      if (mine !== turn) { throw new Error('overtaken'); }
      until = performance.now() + 20;
    }
    state.set(start);
    digest(state, message, fixed, bytes.length);
    if (Math.clz32(state[0]) >= bits) {
      return { challenge, nonce: '0'.repeat(zeros) + String(tried).padStart(8, '0') };
    }
    let at = text.length - 1;
    while (bytes[at] === 57) { bytes[at] = 48; at -= 1; }
    bytes[at] += 1;
  }
}
