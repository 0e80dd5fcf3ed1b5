// SPDX-License-Identifier: Apache-2.0

/** What the waiting room says of a visitor who waits; `/_vestibule/vestibule.js` hands it on. */
interface VestibuleState {
  status: 'waiting' | 'paused' | 'ready' | 'admitted';
  /** People ahead plus one; 0 when it is the visitor's turn. */
  position: number | null;
  /** Seconds; null where nothing can be promised. */
  eta_sec: number | null;
  /** In the language of the document, as the room says it. */
  message: string;
}

interface Vestibule {
  options: {
    /**
     * A dialog (`dialog.vestibule`, for the app to style), the waiting page, or a function of the app that shows the
     * wait; it gets each state, and a function that leaves the queue.
     */
    mode: 'modal' | 'redirect' | ((state: VestibuleState, leave: () => void) => void);
    /** A protected address, where `redirect` goes; empty for the address of the document. */
    page: string;
    texts: { title: string; position: string; leave: string };
  };
  /** As `fetch`. Rejects with an AbortError when the visitor leaves the queue. */
  fetch: typeof fetch;
  /** Puts it in the place of `window.fetch`. */
  install(): void;
}

interface Window { vestibule: Vestibule; }
declare const vestibule: Vestibule;
