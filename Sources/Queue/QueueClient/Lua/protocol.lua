-- protocol.lua: names and numbers on which the scripts and Swift agree. Put in front of every script.
-- ARGV: the constants *_ARG_* and *_ITEMS are places in ARGV, *_ITEM_* and *_RESULT_* are offsets.
-- Returns nothing by itself.
-- Do not edit: rendered from ScriptProtocol.swift and ScriptLayout.swift; see ProtocolTests.swift.
--
-- Fields of the state that say which memory of the room this is:
--   generation    counts resets by an operator: a ticket of a lower generation has ended
--   server        run id of the Redis process that wrote the state last; another one may lack the last writes
--   incarnation   changes when the state was made anew or moved to another Redis process: a worker that knows
--                 another incarnation brings what it remembers (restore.lua)
--   version       grows with each change of a waiting bitmap: a tick sends the chunks that changed since
--   remembered    1 when some worker knew the room when it was restored, or the state itself survived
--   restored_ms   when the room was restored or moved; for a grace after it tickets are believed, from
--   doubt_from    this number on: lower numbers are completely recorded
--   hold_epoch    nobody is swept for silence before this epoch, because heartbeats are missing
-- refilled_ms may be in the future: the buckets are then held until that time (HOLD_MS).

local MICRO = 1000000  -- a token of a bucket
local CHUNK = 65408  -- numbers per bitmap: 8,176 bytes and Redis' overhead fill exactly 8 KiB
local EPOCHS_KEPT = 4  -- abandon_after is cut into this many epochs
local BEHIND = 65536  -- more numbers than can be issued between two ticks of a worker
local HOLD_MS = 4000  -- see constants.lua
local REPORT_MS = 2500  -- see constants.lua
local HOLD_MAX_MS = 15000  -- see constants.lua
local EPOCH_2026 = 1767225600  -- 2026-01-01T00:00:00Z
local PER_SECOND = 131072  -- see first_number in constants.lua
local NUMBERS_PERIOD = 536870912  -- of a clock that was set back; see first_number
local GAP = 1000  -- numbers skipped behind a number that only its ticket knows
local REFILL_MS_MAX = 3600000  -- fills any bucket; keeps the product below 2^53
local JOIN_KEY_MS = 301000  -- life of an idempotency key
local KEYS_PER_PAGE = 334400  -- numbers in a page of keys
local KEY_BUCKETS = 880  -- hashes in a page of keys
local KEY_PAGES_MAX = 8  -- pages of keys that are looked at
local KEY_SECONDS = 512  -- seconds that a value of a page tells apart
local PERSON_MS = 86400000  -- life of a person's key since its last use
local LAPSES_MAX = 256  -- calls that one tick lets lapse at most
local CALLS_MAX = 4000  -- visitors that one tick calls at most
local PATIENCE_MAX = 64  -- abandon_after is at most this many times longer
local PATIENCE_MS_MAX = 86400000  -- and at most this
local PATIENCE_MS = 6000  -- for each who waits, by the polls of a second
local TICKET_MS = 86400000  -- an older ticket is not believed after a loss
local DRAW_MAX = 1000000  -- registrations for a draw
local DRAW_CLAIM_MS = 300  -- for which one worker computes the draw
local ROOM_MS = 2592000000  -- life of the keys of a room that nobody runs
local RECALL_TOKENS = 4  -- tokens in a claim window below which they are scarce
local PASSES_MAX = 4000  -- passes that one tick ends at most
local PAGE = 1022  -- numbers in a page of brought entries: 64 pages are a chunk
local BROUGHT_MAX = 8  -- pages of brought entries that one tick moves at most
local CALLED_MAX = 10000  -- calls that a restore looks at, the newest
local STEP_BACK_MS = 5000  -- a clock that goes back further is another server's
local KEYS_PER_COMMAND = 1000  -- Lua can unpack 7,999 words
local LATE_CHUNK = 17179869184  -- chunks between a number and its place behind everybody else
local LATE = 1123700883587072  -- LATE_CHUNK chunks of numbers
local GRACE_PER_ABANDON = 15  -- return_grace is at most this many times abandon_after
local PLACE_RETRY_MS = 1000  -- a called visitor finds no place of max_active
local TURN_TOKENS = 3  -- tokens to come at which refused visitors have turns
local TURNS_PER_TOKEN = 3  -- visitors whose turn is at the same token
local TURN_MS_MIN = 50  -- a turn is at least this far ahead
local TURNS_MAX = 16  -- turns that a room remembers
local BYPASS_PARTS = 300  -- a tick in bypass calls this fraction of those who wait
local BYPASS_CALLS_MIN = 20  -- a tick in bypass calls at least this number
local POLICY = {'rate_milli', 'burst', 'max_active', 'claim_ms', 'abandon_ms', 'grace_ms', 'pass_ms', 'mode',
    'capacity', 'poll_budget', 'opens_ms', 'closes_ms', 'draw', 'pass_max_ms'}
