# SPDX-License-Identifier: Apache-2.0
#
# What drills and benchmarks share. It uses Python's standard library only and runs everything on loopback.
#
#     processes.py   starting, finding, signalling and ending programs; waiting for events; ports that stay ours
#     http_client.py one kept HTTP connection
#     nginx.py       one skeleton of nginx.conf; reload and upgrade of a running nginx
#     product.py     the product as an operator runs it, and the demo
#     witness.py     load and visitors beside a drill, and what must hold for them afterwards
#     command.py     command line, packages, charts
#
# Two rules keep timing out of the results, and Tests/TidyTests/DrillTests.swift checks both. Files and processes that
# change while they are read (pid files, /proc, logs) are read only by the functions of processes.py. An event is waited
# for with until(); a sleep only sets the pace, and the comment before it says of what.
