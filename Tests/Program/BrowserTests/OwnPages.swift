// SPDX-License-Identifier: Apache-2.0
//
// Pages of an operator's own, as they lie in a room's folder.

import Foundation
import TestSupport

enum OwnPages {
    /// In the shape of the pages that people have at Cloudflare: its variables and sections, its refresh, a script that
    /// reads one of them, and nothing of ours.
    static let cloudflare = #"""
        <!DOCTYPE html>
        <html lang="en-US">
        <head>
          <title>Acme Concerts: waiting room</title>
          <meta charset="utf-8">
          <meta name="viewport" content="width=device-width, initial-scale=1">
          <meta http-equiv="refresh" content="{{refreshIntervalSeconds}}">
          <style>
            body { font-family: sans-serif; margin: 0; color: #1b1b1b; background: #f4efe6; }
            header { background: #2b2140; color: #fff; padding: 1rem 2rem; }
            main { max-width: 40rem; margin: 2rem auto; padding: 0 1rem; }
            .wait { font-size: 1.5rem; font-weight: bold; }
          </style>
        </head>
        <body>
          <header><strong>Acme Concerts</strong></header>
          <main>
            <h1>You are in line</h1>
            <h2 id="time-remaining">
              <noscript>
                {{#waitTimeKnown}}Estimated: {{waitTimeFormatted}}...{{/waitTimeKnown}}
                {{^waitTimeKnown}}{{#queueIsFull}}More than a day.{{/queueIsFull}}
                {{^queueIsFull}}Not known.{{/queueIsFull}}{{/waitTimeKnown}}
              </noscript>
            </h2>
            {{#queueIsFull}}
            <p>The line is full at the moment. Please come back later.</p>
            {{/queueIsFull}}
            {{^queueIsFull}}
              {{#waitTimeKnown}}
              <p class="wait" style="color: #7a1f4b">Your estimated wait is {{waitTimeFormatted}}.</p>
              {{#waitTimeHours}}<p>That is {{waitTimeHours}} h {{waitTimeHourMinutes}} min.</p>{{/waitTimeHours}}
              {{/waitTimeKnown}}
              {{^waitTimeKnown}}
              <p class="wait">
            {{#queueAll}}Nobody is let in just now.{{/queueAll}}
            {{^queueAll}}Your wait will be known soon.{{/queueAll}}
          </p>
              {{/waitTimeKnown}}
            {{/queueIsFull}}
            {{#isRandomQueue}}<p>People are let in at random.</p>{{/isRandomQueue}}
            {{#isFIFOQueue}}<p>First come, first served ({{queueingMethod}}).</p>{{/isFIFOQueue}}
            <p>This page looks again every {{refreshIntervalSeconds}} seconds. Last updated:
            <time id="stamp" datetime="{{lastUpdated}}">{{lastUpdated}}</time></p>
            {{{turnstile}}}
          </main>
          <script type="text/javascript">
            const remaining = document.getElementById('time-remaining');
            var waitTime = {{waitTime}};
            var waitTimeKnown = {{waitTimeKnown}};
            remaining.textContent = waitTimeKnown ? 'Scripted: ' + waitTime + ' min' : 'Scripted: unavailable';
            var last = new Date('{{lastUpdated}}');
            document.getElementById('stamp').title =
          last.toLocaleTimeString() + ", again in {{refreshIntervalSeconds}} s";
          </script>
        </body>
        </html>
        """#

    /// With our parts placed one by one.
    static let placed = #"""
        <!doctype html>
        <html lang="{{language}}" dir="{{direction}}">
        <head>
        <meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{{title}}</title>
        <style>
        body { font: 1rem/1.5 sans-serif; margin: 0; background: #fff; color: #222; }
        main { max-width: 36rem; margin: auto; padding: 1rem; }
        </style>
        </head>
        <body>
        <main>
        {{{languages}}}
        <h1 id="heading">{{heading}}</h1>
        {{{status}}}
        {{{place}}}
        {{{form}}}
        {{{actions}}}
        {{{noscript}}}
        </main>
        </body>
        </html>
        """#

    /// A folder for `page` with this page in it.
    static func folder(_ page: String) throws -> TemporaryDirectory {
        let folder = try TemporaryDirectory()
        try folder.write("page.mustache", page)
        return folder
    }
}
