-- SPDX-License-Identifier: Apache-2.0
--
-- Verifies passes inside nginx (lua-nginx-module 0.10.23 on LuaJIT). The same steps in the same order as
-- Sources/Rules/Passes/KeyRing+Pass.swift and vestibule.js; Tests/Program/NginxTests holds all of them to one table.
-- HMAC and the comparison are libcrypto's, by FFI: nginx itself has that library loaded. Errors end in "malformed".

local ffi = require "ffi"
local cjson = require("cjson.safe").new()
local base64 = require "ngx.base64"

ffi.cdef [[
typedef struct evp_md_st EVP_MD;
const EVP_MD *EVP_sha256(void);
typedef struct hmac_ctx_st HMAC_CTX;
HMAC_CTX *HMAC_CTX_new(void);
int HMAC_Init_ex(HMAC_CTX *context, const void *key, int key_len, const EVP_MD *md, void *engine);
int HMAC_Update(HMAC_CTX *context, const unsigned char *data, size_t len);
int HMAC_Final(HMAC_CTX *context, unsigned char *code, unsigned int *code_len);
typedef struct { uint64_t opaque[16]; } SHA256_CTX;
int SHA256_Init(SHA256_CTX *context);
int SHA256_Update(SHA256_CTX *context, const void *data, size_t len);
int SHA256_Final(unsigned char *digest, SHA256_CTX *context);
int CRYPTO_memcmp(const void *left, const void *right, size_t len);
]]
local libcrypto = ffi.load("libcrypto.so.3")

cjson.decode_invalid_numbers(false)
cjson.decode_max_depth(8)

local TOKEN_LENGTH_MAX = 1024
local MAC_LENGTH = 43
local LEEWAY_SECONDS = 5
local HASH_LENGTH = 12
local VALUES_MAX = 16
local SPACE, TAB, SEMICOLON, EQUALS = 32, 9, 59, 61
local MAPPED = ("\0"):rep(10) .. "\255\255" -- what an IPv4 address begins with when it is written as IPv6
local EXACT_INTEGER_MAX = 9007199254740991 -- 2^53 - 1

local vestibule = {}
local keys = {} -- array of {header = text, secret = bytes}, in the order of the key file
local code_buffer = ffi.new("unsigned char[32]")
local hash_context = ffi.new("SHA256_CTX") -- 112 bytes of it are used

local function is_room(room)
    return type(room) == "string" and #room <= 64 and room:find("^[a-z0-9][a-z0-9_-]*$") ~= nil
end

local function is_time(value)
    return type(value) == "number" and value >= 0 and value <= EXACT_INTEGER_MAX and value % 1 == 0
end

