// SPDX-License-Identifier: Apache-2.0
//
// Verifies passes inside nginx (njs 0.7.9). The same steps in the same order as Sources/Rules/Passes/KeyRing+Pass.swift and
// vestibule.lua; Tests/Program/NginxTests holds all of them to one table. Whatever throws ends in "malformed".
//
// Every request that comes here gets a virtual machine of its own, and in a fresh one the first use of each method and
// each global costs about as much as hashing a block. So: nothing at module level but functions and constants, one
// expression rather than a loop where it is short, and no check twice.

import crypto from 'crypto';

const tokenLengthMax = 1024;
const macLength = 43;
const leewaySeconds = 5;
const hashLength = 12;
const valuesMax = 16;

/// js_set $vestibule_verdict: "ok:<room>", or missing, malformed, forged, foreign, expired, other-client, due
/// (good, and the gate may renew it).
/// On ok also sets $vestibule_pass and $vestibule_number for the backend.
function verdict(r) {
    let room;
    let said = 'malformed';
    try {
        const variables = r.variables;
        room = variables.vestibule_room;
        if (variables.vsb_admitted === room) {
            return `ok:${room}`;                                            // by the gate, or by the guard before
        }
        said = judge(r, variables, room);
    } catch (e) {
        said = failed(r, e);
    }
    if (said === 'ok') {
        return `ok:${room}`;                                                // the room of a good pass is a room
    }
    return isRoom(room) ? said : 'malformed';
}

/// No token does this, but an engine in which something is missing (js_engine qjs): it must not fail in silence.
function failed(r, error) {
    r.error(`vestibule: the verifier failed: ${error}`);
    return 'malformed';
}

/// 'ok' with the first good pass among the cookies of that name, else 'due' when one may be renewed, else the verdict
/// on the first of them. The header is read as CookieReader.swift reads it; nginx's $cookie_ variables split at commas, too, and ignore case.
function judge(r, variables, room) {
    const header = variables.http_cookie || '';
    const name = `vestibule-pass-${room}`;
    const isSecure = variables.scheme === 'https';
    let first = 'missing';
    for (let tried = 0, at = header.indexOf(name); at >= 0 && tried < valuesMax; at = header.indexOf(name, at + 1)) {
        const token = valueAt(header, at, at + name.length, isSecure);
        if (token === '') {
            continue;
        }
        tried++;
        let said = 'malformed';
        try {
            said = verify(r, variables, token, room);
        } catch (e) {
            said = failed(r, e);
        }
        if (said === 'ok') {
            return said;
        }
        first = first === 'missing' || said === 'due' ? said : first;
    }
    return first;
}

/// The value of the cookie whose name, less its prefix, stands here; '' when it is another cookie.
function valueAt(header, from, to, isSecure) {
    let start = from;
    if (isSecure) {
        if (from >= 7 && header.slice(from - 7, from) === '__Host-') {
            start = from - 7;
        } else if (from >= 9 && header.slice(from - 9, from) === '__Secure-') {
            start = from - 9;
        } else {
            return '';
        }
    }
    start = skipped(header, start - 1, -1);
    let end = skipped(header, to, 1);
    if (start >= 0 && header[start] !== ';' || header[end] !== '=') {
        return '';
    }
    start = skipped(header, end + 1, 1);
    end = header.indexOf(';', end);
    end = skipped(header, (end < 0 ? header.length : end) - 1, -1);
    return header.slice(start, end + 1);
}

/// The first place from here, in this direction, that holds no blank.
function skipped(text, place, step) {
    while (text[place] === ' ' || text[place] === '\t') {
        place += step;
    }
    return place;
}

function verify(r, variables, token, room) {
    const length = token.length;
    const macStart = length - macLength;
    if (length > tokenLengthMax || token[macStart - 1] !== '.') {
        return 'malformed';
    }
    const key = keyOf(token);
    if (key === null) {
        return hasThreeParts(token) ? 'forged' : 'malformed';
    }
    const signed = token.slice(0, macStart - 1);
    const mac = crypto.createHmac('sha256', Buffer.from(key.k, 'base64url')).update(signed).digest();
    if (!isEqual(mac, token.slice(macStart))) {
        return hasThreeParts(token) ? 'forged' : 'malformed';
    }
    const claims = claimsOf(signed.slice(key.claimsStart));
    if (claims === null) {
        return 'malformed';
    }
    if (claims.aud !== room) {
        return 'foreign';
    }
    if (variables.msec >= claims.exp + leewaySeconds) {
        return 'expired';
    }
    if (claims.bnd !== undefined && claims.bnd !== binding(r.rawVariables, claims.bnd.slice(0, -hashLength - 1))) {
        return 'other-client';
    }
    if (claims.isRenewable && isDue(variables, claims)) {
        return 'due';
    }
    variables.vestibule_pass = token;
    variables.vestibule_number = claims.sub;
    return 'ok';
}

/// Whether the request should bring a new pass home: it is in the last third of its life.
function isDue(variables, claims) {
    const now = variables.msec;
    return now < claims.exp && (now - claims.iat) * 3 >= (claims.exp - claims.iat) * 2 && !variables.vsb_unrenewed;
}