local OPEN = 0
local PAUSED = 1
local CLOSED = 2
local BYPASS = 3
local ENDED = 4
local DRAW_OFF = 0
local DRAW_SEED = 1
local DRAW_BEACON = 2
local DRAW_NONE = 0
local DRAW_REGISTERING = 1
local DRAW_OPENED = 2
local DRAW_DRAWN = 3
local WAITING = 1
local CALLED = 2
local ENTERED = 3
local LEFT = 4
local EXPIRED = 5
local RETRY = 6
local FENCED = 7
local RENEWABLE = 8
local MOVED = 9
local JOIN_WAITING = 1
local JOIN_ADMITTED = 2
local JOIN_KNOWN = 3
local JOIN_CLOSED = 4
local JOIN_FULL = 5
local JOIN_NO_ROOM = 6
local JOIN_BYPASSED = 7
local JOIN_PASSED = 8
local KIND_JOIN = 'join'
local KIND_GATE = 'gate'
local KIND_PERSON = 'person'
local KIND_PERSON_GATE = 'person_gate'
local KIND_PASSAGE = 'passage'
local VISIT_STAND = 'stand'
local VISIT_ENTER = 'enter'
local VISIT_LEAVE = 'leave'
local VISIT_RENEW = 'renew'
local NOSTATE = 'NOSTATE'
local ROLLBACK = 'ROLLBACK'
local DEFAULT = 'default'
local REVISION_ARG = 15
local CONFIGURE_ITEMS = 16
local JOIN_ARG_KNOWN_GENERATION = 16
local JOIN_ARG_KNOWN_NEXT = 17
local JOIN_ARG_KNOWN_INCARNATION = 18
local JOIN_ITEMS = 19
local JOIN_ITEM_KIND = 0
local JOIN_ITEM_KEY = 1
local JOIN_ITEM_SIZE = 2
local JOIN_REPLY_NOW = 1
local JOIN_REPLY_GENERATION = 2
local JOIN_REPLY_WAITING = 3
local JOIN_RESULT_CODE = 1
local JOIN_RESULT_NUMBER = 2
local JOIN_RESULT_TIME = 3
local VISIT_ITEMS = 16
local VISIT_ITEM_ACTION = 0
local VISIT_ITEM_GENERATION = 1
local VISIT_ITEM_NUMBER = 2
local VISIT_ITEM_ISSUED_MS = 3
local VISIT_ITEM_SIZE = 4
local VISIT_REPLY_NOW = 1
local VISIT_REPLY_WAITING = 2
local VISIT_RESULT_CODE = 1
local VISIT_RESULT_TIME = 2
local TICK_ARG_KNOWN_GENERATION = 16
local TICK_ARG_KNOWN_VERSION = 17
local TICK_ARG_KNOWN_NEXT = 18
local TICK_ARG_KNOWN_ENTERED = 19
local TICK_ARG_FLOW_SECOND = 20
local TICK_ARG_TICK_MS = 21
local TICK_ARG_KNOWN_INCARNATION = 22
local TICK_ARG_HEARTBEAT_EPOCH = 23
local TICK_ITEMS = 24
local TICK_PART_STATE = 1
local TICK_PART_POLICY = 2
local TICK_PART_FLOW = 3
local TICK_PART_CHUNKS = 4
local TICK_PART_OVERRIDES = 5
local TICK_PART_TEXTS = 6
local DRAW_ARG_ACTION = 16
local DRAW_ARG_A = 17
local DRAW_ARG_B = 18
local DRAW_ARG_C = 19
local DRAW_ITEMS = 20
local function tick_fields()
  return {'now', 'generation', 'version', 'next', 'head', 'waiting', 'called', 'active', 'opened_ms', 'joined',
    'entered', 'left', 'abandoned', 'lapsed', 'returned', 'incarnation', 'call_tokens', 'revision', 'asked_abandon_ms',
    'draw_state', 'draw_first', 'draw_behind', 'lapses_left'}
end
local RESTORE_ARG_GENERATION = 1
local RESTORE_ARG_KNOWN_NEXT = 2
local RESTORE_ARG_OPENED_MS = 3
local RESTORE_ARG_FIRST_TOKENS = 4
local RESTORE_ARG_EPOCH_MS = 5
local RESTORE_ARG_CLAIM_MS = 6
local RESTORE_ARG_PASS_MS = 7
local RESTORE_ARG_KNOWN_VERSION = 8
local RESTORE_ARG_INCARNATION = 9
local RESTORE_ARG_OVERRIDE_WORDS = 10
local RESTORE_ARG_ENTRY_CHUNKS = 11
local RESTORE_ITEMS = 12
local RESTORE_CHUNK_CHUNK = 0
local RESTORE_CHUNK_IS_RENEWED = 1
local RESTORE_CHUNK_FIRST_BYTE = 2
local RESTORE_CHUNK_BITS = 3
local RESTORE_CHUNK_PAGES = 4
local RESTORE_CHUNK_SIZE = 5
local RESTORE_PAGE_PAGE = 0
local RESTORE_PAGE_FIRST_END = 1
local RESTORE_PAGE_LAST_END = 2
local RESTORE_PAGE_RECORDS = 3
local RESTORE_PAGE_SIZE = 4
local RESTORE_REPLY_GENERATION = 1
local RESTORE_REPLY_NEXT = 2
local RESTORE_REPLY_INCARNATION = 3
local NEWS_ARG = {since = 1}
local NEWS_REPLY = {now = 1, mark = 2, is_new = 3, is_cut = 4}
local INDEX = {news_max = 1000, members_max = 65536, changes_from = 1000000000000000, due_soon_ms = 1000,
    due_idle_ms = 902000, due_kept_ms = 60000, turns = 1000003}
