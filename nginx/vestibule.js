// SPDX-License-Identifier: Apache-2.0
//
// Verifies passes inside nginx (njs 0.7.9). The same steps in the same order as Sources/Passes/KeyRing+Pass.swift and
// vestibule.lua; Tests/NginxTests holds all of them to one table. There is nothing at module level but functions and
// constants: njs runs the top level again for every request that uses it. Whatever throws ends in "malformed".

import crypto from 'crypto';

const tokenLengthMax = 1024;
const macLength = 43;
const leewaySeconds = 5;

/// js_set $vestibule_verdict: "ok:<room>", or missing, malformed, forged, foreign, expired.
/// On ok also sets $vestibule_pass and $vestibule_number for the backend.
function verdict(r) {
    try {
        const room = r.variables.vestibule_room;
        if (!isRoom(room)) {
            return 'malformed';
        }
        const prefix = r.variables.scheme === 'https' ? '__host-' : '';     // nginx compares cookie names without case
        const token = r.variables[`cookie_${prefix}vestibule-pass-${room}`];
        if (!token) {
            return 'missing';
        }
        return verify(r, token, room);
    } catch (e) {
        return 'malformed';
    }
}

function verify(r, token, room) {
    if (token.length > tokenLengthMax) {
        return 'malformed';
    }
    const parts = token.split('.');
    if (parts.length !== 3 || parts[0] === '' || parts[1] === '' || parts[2].length !== macLength) {
        return 'malformed';
    }
    const key = keyWithHeader(parts[0]);
    if (key === null) {
        return 'forged';
    }
    const mac = crypto.createHmac('sha256', Buffer.from(key.k, 'base64url'))
        .update(`${parts[0]}.${parts[1]}`).digest('base64url');
    if (!isEqual(mac, parts[2])) {
        return 'forged';
    }
    const claims = claimsOf(parts[1]);
    if (claims === null) {
        return 'malformed';
    }
    if (claims.aud !== room) {
        return 'foreign';
    }
    if (Math.floor(Date.now() / 1000) >= claims.exp + leewaySeconds) {
        return 'expired';
    }
    r.variables.vestibule_pass = token;
    r.variables.vestibule_number = claims.sub;
    return `ok:${room}`;
}

/// The key whose header this is, byte for byte. The array is walked: nothing in the token names a property.
function keyWithHeader(header) {
    const keys = vestibule_keys.keys;
    for (let i = 0; i < keys.length; i++) {
        const own = Buffer.from(`{"alg":"HS256","kid":"${keys[i].kid}","typ":"JWT"}`).toString('base64url');
        if (own === header) {
            return keys[i];
        }
    }
    return null;
}

/// Compares in a time that depends on the lengths only; njs has no timingSafeEqual.
function isEqual(left, right) {
    if (left.length !== right.length) {
        return false;
    }
    let difference = 0;
    for (let i = 0; i < left.length; i++) {
        difference |= left.charCodeAt(i) ^ right.charCodeAt(i);
    }
    return difference === 0;
}

/// The claims when they are exactly the six of a pass, each of its own kind; else null. The MAC has been checked.
function claimsOf(text) {
    const bytes = Buffer.from(text, 'base64url');
    if (bytes.toString('base64url') !== text) {
        return null;
    }
    const claims = JSON.parse(bytes.toString());
    if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) {
        return null;
    }
    if (Object.keys(claims).sort().join() !== 'aud,exp,iat,iss,jti,sub') {
        return null;
    }
    const good = claims.iss === 'vestibule' && isRoom(claims.aud)
        && typeof claims.sub === 'string' && /^[1-9][0-9]{0,15}$/.test(claims.sub) && isTime(Number(claims.sub))
        && typeof claims.jti === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(claims.jti)
        && isTime(claims.iat) && isTime(claims.exp);
    return good ? claims : null;
}

function isRoom(room) {
    return typeof room === 'string' && /^[a-z0-9][a-z0-9_-]{0,63}$/.test(room);
}

function isTime(value) {
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

export default { verdict };