/// The key whose header stands before the first dot, byte for byte, and where the claims start. The array is walked:
/// nothing in the token names a property.
function keyOf(token) {
    const keys = vestibule_keys.keys;
    for (let i = 0; i < keys.length; i++) {
        const key = keys[i];
        const header = Buffer.from(`{"alg":"HS256","kid":"${key.kid}","typ":"JWT"}`).toString('base64url');
        if (token.startsWith(`${header}.`)) {
            return { k: key.k, claimsStart: header.length + 1 };
        }
    }
    return null;
}

/// What is wrong with a token that is not ours: three parts, none of them empty, can only be forged.
function hasThreeParts(token) {
    const parts = token.split('.');
    return parts.length === 3 && parts[0] !== '' && parts[1] !== '';
}

/// Whether the text, of 43 characters, is the one spelling of the MAC; njs has no timingSafeEqual. How it is spelled is
/// no secret of ours; the 32 bytes are compared word by word, in a time that does not depend on them.
function isEqual(mac, text) {
    const bytes = Buffer.from(text, 'base64url');
    if (bytes.toString('base64url') !== text) {
        return false;
    }
    const a = new Uint32Array(mac.buffer, mac.byteOffset, 8);
    const b = new Uint32Array(bytes.buffer, bytes.byteOffset, 8);
    return (a[0] ^ b[0] | a[1] ^ b[1] | a[2] ^ b[2] | a[3] ^ b[3]
        | a[4] ^ b[4] | a[5] ^ b[5] | a[6] ^ b[6] | a[7] ^ b[7]) === 0;
}

/// What a pass bound to this client by these letters (n network, a agent, na both) has as `bnd`. The bytes that are
/// hashed are named in Sources/Rules/Passes/PassBinding.swift.
function binding(variables, letters) {
    const hash = crypto.createHash('sha256').update(`vestibule binding v1 ${letters} `);
    if (letters[0] === 'n') {
        const network = networkOf(variables.binary_remote_addr);
        hash.update(Buffer.from([network.length])).update(network);
    }
    if (letters[letters.length - 1] === 'a') {
        hash.update(variables.http_user_agent || '');
    }
    return `${letters}:${hash.digest('base64url').slice(0, hashLength)}`;
}

/// The first 3 bytes of an IPv4 address, 6 of an IPv6 one; none of a unix socket. ::ffff:1.2.3.4 is an IPv4 address.
function networkOf(address) {
    if (address.length === 4) {
        return address.slice(0, 3);
    }
    if (address.length !== 16) {
        return address.slice(0, 0);
    }
    return address.toString('hex', 0, 12) === '00000000000000000000ffff' ? address.slice(12, 15) : address.slice(0, 6);
}

/// The claims when they are exactly the six of a pass, and `bnd` where it is bound, each of its own kind; else null.
/// The MAC has been checked.
function claimsOf(text) {
    const bytes = Buffer.from(text, 'base64url');
    if (bytes.toString('base64url') !== text) {
        return null;
    }
    const json = bytes.toString();
    // As workers write it, one expression sees all there is to see. Fifteen digits are always exact.
    const ours = json.match(/^\{"iss":"vestibule","aud":"([a-z0-9][a-z0-9_-]{0,63})","sub":"([1-9][0-9]{0,14})","jti":"(?:[A-Za-z0-9_-]{22}(-r[0-9]{1,16})|[A-Za-z0-9_-]{1,64})","iat":(0|[1-9][0-9]{0,14}),"exp":(0|[1-9][0-9]{0,14})(?:,"bnd":"((?:n|a|na):[A-Za-z0-9_-]{12})")?\}$/);
    return ours === null ? parsedClaims(json) : {
        aud: ours[1], sub: ours[2], isRenewable: ours[3] !== undefined, iat: +ours[4], exp: +ours[5], bnd: ours[6],
    };
}

/// The same for any other order, spacing or size.
function parsedClaims(json) {
    const claims = JSON.parse(json);
    if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) {
        return null;
    }
    const names = Object.keys(claims).filter((name) => name !== 'bnd').sort().join();
    if (names !== 'aud,exp,iat,iss,jti,sub') {
        return null;
    }
    const good = claims.iss === 'vestibule' && isRoom(claims.aud)
        && isAll(/^[1-9][0-9]{0,15}$/, claims.sub) && isTime(Number(claims.sub))
        && isAll(/^[A-Za-z0-9_-]{1,64}$/, claims.jti)
        && isTime(claims.iat) && isTime(claims.exp)
        && (claims.bnd === undefined || isAll(/^(?:n|a|na):[A-Za-z0-9_-]{12}$/, claims.bnd));
    claims.isRenewable = good && isAll(/^[A-Za-z0-9_-]{22}-r[0-9]{1,16}$/, claims.jti);
    return good ? claims : null;
}

function isRoom(room) {
    return isAll(/^[a-z0-9][a-z0-9_-]{0,63}$/, room);
}

/// Whether a value is a text of this form to its end: in njs, $ also stands before a newline that ends the text.
function isAll(form, value) {
    const found = typeof value === 'string' ? form.exec(value) : null;
    return found !== null && found[0] === value;
}

function isTime(value) {
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

export default { verdict };