--- A HMAC context that has seen the key, to be started again for each message: OpenSSL looks up neither algorithm nor
-- key then. It lives as long as nginx does.
local function keyed_context(secret)
    local context = libcrypto.HMAC_CTX_new()
    assert(context ~= nil and libcrypto.HMAC_Init_ex(context, secret, #secret, libcrypto.EVP_sha256(), nil) == 1)
    return context
end

--- Reads the JWK Set. Runs in the master at start and reload; an error there stops nginx from starting.
function vestibule.load_keys(path)
    local file = assert(io.open(path, "rb"))
    local set = assert(cjson.decode((file:read("*a"))))
    file:close()
    local loaded = {}
    for index, key in ipairs(assert(set.keys, "the key file has no keys")) do
        assert(key.kty == "oct" and key.alg == "HS256", "only oct keys for HS256")
        assert(type(key.kid) == "string" and #key.kid <= 16 and key.kid:find("^[a-z0-9][a-z0-9_-]*$"), "bad kid")
        local secret = assert(base64.decode_base64url(key.k), "k is not base64url")
        assert(#secret >= 32, "a key needs at least 32 bytes")
        loaded[index] = {
            header = base64.encode_base64url('{"alg":"HS256","kid":"' .. key.kid .. '","typ":"JWT"}'),
            context = keyed_context(secret),
        }
    end
    assert(#loaded > 0, "the key file has no keys")
    keys = loaded
end

--- The key whose header this is, byte for byte.
local function key_with_header(header)
    for _, key in ipairs(keys) do
        if key.header == header then return key end
    end
end

--- The first 3 bytes of an IPv4 address, 6 of an IPv6 one; none of a unix socket. ::ffff:1.2.3.4 is an IPv4 address.
local function network_of(address)
    if #address == 4 then return address:sub(1, 3) end
    if #address ~= 16 then return "" end
    if address:sub(1, 12) == MAPPED then return address:sub(13, 15) end
    return address:sub(1, 6)
end

--- What a pass bound to this client by these letters (n network, a agent, na both) has as `bnd`. The bytes that are
-- hashed are named in Sources/Rules/Passes/PassBinding.swift.
local function binding(letters)
    local text = "vestibule binding v1 " .. letters .. " "
    if letters ~= "a" then
        local network = network_of(ngx.var.binary_remote_addr)
        text = text .. string.char(#network) .. network
    end
    if letters ~= "n" then text = text .. (ngx.var.http_user_agent or "") end
    -- Not SHA256(), which looks the algorithm up each time.
    libcrypto.SHA256_Init(hash_context)
    libcrypto.SHA256_Update(hash_context, text, #text)
    libcrypto.SHA256_Final(code_buffer, hash_context)
    return letters .. ":" .. base64.encode_base64url(ffi.string(code_buffer, 32)):sub(1, HASH_LENGTH)
end

local function binding_letters(claim) return claim:sub(1, -HASH_LENGTH - 2) end

local function is_binding(claim)
    if type(claim) ~= "string" then return false end
    local letters = binding_letters(claim)
    return (letters == "n" or letters == "a" or letters == "na")
        and claim:find("^:[A-Za-z0-9_-]+$", #letters + 1) ~= nil
end

--- The claims when they are exactly the six of a pass, and `bnd` where it is bound, each of its own kind; else nil.
-- The MAC has been checked.
local function claims_of(text)
    local bytes = base64.decode_base64url(text)
    if not bytes or base64.encode_base64url(bytes) ~= text then return nil end
    local claims = cjson.decode(bytes)
    if type(claims) ~= "table" then return nil end
    local count = 0
    for _ in pairs(claims) do count = count + 1 end
    local sub, jti = claims.sub, claims.jti
    local good = count == (claims.bnd == nil and 6 or 7) and claims.iss == "vestibule" and is_room(claims.aud)
        and type(sub) == "string" and #sub <= 16 and sub:find("^[1-9][0-9]*$") and is_time(tonumber(sub))
        and type(jti) == "string" and #jti <= 64 and jti:find("^[A-Za-z0-9_-]+$")
        and is_time(claims.iat) and is_time(claims.exp)
        and (claims.bnd == nil or is_binding(claims.bnd))
    return good and claims or nil
end

--- Whether the request should bring a new pass home: it may be renewed, and is in the last third of its life.
local function is_due(claims)
    local now, jti = ngx.time(), claims.jti
    return #jti >= 25 and #jti <= 40 and jti:find("^-r[0-9]+$", 23) ~= nil and now < claims.exp
        and (now - claims.iat) * 3 >= (claims.exp - claims.iat) * 2 and ngx.var.vsb_unrenewed == ""
end

local function check(token, room)
    if #token > TOKEN_LENGTH_MAX then return "malformed" end
    -- find with plain text is compiled, match is not.
    local first = token:find(".", 1, true)
    local second = first and token:find(".", first + 1, true)
    if not second or first == 1 or second == first + 1 or #token - second ~= MAC_LENGTH
        or token:find(".", second + 1, true)
    then
        return "malformed"
    end
    local header, payload, mac = token:sub(1, first - 1), token:sub(first + 1, second - 1), token:sub(second + 1)
    local key = key_with_header(header)
    if not key then return "forged" end
    local signed = token:sub(1, second - 1)
    local context = key.context
    if libcrypto.HMAC_Init_ex(context, nil, 0, nil, nil) ~= 1 or libcrypto.HMAC_Update(context, signed, #signed) ~= 1
        or libcrypto.HMAC_Final(context, code_buffer, nil) ~= 1
    then
        return "malformed"
    end
    local own = base64.encode_base64url(ffi.string(code_buffer, 32))
    if libcrypto.CRYPTO_memcmp(own, mac, MAC_LENGTH) ~= 0 then return "forged" end
    local claims = claims_of(payload)
    if not claims then return "malformed" end
    if claims.aud ~= room then return "foreign" end
    if ngx.time() >= claims.exp + LEEWAY_SECONDS then return "expired" end
    if claims.bnd and claims.bnd ~= binding(binding_letters(claims.bnd)) then return "other-client" end
    if is_due(claims) then return "due" end
    ngx.var.vestibule_pass = token
    ngx.var.vestibule_number = claims.sub
    return "ok:" .. room
end

--- The first place from here, in this direction, that holds no blank.
local function skipped(text, place, step)
    local byte = text:byte(place)
    while byte == SPACE or byte == TAB do
        place = place + step
        byte = place > 0 and text:byte(place) or nil
    end
    return place
end

--- The value of the cookie whose name, less its prefix, stands here; "" when it is another cookie.
local function value_at(header, from, to, is_secure)
    local start = from
    if is_secure then
        if header:sub(math.max(1, from - 7), from - 1) == "__Host-" then
            start = from - 7
        elseif header:sub(math.max(1, from - 9), from - 1) == "__Secure-" then
            start = from - 9
        else
            return ""
        end
    end
    start = skipped(header, start - 1, -1)
    local equals = skipped(header, to + 1, 1)
    if start > 0 and header:byte(start) ~= SEMICOLON or header:byte(equals) ~= EQUALS then return "" end
    local stop = header:find(";", equals, true) or #header + 1
    return header:sub(skipped(header, equals + 1, 1), skipped(header, stop - 1, -1))
end

--- "ok:<room>" with the first good pass among the cookies of that name, else the verdict on the first of them. The
-- header is read as CookieReader.swift reads it; nginx's $cookie_ variables split at commas, too, and ignore case.
local function judge(header, room)
    local name = "vestibule-pass-" .. room
    local is_secure = ngx.var.scheme == "https"
    local first, tried = "missing", 0
    local from, to = header:find(name, 1, true)
    while from and tried < VALUES_MAX do
        local token = value_at(header, from, to, is_secure)
        if token ~= "" then
            tried = tried + 1
            local finished, said = pcall(check, token, room)
            if not finished then
                -- No token does this, but a module or library in which something is missing: not in silence.
                ngx.log(ngx.ERR, "vestibule: the verifier failed: ", said)
                said = "malformed"
            end
            if said == "ok:" .. room then return said end
            if first == "missing" or said == "due" then first = said end
        end
        from, to = header:find(name, from + 1, true)
    end
    return first
end

--- set_by_lua $vestibule_verdict: "ok:<room>", or missing, malformed, forged, foreign, expired, other-client,
-- due (good, and the gate may renew it).
-- On ok also sets $vestibule_pass and $vestibule_number for the backend. What the gate or the guard has decided stands.
function vestibule.verdict()
    local room = ngx.var.vestibule_room
    if not is_room(room) then return "malformed" end
    if ngx.var.vsb_admitted == room then return "ok:" .. room end
    return judge(ngx.var.http_cookie or "", room)
end

return vestibule
