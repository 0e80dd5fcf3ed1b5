// SPDX-License-Identifier: Apache-2.0
//
// Verifies passes inside nginx (njs 0.7.9). The same steps in the same order as Sources/Passes/KeyRing+Pass.swift and
// vestibule.lua; Tests/NginxTests holds all of them to one table. Whatever throws ends in "malformed".
//
// Every request that comes here gets a virtual machine of its own, and in a fresh one the first use of each method and
// each global costs about as much as hashing a block. So: nothing at module level but functions and constants, one
// expression rather than a loop where it is short, and no check twice.

import crypto from 'crypto';

const tokenLengthMax = 1024;
const macLength = 43;
const leewaySeconds = 5;

/// js_set $vestibule_verdict: "ok:<room>", or missing, malformed, forged, foreign, expired.
/// On ok also sets $vestibule_pass and $vestibule_number for the backend.
function verdict(r) {
    let room;
    let said = 'malformed';
    try {
        const variables = r.variables;
        room = variables.vestibule_room;
        const prefix = variables.scheme === 'https' ? '__host-' : '';       // nginx compares cookie names without case
        const token = variables[`cookie_${prefix}vestibule-pass-${room}`];
        said = token ? verify(variables, token, room) : 'missing';
    } catch (e) {
        said = 'malformed';
    }
    if (said === 'ok') {
        return `ok:${room}`;                                                // the room of a good pass is a room
    }
    return isRoom(room) ? said : 'malformed';
}

function verify(variables, token, room) {
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
    variables.vestibule_pass = token;
    variables.vestibule_number = claims.sub;
    return 'ok';
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

/// The claims when they are exactly the six of a pass, each of its own kind; else null. The MAC has been checked.
function claimsOf(text) {
    const bytes = Buffer.from(text, 'base64url');
    if (bytes.toString('base64url') !== text) {
        return null;
    }
    const json = bytes.toString();
    // As workers write it, one expression sees all there is to see. Fifteen digits are always exact.
    const ours = json.match(/^\{"iss":"vestibule","aud":"([a-z0-9][a-z0-9_-]{0,63})","sub":"([1-9][0-9]{0,14})","jti":"[A-Za-z0-9_-]{1,64}","iat":(?:0|[1-9][0-9]{0,14}),"exp":(0|[1-9][0-9]{0,14})\}$/);
    return ours === null ? parsedClaims(json) : { aud: ours[1], sub: ours[2], exp: +ours[3] };
}

/// The same for any other order, spacing or size.
function parsedClaims(json) {
    const claims = JSON.parse(json);
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
